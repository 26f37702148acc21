package dev.holdfast.agent.cow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.cow.CowFixture.Version;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class CowHeaderTest {
    private static final int SECONDS = (int) 3_000_000_000L; // later than 31 bits reach
    private static final long SIZE = 2051 * 512L;

    @TempDir
    private Path directory;

    @ParameterizedTest
    @EnumSource
    void eachVersionIsRead(Version version) throws IOException {
        CowHeader header = read(CowFixture.header(version, "/srv/ünïx.img", SECONDS, SIZE));

        assertThat(header.backing()).isEqualTo("/srv/ünïx.img");
        assertThat(header.backingSeconds()).isEqualTo(SECONDS);
        assertThat(header.deviceBytes()).isEqualTo(SIZE);
        assertThat(header.layout().version).isEqualTo(version.rounds() ? 3 : version == Version.V2 ? 2 : 1);
    }

    /** Numbers from the structures of the kernel; the third from a file that a real User-Mode Linux made. */
    @ParameterizedTest
    @CsvSource({
        "V1_LITTLE, 280, 256, 1024, 3",
        "V2, 4120, 256, 4608, 3",
        "V3, 8192, 257, 12288, 0",
        "V3_SHIFTED, 8192, 257, 12288, 0"
    })
    void placesFollowFromTheVersion(Version version, long bitmap, long bytes, long data, long without)
            throws IOException {
        CowHeader header = read(CowFixture.header(version, "/base", SECONDS, SIZE));

        assertThat(header.bitmapOffset()).isEqualTo(bitmap);
        assertThat(header.bitmapBytes()).isEqualTo(bytes);
        assertThat(header.dataOffset()).isEqualTo(data);
        assertThat(header.fileBytes()).isEqualTo(data + SIZE);
        assertThat(header.sectorsWithoutBit()).isEqualTo(without);
    }

    @Test
    void whatIsWrittenIsWhatTheKernelWrites() throws IOException {
        byte[] written = CowHeader.ofNew("/base", SECONDS, SIZE).encoded().array();
        byte[] kernel = CowFixture.header(Version.V3, "/base", SECONDS, SIZE);
        Arrays.fill(kernel, 32 + "/base".length(), kernel.length, (byte) 0);

        assertThat(written).isEqualTo(kernel);
        assertThat(read(written)).isEqualTo(CowHeader.ofNew("/base", SECONDS, SIZE));
    }

    @Test
    void aNameThatDoesNotFitIsRefused() {
        assertThatThrownBy(() ->
                        CowHeader.ofNew("/" + "x".repeat(4095), SECONDS, SIZE).encoded())
                .isInstanceOf(CowException.class)
                .hasMessageContaining("too long")
                .hasMessageContaining("move it");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 7, 512})
    void whatIsNoCowFileIsRefused(int length) {
        refused(new byte[length], "is not a COW file", "name a file");
    }

    @ParameterizedTest
    @EnumSource
    void aTruncatedHeaderIsRefused(Version version) {
        byte[] whole = CowFixture.header(version, "/base", SECONDS, SIZE);
        refused(Arrays.copyOf(whole, whole.length - 1), "is truncated", "restore it");
        refused(Arrays.copyOf(whole, 8), "is truncated", "restore it");
    }

    @ParameterizedTest
    @EnumSource
    void aNameWithoutEndIsRefused(Version version) {
        refused(CowFixture.header(version, "/" + "x".repeat(4096), SECONDS, SIZE), "has no end", "restore it");
    }

    @ParameterizedTest
    @EnumSource
    void noNameIsRefused(Version version) {
        refused(CowFixture.header(version, "", SECONDS, SIZE), "is damaged", "restore it");
    }

    @ParameterizedTest
    @ValueSource(longs = {-1, Long.MIN_VALUE, Long.MAX_VALUE, (1L << 61) + 1})
    void aSizeThatPassesAllFilesIsRefused(long size) {
        refused(
                CowFixture.header(Version.V3, "/base", SECONDS, size),
                "would have " + Long.toUnsignedString(size) + " bytes",
                "restore it");
    }

    @Test
    void theLargestSizeOverflowsNowhere() throws IOException {
        byte[] header = CowFixture.header(Version.V3, "/base", SECONDS, 1L << 61);
        ByteBuffer.wrap(header).putInt(24, Integer.MAX_VALUE);
        assertThat(read(header).fileBytes()).isGreaterThan(1L << 61);
    }

    @ParameterizedTest
    @CsvSource({
        "4, 0, 'is of version 0', 'name another'",
        "4, 4, 'is of version 4', 'name another'",
        "4, -1, 'is of version 4294967295', 'name another'",
        "20, 0, 'sectors would have 0 bytes', 'restore it'",
        "20, 1024, 'sectors would have 1024 bytes', 'restore it'",
        "24, 0, 'aligned to 0 bytes', 'restore it'",
        "24, -4096, 'aligned to -4096 bytes', 'restore it'",
        "28, 1, 'of the format 1', 'merge it with'"
    })
    void aFieldThatMakesNoSenseIsRefused(int offset, int value, String why, String remedy) {
        byte[] header = CowFixture.header(Version.V3, "/base", SECONDS, SIZE);
        ByteBuffer.wrap(header).putInt(offset, value);
        refused(header, why, remedy);
    }

    @Test
    void aNameThatIsNoTextIsRefused() {
        byte[] header = CowFixture.header(Version.V3, "/base", SECONDS, SIZE);
        header[33] = (byte) 0xff;
        refused(header, "not UTF-8", "--base");
    }

    private void refused(byte[] content, String why, String remedy) {
        assertThatThrownBy(() -> read(content))
                .isInstanceOf(CowException.class)
                .hasMessageContaining(directory.resolve("file").toString())
                .hasMessageContaining(why)
                .hasMessageContaining(remedy);
    }

    private CowHeader read(byte[] content) throws IOException {
        Path file = Files.write(directory.resolve("file"), content);
        try (FileChannel channel = FileChannel.open(file)) {
            return CowHeader.read(file, channel);
        }
    }
}
