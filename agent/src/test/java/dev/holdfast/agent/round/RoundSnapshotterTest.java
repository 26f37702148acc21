package dev.holdfast.agent.round;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.coordinator.port.Snapshotter.PhaseException;
import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.RoundOptions;
import dev.holdfast.coordinator.protocol.RoundSpec;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a node does to its machines in a round, with machines that only write down what is done to them. */
@Timeout(120)
class RoundSnapshotterTest {

    private static final RoundSpec CHECKPOINT = Rounds.spec("r1", RoundKind.CHECKPOINT);
    private static final RoundSpec REVERT = Rounds.spec("r1", RoundKind.REVERT);

    private final ExecutorService workers = Executors.newCachedThreadPool();
    private final FakeMachines machines = new FakeMachines();
    private final RoundSnapshotter snapshotter = new RoundSnapshotter(
            Rounds.SELF, "test", machines, machines, workers, new RoundSnapshotter.Clocks(System::nanoTime, spec -> 0));

    @AfterEach
    void close() {
        workers.shutdownNow();
    }

    @Test
    void aRoundThatIsNotAdmittedHoldsNothing() {
        machines.refuse(Rounds.WEB);
        assertThatThrownBy(() -> snapshotter.prepare(CHECKPOINT)).isInstanceOf(PhaseException.class);
        assertThat(machines.log()).containsExactly("claim db", "release");
    }

    @Test
    void aNodeWithoutRoomForAllItsMembersTogetherTouchesNone() {
        machines.tooSmall = true;
        assertThatThrownBy(() -> snapshotter.prepare(REVERT)).hasMessageContaining("together need more");
        assertThat(machines.log()).containsExactly("claim db", "claim web");
    }

    @Test
    void aBoundRoundThatCannotBeOpenedNowKeepsItsClaims() {
        machines.refuse(Rounds.WEB);
        assertThatThrownBy(() -> snapshotter.releaseGuard(REVERT)).isInstanceOf(PhaseException.class);
        assertThatThrownBy(() -> snapshotter.carryOut(REVERT, Decision.COMMITTED))
                .isInstanceOf(PhaseException.class);
        assertThat(machines.log()).doesNotContain("release");
    }

    @Test
    void aMachineThatWasStartedElsewhereIsLeftToThatNodeButTheRoundWaitsForIt() throws Exception {
        machines.put(Rounds.WEB, Whereabouts.ELSEWHERE_AND_OPEN);
        for (Decision decision : Decision.values()) {
            assertThatThrownBy(() -> snapshotter.carryOut(CHECKPOINT, decision))
                    .hasMessageContaining("web was started on another node");
        }
        assertThat(machines.log()).isEmpty();

        machines.put(Rounds.WEB, Whereabouts.ELSEWHERE_AND_DONE);
        snapshotter.carryOut(CHECKPOINT, Decision.COMMITTED);
        assertThat(machines.log()).containsExactly("claim db", "COMMITTED db", "unmark db", "release");
    }

    @Test
    void aMachineWhoseDefinitionWasTakenAwayDoesNotKeepAnAbortedRoundOpenButACommittedOneWaitsForIt() throws Exception {
        machines.put(Rounds.WEB, Whereabouts.NOT_DEFINED);
        assertThatThrownBy(() -> snapshotter.carryOut(CHECKPOINT, Decision.COMMITTED))
                .hasMessageContaining("no longer has the definition of web");
        assertThat(machines.log()).isEmpty();
        snapshotter.carryOut(CHECKPOINT, Decision.ABORTED);
        assertThat(machines.log()).containsExactly("claim db", "ABORTED db", "unmark db", "release");
    }

    @Test
    void aMachineThatWasNeverAdmittedDoesNotKeepAnAbortedRoundOpen() throws Exception {
        machines.put(Rounds.WEB, Whereabouts.NOT_ADMITTED);
        machines.refuse(Rounds.WEB);
        assertThatThrownBy(() -> snapshotter.carryOut(CHECKPOINT, Decision.COMMITTED))
                .hasMessageContaining("web does not answer");
        machines.forget();
        snapshotter.carryOut(CHECKPOINT, Decision.ABORTED);
        assertThat(machines.log()).containsExactly("claim db", "ABORTED db", "unmark db", "release");
    }

    @Test
    void aRoundWithoutARecordIsForgottenIfNothingWaitsForIt() throws Exception {
        snapshotter.releaseGuard(REVERT);
        machines.forget();
        machines.waiting.add(Rounds.WEB);
        assertThatThrownBy(() -> snapshotter.forget(REVERT))
                .hasMessageContaining("web waits for the decision of round r1");
        assertThat(machines.log()).isEmpty();
        machines.put(Rounds.WEB, Whereabouts.ELSEWHERE_AND_OPEN);
        assertThatThrownBy(() -> snapshotter.forget(REVERT)).isInstanceOf(PhaseException.class);

        machines.waiting.clear();
        snapshotter.forget(REVERT);
        assertThat(machines.log()).containsExactly("unmark db", "unmark web", "release");
    }

