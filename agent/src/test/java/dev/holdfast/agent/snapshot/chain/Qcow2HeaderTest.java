package dev.holdfast.agent.snapshot.chain;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class Qcow2HeaderTest {
    @ParameterizedTest
    @ValueSource(longs = {-1, Long.MIN_VALUE, Long.MAX_VALUE})
    void anImageWhoseBackingNameIsNowhereIsDamaged(long offset, @TempDir Path directory) throws IOException {
        byte[] header = ByteBuffer.allocate(104)
                .putInt(0x514649fb)
                .putInt(3)
                .putLong(offset)
                .putInt(9)
                .array();
        Path image = Files.write(directory.resolve("d0.qcow2"), header);
        assertThatThrownBy(() -> Qcow2Header.read(image))
                .isInstanceOf(ChainException.class)
                .hasMessageContaining("is damaged");
    }
}
