package dev.holdfast.agent.journal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.JournalEntry;
import dev.holdfast.coordinator.protocol.MemberReport;
import dev.holdfast.coordinator.protocol.Members;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Part;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.RoundOptions;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.VmReport;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RoundJournalTest {
    private static final Name NODE = new Name("n1");
    private static final Instant NOW = Instant.parse("2026-11-21T10:00:00Z");

    @TempDir
    private Path directory;

    @Test
    void theWholeEntryIsThereAfterARestart() throws Exception {
        JournalEntry entry = JournalEntry.voted(spec(RoundKind.CHECKPOINT), report());
        journal().write(JournalEntry.intent(entry.spec()));
        journal().write(entry);

        assertThat(journal().entries()).containsExactly(entry);
        Operation operation = OperationJournal.open(directory).operations().get(0);
        assertThat(operation.state()).isEqualTo(OperationState.VOTED);
        assertThat(operation.vms()).containsExactly(new Name("db"), new Name("web"));
        assertThat(operation.since()).isEqualTo(NOW);
    }

    @Test
    void aBoundRevertIsLoaded() throws Exception {
        journal().write(JournalEntry.voted(spec(RoundKind.REVERT), report()));

        assertThat(OperationJournal.open(directory).operations().get(0).state()).isEqualTo(OperationState.LOADED);
    }

    @Test
    void localOperationsAreNoRounds() throws Exception {
        OperationJournal.open(directory)
                .write(Operation.local(new Name("x"), OperationKind.MERGE, new Name("web"), NOW, ""));

        assertThat(journal().entries()).isEmpty();
    }

    @Test
    void aClosedRoundIsGone() throws Exception {
        journal().write(JournalEntry.intent(spec(RoundKind.CHECKPOINT)));
        journal().remove(new RoundId("r-1"));
        journal().remove(new RoundId("r-1"));

        assertThat(journal().entries()).isEmpty();
    }

    private RoundJournal journal() throws Exception {
        return new RoundJournal(OperationJournal.open(directory), NODE, InstantSource.fixed(NOW));
    }

    private static RoundSpec spec(RoundKind kind) {
        return new RoundSpec(
                new RoundId("r-1"),
                kind,
                new Epoch(3),
                new Name("shop"),
                new Name("nightly"),
                Optional.of(new Name("yesterday")),
                new Members(new TreeMap<>(Map.of(
                        NODE,
                        new TreeSet<>(List.of(new Name("web"), new Name("db"))),
                        new Name("n2"),
                        new TreeSet<>(List.of(new Name("mail")))))),
                new RoundOptions(
                        Duration.ofSeconds(5),
                        Duration.ofSeconds(60),
                        Duration.ofMinutes(10),
                        Duration.ZERO,
                        RoundOptions.CaptureMethod.BACKGROUND,
                        RoundOptions.Quiesce.TRY,
                        false,
                        "before \"the\" upgrade"));
    }

    private static MemberReport report() {
        return new MemberReport(
                NODE,
                -1,
                "0.1.0",
                List.of(new VmReport(
                        new Name("web"),
                        1_700_000_000_123_456_789L,
                        1_700_000_000_133_456_789L,
                        1_700_000_000_143_456_789L,
                        20_000_000,
                        RoundOptions.CaptureMethod.BACKGROUND,
                        "no",
                        "QEMU 7.2",
                        List.of(new Part("memory", "/srv/web.memory", 1 << 20, "ab")))));
    }
}