    @Test
    void aRoundWithoutARecordIsNotForgottenWhileTheChainOfAMachineCannotBeLookedAt() {
        machines.put(Rounds.WEB, Whereabouts.NOT_DEFINED);
        assertThatThrownBy(() -> snapshotter.forget(REVERT))
                .hasMessageContaining("cannot look whether the chain of web waits")
                .hasMessageContaining("there is no machine web on this node")
                .hasMessageContaining("Put back its definition");
        assertThat(machines.log()).as("what the round holds stays held").isEmpty();
    }

    @Test
    void aMachineThatIsLostToAnotherNodeWhileTheRoundIsInDoubtIsNotTouched() throws Exception {
        snapshotter.prepare(CHECKPOINT);
        machines.forget();
        machines.put(Rounds.WEB, Whereabouts.ELSEWHERE_AND_DONE);
        snapshotter.carryOut(CHECKPOINT, Decision.ABORTED);
        assertThat(machines.log()).contains("ABORTED db").noneMatch(line -> line.contains("web"));
        assertThatCode(() -> snapshotter.carryOut(CHECKPOINT, Decision.ABORTED)).doesNotThrowAnyException();
    }

    private List<String> ofWeb() {
        return machines.log().stream().filter(line -> line.contains("web")).toList();
    }

    @Test
    void aQuiescedGuestHasOneDeadlineFromBeforeItIsQuiescedUntilItIsThawed() throws Exception {
        RoundSpec quiesced = Rounds.spec("r1", RoundKind.CHECKPOINT, RoundOptions.Quiesce.TRY);
        snapshotter.prepare(quiesced);
        snapshotter.freeze(quiesced);
        assertThat(ofWeb())
                .containsExactly("claim web", "arm web 60", "prepare web", "arm web 5", "quiesce web", "freeze web");
    }

    @Test
    void aGuestThatCannotQuiesceIsNotCountedAsFrozenWhileItWaitsForTheOthers() throws Exception {
        machines.deaf = true;
        RoundSpec quiesced = Rounds.spec("r1", RoundKind.CHECKPOINT, RoundOptions.Quiesce.TRY);
        snapshotter.prepare(quiesced);
        assertThat(ofWeb()).endsWith("arm web 5", "arm web 60");
        snapshotter.freeze(quiesced);
        assertThat(ofWeb()).endsWith("arm web 5", "freeze web");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aGuestThatStopsByItselfKeepsTheDeadlineThatRunsAndOneThatRunsOnGetsItsOwn(boolean stopped) throws Exception {
        machines.freezingByThemselves.add(Rounds.WEB);
        machines.stoppedByThemselves = stopped;
        snapshotter.prepare(CHECKPOINT);
        snapshotter.freeze(CHECKPOINT);
        assertThat(ofWeb().stream().filter("arm web 5"::equals)).hasSize(stopped ? 1 : 2);
    }

    @Test
    void aGuestThatIsQuiescedWhenTheRoundIsVoidedIsLetGoAtOnce() {
        RoundSpec quiesced = Rounds.spec("r1", RoundKind.CHECKPOINT, RoundOptions.Quiesce.TRY);
        machines.whileQuiescing = () -> snapshotter.thawNow(quiesced.id());
        assertThatThrownBy(() -> snapshotter.prepare(quiesced)).hasMessageContaining("voided");
        assertThat(ofWeb()).contains("quiesce web").endsWith("unquiesce web", "disarm web");
    }

    @Test
    void aPauseByAPersonAfterTheQuiescingEndsTheRoundAndStays() throws Exception {
        RoundSpec quiesced = Rounds.spec("r1", RoundKind.CHECKPOINT, RoundOptions.Quiesce.TRY);
        snapshotter.prepare(quiesced);
        machines.paused = true;
        assertThatThrownBy(() -> snapshotter.freeze(quiesced)).hasMessageContaining("somebody paused it");
        assertThat(ofWeb()).doesNotContain("freeze web");
    }

    @Test
    void aGuestThatRunsOnAfterItsApproachIsNotCountedAsFrozenWhileItWaits() throws Exception {
        machines.freezingByThemselves.add(Rounds.WEB);
        snapshotter.prepare(CHECKPOINT);
        assertThat(ofWeb()).endsWith("arm web 5", "approach web", "arm web 60");
    }
}
