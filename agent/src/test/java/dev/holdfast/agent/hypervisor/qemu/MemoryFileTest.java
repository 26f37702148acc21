package dev.holdfast.agent.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class MemoryFileTest {
    @TempDir
    private Path directory;

    @Test
    void theImageIsTheOwnersAlone() throws Exception {
        Path image = directory.resolve("memory");
        try (MemoryFile file = MemoryFile.create(image, 1 << 20)) {
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(image)))
                    .isEqualTo("rw-------");
            assertThat(file.seal()).isZero();
        }
    }

    @Test
    void memoryIsNotWrittenThroughAPlantedLink() throws Exception {
        Path precious = Files.writeString(directory.resolve("precious"), "content");
        Path symbolic = Files.createSymbolicLink(directory.resolve("symbolic"), precious);
        Path dangling = Files.createSymbolicLink(directory.resolve("dangling"), directory.resolve("planted"));
        Path hard = Files.createLink(directory.resolve("hard"), precious);
        for (Path link : new Path[] {symbolic, dangling, hard}) {
            assertThatThrownBy(() -> MemoryFile.create(link, 1 << 20)).hasMessageContaining("exists already");
            assertThat(precious).hasContent("content");
            assertThat(directory.resolve("planted")).doesNotExist();
        }
    }

    @Test
    void memoryIsNotWrittenWhereOthersCouldReplaceIt() throws Exception {
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxrwxrwx"));
        assertThatThrownBy(() -> MemoryFile.create(directory.resolve("memory"), 1 << 20))
                .hasMessageContaining("chmod go-w " + directory);
        assertThat(directory.resolve("memory")).doesNotExist();
    }
}
