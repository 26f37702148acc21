package dev.holdfast.agent.round;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.journal.Operation;
import dev.holdfast.agent.journal.OperationJournal;
import dev.holdfast.agent.journal.OperationKind;
import dev.holdfast.agent.snapshot.Fate;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.RoundState;
import dev.holdfast.coordinator.protocol.RoundView;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What becomes of a round's files that are found in the chain of a machine which another node had. */
@Timeout(120)
class LeftIntentsTest {

    private static final Name WEB = new Name("web");
    private static final Name DB = new Name("db");

    @TempDir
    private Path directory;

    private final ExecutorService workers = Executors.newCachedThreadPool();
    private OperationJournal journal;

    @BeforeEach
    void open() throws Exception {
        journal = OperationJournal.open(directory);
    }

    @AfterEach
    void close() {
        workers.shutdownNow();
    }

    private Fate fate(String operation, LeftIntents.Rounds rounds) {
        return new LeftIntents(journal, rounds, workers).on(WEB).of(operation);
    }

    private static LeftIntents.Rounds store(RoundState state) {
        return round -> Optional.of(
                RoundView.of(Rounds.spec("r1", RoundKind.CHECKPOINT), state, 1, Set.of(), Map.of(), Set.of()));
    }

    @ParameterizedTest
    @CsvSource({"PREPARING,KEEP", "COMMITTED,MAKE_TRUE", "ABORTED,TAKE_BACK"})
    void theStoreDecidesAboutTheRoundOfAnotherNode(RoundState state, Fate fate) {
        assertThat(fate("r1", store(state))).isEqualTo(fate);
    }

    @Test
    void noRecordAndNoAnswerDecideNothing() {
        assertThat(fate("r1", round -> Optional.empty())).isEqualTo(Fate.KEEP);
        assertThat(fate("r1", round -> {
                    throw new StoreUnreachableException("test", new java.io.IOException());
                }))
                .isEqualTo(Fate.KEEP);
    }

    @Test
    void aStoreThatHangsKeepsNoMachineFromItsStart() {
        CountDownLatch never = new CountDownLatch(1);
        assertThat(fate("r1", round -> {
                    try {
                        never.await();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                    return Optional.empty();
                }))
                .isEqualTo(Fate.KEEP);
    }

    @Test
    void aRoundInTheJournalIsTheEnginesBusinessButOnlyForItsMachines() throws Exception {
        journal.write(Operation.local(new Name("r1"), OperationKind.CHECKPOINT, WEB, Instant.EPOCH, ""));
        assertThat(fate("r1", store(RoundState.COMMITTED))).isEqualTo(Fate.KEEP);
        journal.write(Operation.local(new Name("r1"), OperationKind.CHECKPOINT, DB, Instant.EPOCH, ""));
        assertThat(fate("r1", store(RoundState.COMMITTED))).isEqualTo(Fate.MAKE_TRUE);
    }

    @Test
    void anOperationOfItsOwnThatWasCutOffIsTakenBackWithoutAsking() {
        assertThat(fate("o17", store(RoundState.COMMITTED))).isEqualTo(Fate.TAKE_BACK);
    }
}
