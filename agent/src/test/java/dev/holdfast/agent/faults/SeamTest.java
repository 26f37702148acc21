package dev.holdfast.agent.faults;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The campaign's table of points (deploy/lib/faults/points) and the points that there are. */
class SeamTest {
    private static final Path TABLE = Path.of("..", "deploy", "lib", "faults", "points");

    @Test
    void theCampaignKnowsEachPointAndNoOther() throws IOException {
        try (Stream<String> lines = Files.lines(TABLE)) {
            List<String> table = lines.filter(line -> !line.startsWith("#"))
                    .map(line -> line.split("\\s+")[0])
                    .collect(Collectors.toList());
            assertThat(table).containsExactlyElementsOf(Seam.points());
        }
    }
}
