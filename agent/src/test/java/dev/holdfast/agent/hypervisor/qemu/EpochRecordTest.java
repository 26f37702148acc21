package dev.holdfast.agent.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class EpochRecordTest {
    @TempDir
    private Path directory;

    @Test
    void theLastOneWrittenIsRead() throws Exception {
        assertThat(EpochRecord.read(directory)).isEmpty();
        new EpochRecord(false, 41, OptionalInt.of(0)).write(directory);
        EpochRecord last = new EpochRecord(true, 42, OptionalInt.of(1));
        last.write(directory);
        assertThat(EpochRecord.read(directory)).hasValue(last);
        assertThat(Files.list(directory)).hasSize(1);
    }

    @Test
    void anEpochOfDisksAloneSaysSo() throws Exception {
        EpochRecord disks = new EpochRecord(true, 7, OptionalInt.empty());
        disks.write(directory);
        assertThat(Files.readString(directory.resolve("epoch"))).isEqualTo("committed 7 -\n");
        assertThat(EpochRecord.read(directory)).hasValue(disks);
    }

    @Test
    void anEpochIsAsOldAsItsMemoryAlsoWhenItsCommitIsCompletedLater() throws Exception {
        FileTime before = FileTime.from(Instant.parse("2020-01-01T00:00:00Z"));
        new EpochRecord(false, 7, OptionalInt.of(1)).write(directory);
        Files.setLastModifiedTime(directory.resolve("epoch"), before);
        new EpochRecord(true, 7, OptionalInt.of(1)).write(directory);
        assertThat(Files.getLastModifiedTime(directory.resolve("epoch"))).isEqualTo(before);
        new EpochRecord(false, 8, OptionalInt.of(0)).write(directory);
        assertThat(Files.getLastModifiedTime(directory.resolve("epoch"))).isGreaterThan(before);
    }

    @Test
    void aDamagedOneIsNoEpoch() throws Exception {
        Files.writeString(directory.resolve("epoch"), "committed 4");
        assertThatThrownBy(() -> EpochRecord.read(directory)).hasMessageContaining("damaged");
    }
}
