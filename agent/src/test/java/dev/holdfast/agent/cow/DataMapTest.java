package dev.holdfast.agent.cow;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DataMapTest {
    private static final String ANSWER = """
            [{ "start": 0, "length": 4096, "depth": 0, "present": true, "zero": false, "data": true, "offset": 0},
            { "start": 4096, "length": 8192, "depth": 0, "present": true, "zero": true, "data": false, "offset": 4096},
            { "start": 12288, "length": 4096, "depth": 0, "present": true, "zero": false, "data": true, "offset": 12288}]
            """;

    @Test
    void holesAreKnownWhileTheFileIsLocked(@TempDir Path directory) throws IOException {
        Path file = directory.resolve("a, b");
        try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
            sparse.setLength(1L << 30);
            sparse.seek(1L << 29);
            sparse.write(1);
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
                FileLock lock = channel.lock(0, Long.MAX_VALUE, true)) {
            assertThat(lock.isShared()).isTrue();
            DataMap map = DataMap.of(file, 1L << 30);
            assertThat(map.nextData(0)).isEqualTo(1L << 29);
            assertThat(map.nextData(map.endOfData(1L << 29))).isEqualTo(1L << 30);
        }
    }

    @Test
    void anAnswerIsRead() {
        assertThat(pieces(DataMap.parse(ANSWER))).containsExactly(0L, 4096L, 12288L, 16384L, 16384L, Long.MAX_VALUE);
    }

    @Test
    void whatIsBehindACutIsData() {
        assertThat(pieces(DataMap.parse(ANSWER.substring(0, ANSWER.indexOf("12288,")))))
                .containsExactly(0L, 4096L, 12288L, Long.MAX_VALUE);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "qemu-img: Could not open", "[{ \"start\": 5, \"length\": 1, \"data\": false}]", "[]"})
    void withoutAnAnswerAllIsData(String answer) {
        assertThat(pieces(DataMap.parse(answer))).containsExactly(0L, Long.MAX_VALUE);
    }

    private static List<Long> pieces(DataMap map) {
        List<Long> pieces = new ArrayList<>();
        for (long at = map.nextData(0); at < Long.MAX_VALUE; at = map.nextData(at)) {
            pieces.add(at);
            at = map.endOfData(at);
            pieces.add(at);
        }
        return pieces;
    }
}
