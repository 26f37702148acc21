package dev.holdfast.agent.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.coordinator.port.UnreadableEntryException;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OperationJournalTest {
    private static final Instant NOW = Instant.parse("2026-11-21T10:00:00Z");
    private static final Operation FIRST =
            Operation.local(new Name("op-1"), OperationKind.SNAPSHOT_CREATE, new Name("web"), NOW, "before-upgrade");
    private static final Operation SECOND =
            Operation.local(new Name("op-2"), OperationKind.MERGE, new Name("db"), NOW, "");

    @TempDir
    private Path parent;

    private Path directory;

    @BeforeEach
    void nameTheDirectory() {
        directory = parent.resolve("journal");
    }

    @Test
    void whatWasWrittenIsThereAfterARestart() throws Exception {
        OperationJournal journal = OperationJournal.open(directory);
        Operation full = FIRST.withProcesses(List.of(new JournaledProcess(new Name("web"), 4711, 123456789, "boot-1")));
        journal.write(full);
        journal.write(SECOND);
        journal.remove(SECOND.id());

        assertThat(OperationJournal.open(directory).operations()).containsExactly(full);
        assertThat(Files.getPosixFilePermissions(directory)).isEqualTo(PosixFilePermissions.fromString("rwx------"));
    }

    @Test
    void anOperationNeverGoesBack() throws Exception {
        OperationJournal journal = OperationJournal.open(directory);
        journal.write(inState(OperationState.INTENT));
        journal.write(inState(OperationState.LOADED));
        journal.write(inState(OperationState.LOADED));

        assertThatThrownBy(() -> journal.write(inState(OperationState.INTENT)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("from LOADED to INTENT");
        assertThatThrownBy(() -> journal.write(inState(OperationState.VOTED)))
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void anOperationWhoseEntryCannotBeReadMayBeOpen() throws Exception {
        OperationJournal journal = OperationJournal.open(directory);
        journal.write(FIRST);
        assertThat(journal.mayBeOpen("op-1")).isTrue();
        assertThat(journal.mayBeOpen("op-2")).isFalse();

        Files.writeString(directory.resolve("op-1.json"), "torn");
        journal = OperationJournal.open(directory);
        assertThat(journal.operations()).isEmpty();
        assertThat(journal.mayBeOpen("op-1")).isTrue();
        assertThat(journal.mayBeOpen("op-2")).isFalse();
    }

    @Test
    void anEntryThatCannotBeReadIsSetAsideWhenItsOperationHasEnded() throws Exception {
        OperationJournal.open(directory).write(FIRST);
        Path torn = directory.resolve("op-1.json");
        Files.writeString(torn, "torn");
        OperationJournal journal = OperationJournal.open(directory);
        assertThatThrownBy(() -> journal.write(FIRST))
                .isInstanceOf(UnreadableEntryException.class)
                .hasMessageContaining(torn.toString());
        assertThat(torn).hasContent("torn");

        journal.remove(FIRST.id());
        journal.remove(FIRST.id());

        assertThat(directory.resolve("op-1.json.damaged")).hasContent("torn");
        assertThat(journal.unreadable()).isEmpty();
        assertThat(journal.mayBeOpen("op-1")).isFalse();
        journal.write(FIRST);
        assertThat(OperationJournal.open(directory).operations()).containsExactly(FIRST);
    }

    @Test
    void aTornEntryIsReportedAndTheOthersLoad() throws Exception {
        OperationJournal.open(directory).write(FIRST);
        OperationJournal.open(directory).write(SECOND);
        Path torn = directory.resolve("op-1.json");
        byte[] whole = Files.readAllBytes(torn);

        for (int length = 0; length < whole.length - 2; length += 7) {
            byte[] part = Arrays.copyOf(whole, length);
            Files.write(torn, part);
            OperationJournal journal = OperationJournal.open(directory);

            assertThat(journal.operations()).containsExactly(SECOND);
            assertThat(journal.unreadable()).singleElement().asString().contains(torn.toString());
            assertThat(Files.readAllBytes(torn)).isEqualTo(part);
        }
    }

    @Test
    void randomDamageIsNeverReadAsAnotherOperation() throws Exception {
        OperationJournal.open(directory).write(FIRST);
        Path file = directory.resolve("op-1.json");
        byte[] whole = Files.readAllBytes(file);
        Random random = new Random(20261121);

        for (int round = 0; round < 1000; round++) {
            byte[] damaged = whole.clone();
            for (int flips = 1 + random.nextInt(4); flips > 0; flips--) {
                damaged[random.nextInt(damaged.length)] ^= (byte) (1 << random.nextInt(8));
            }
            Files.write(file, damaged);
            assertThat(OperationJournal.open(directory).operations())
                    .allSatisfy(operation -> assertThat(operation).isEqualTo(FIRST));
        }
    }

    @Test
    void aFileUnderAnotherNameIsNotBelieved() throws Exception {
        OperationJournal.open(directory).write(FIRST);
        Files.copy(directory.resolve("op-1.json"), directory.resolve("op-9.json"));
        OperationJournal journal = OperationJournal.open(directory);

        assertThat(journal.operations()).containsExactly(FIRST);
        assertThat(journal.unreadable()).singleElement().asString().contains("op-9.json");
    }

    @Test
    void aWriteCutOffBeforeTheRenameNeverCounted() throws Exception {
        OperationJournal.open(directory).write(FIRST);
        Files.copy(directory.resolve("op-1.json"), directory.resolve(".op-2.json.tmp"));
        OperationJournal journal = OperationJournal.open(directory);

        assertThat(journal.operations()).containsExactly(FIRST);
        assertThat(journal.unreadable()).isEmpty();
    }

    @Test
    void aDirectoryThatCannotBeUsedIsAnError() throws Exception {
        Files.writeString(directory, "a file");

        assertThatThrownBy(() -> OperationJournal.open(directory)).isInstanceOf(IOException.class);
    }

    private static Operation inState(OperationState state) {
        return new Operation(
                FIRST.id(), FIRST.kind(), state, FIRST.vms(), FIRST.round(), FIRST.processes(), FIRST.since(), "");
    }
}
