package dev.holdfast.agent.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Alone;
import dev.holdfast.coordinator.replication.Out;
import dev.holdfast.coordinator.replication.Policy;
import dev.holdfast.coordinator.replication.Protected;
import dev.holdfast.coordinator.replication.ReplicaEvent;
import dev.holdfast.coordinator.replication.ReplicationRecord;
import dev.holdfast.coordinator.replication.Self;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A machine in a round, by the rules themselves, with a guard and a store that only write down. */
class ParkingTest {
    private static final Name ROUND = new Name("r1");
    private static final Duration BOUND = Duration.ofSeconds(10);

    @TempDir
    private Path home;

    private ParkingLab lab;
    private Parking parking;

    @BeforeEach
    void follow() throws Exception {
        lab = new ParkingLab(home);
        parking = lab.parking;
        assertThat(lab.rules.state).isInstanceOf(Protected.class);
    }

    private CompletableFuture<Void> park() {
        CompletableFuture<Void> ready = parking.park(ROUND, BOUND);
        lab.thread.runAll();
        return ready;
    }

    private CompletableFuture<Void> standAlone() {
        CompletableFuture<Void> ready = parking.standAlone(ROUND);
        lab.thread.runAll();
        return ready;
    }

    private void end(Name operation) {
        parking.end(operation);
        lab.thread.runAll();
    }

    @Test
    void waitsForTheEndOfAnEpochThatIsUnderWay() {
        lab.tell(new ReplicaEvent.EpochDue());
        lab.rules.busy = true;
        CompletableFuture<Void> ready = park();
        assertThat(ready).isNotDone();
        assertThat(parking.isParked()).isTrue();
        lab.rules.busy = false;
        lab.tell(new ReplicaEvent.StandbyAt(ParkingLab.THERE, 2));
        assertThat(ready).isCompleted();
    }

    @Test
    void aRoundDoesNotWaitForADryRunThatWaits() {
        lab.tell(new ReplicaEvent.EpochDue());
        lab.rules.busy = true;
        CompletableFuture<Void> look = parking.park(BOUND);
        CompletableFuture<Void> ready = park();
        assertThat(look).isCompletedExceptionally();
        assertThat(ready).isNotDone();
        parking.end();
        lab.rules.busy = false;
        lab.tell(new ReplicaEvent.StandbyAt(ParkingLab.THERE, 2));
        assertThat(ready).isCompleted();
        assertThat(parking.isParked()).as("the round has it").isTrue();

        CompletableFuture<Void> late = parking.park(BOUND);
        lab.thread.runAll();
        assertThat(late).isCompletedExceptionally();
        assertThat(parking.isParked()).isTrue();
    }

    @Test
    void aGuestThatWaitsForItsStandbyDoesNotWaitForTheRoundAsWell() {
        lab.tell(new ReplicaEvent.LagPassed(1));
        CompletableFuture<Void> ready = park();
        assertThat(ready).isNotDone();
        assertThat(parking.keepsEpochsBack()).isFalse();
        lab.tell(new ReplicaEvent.EpochDue());
        lab.tell(new ReplicaEvent.StandbyAt(ParkingLab.THERE, 2));
        assertThat(ready).isCompleted();
        assertThat(parking.keepsEpochsBack()).isTrue();
    }

    /** Who ends it asks the one to shut down, and would wait in vain for the other. */
    @Test
    void aGuestThatStandsStillGoesOnByItselfUnlessItHasNoStandbyAndIsInNoRound() {
        assertThat(parking.letsRunAgain()).as("an epoch may have stopped it").isTrue();
        lab.tell(new ReplicaEvent.LagPassed(1));
        assertThat(parking.letsRunAgain()).as("it waits for its standby").isTrue();
        lab.tell(new ReplicaEvent.StandbyLost(ParkingLab.THERE));
        lab.tell(new ReplicaEvent.RecordWritten(8));
        assertThat(lab.rules.state).isInstanceOf(Alone.class);
        assertThat(parking.letsRunAgain()).as("somebody has paused it").isFalse();
        lab.rules.frozen = true;
        assertThat(parking.letsRunAgain()).as("a round has stopped it").isTrue();
    }

    @Test
    void armsTheBoundAgainAllTheTimeSoThatTheGuestIsNotHeldForTheRound() {
        park();
        lab.armed.clear();
        lab.pass(Duration.ofMillis(100));
        assertThat(lab.armed).isEmpty();
        for (int i = 0; i < 3; i++) {
            lab.pass(Duration.ofMillis(501));
        }
        assertThat(lab.armed).hasSize(3).containsOnly(Duration.ofSeconds(3));
        end(ROUND);
        lab.armed.clear();
        lab.pass(Duration.ofSeconds(1));
        assertThat(lab.armed).isEmpty();
        assertThat(lab.rules.freed).isTrue();
    }

    @Test
    void aGuestThatWasHeldBecauseThisAgentWasLateRunsOnButNotWhileItIsFrozen() {
        park();
        lab.tell(new ReplicaEvent.LagPassed(1));
        assertThat(lab.rules.state).matches(state -> ((Protected) state).isHeld());
        lab.rules.frozen = true;
        lab.pass(Duration.ofMillis(100));
        lab.thread.runAll();
        assertThat(lab.rules.state).matches(state -> ((Protected) state).isHeld());
        lab.rules.frozen = false;
        lab.armed.clear();
        lab.pass(Duration.ofMillis(100));
        lab.thread.runAll();
        assertThat(lab.armed).isNotEmpty();
        assertThat(lab.rules.state).matches(state -> ((Protected) state).runs());
    }

    @Test
    void endsForItsOwnRoundOnlyAndByItselfAfterItsBound() {
        park();
        end(new Name("r2"));
        assertThat(parking.isParked()).isTrue();
        lab.pass(BOUND.plusMillis(1));
        assertThat(parking.isParked()).isFalse();
        assertThat(lab.rules.freed).isTrue();
    }

    @Test
    void aRevertOfAnEarlierAgentKeepsTheMachineUntilItIsOver() {
        parking.resume(ROUND);
        assertThat(parking.isReverting()).isTrue();
        lab.pass(Duration.ofDays(1));
        assertThat(parking.isReverting()).isTrue();
        end(ROUND);
        assertThat(parking.isParked()).isFalse();
    }

    @Test
    void isOneRoundsAlone() {
        park();
        CompletableFuture<Void> other = parking.park(new Name("r2"), BOUND);
        lab.thread.runAll();
        assertThat(other).isCompletedExceptionally();
        end(new Name("r2"));
        assertThat(parking.isParked()).isTrue();
    }

    @Test
    void aRoundThatIsGivenUpWhileItWaitsIsNotGoneOnWith() {
        lab.tell(new ReplicaEvent.EpochDue());
        CompletableFuture<Void> ready = park();
        parking.giveUp(ROUND);
        lab.thread.runAll();
        assertThat(ready).isCompletedExceptionally();
        assertThat(parking.isParked()).isFalse();

        lab.tell(new ReplicaEvent.StandbyAt(ParkingLab.THERE, 2));
        park();
        parking.giveUp(ROUND);
        lab.thread.runAll();
        assertThat(parking.isParked()).as("what it has done is undone first").isTrue();
    }

    @Test
    void aMachineThatIsNotLedHereIsRefused() {
        lab.rules.state = Out.begin(new Self(Rig.NODE, Policy.pause()));
        assertThat(park()).isCompletedExceptionally();
        assertThat(parking.obstacle()).hasValueSatisfying(why -> assertThat(why).contains("not promoted"));
        assertThat(parking.isParked()).isFalse();
    }

    private void isAloneInANewLife(CompletableFuture<Void> ready) {
        assertThat(ready).isCompleted();
        assertThat(lab.rules.state)
                .isInstanceOfSatisfying(
                        Alone.class,
                        alone -> assertThat(alone.lead().generation()).isEqualTo(ParkingLab.GENERATION + 1));
        assertThat(lab.store.last().orElseThrow().record())
                .isEqualTo(new ReplicationRecord(
                        ParkingLab.GENERATION + 1,
                        Optional.of(ParkingLab.HERE),
                        new TreeSet<>(List.of(ParkingLab.HERE))));
        assertThat(parking.isReverting()).isTrue();
    }

    @Test
    void aRevertBeginsALifeWithoutTheStandby() {
        isAloneInANewLife(standAlone());
    }

    @Test
    void alsoWhileAnEpochIsOnItsWay() {
        lab.tell(new ReplicaEvent.EpochDue());
        isAloneInANewLife(standAlone());
    }

    @Test
    void alsoWhenTheAnswerToTheWriteIsLost() {
        lab.store.lost = 1;
        lab.store.arrives = true;
        isAloneInANewLife(standAlone());
    }

    @Test
    void alsoWhenTheWriteIsLost() {
        lab.store.lost = 2;
        isAloneInANewLife(standAlone());
    }

    @Test
    void aRevertIsNotGoneOnWithIfTheStoreDoesNotTakeTheNewLife() {
        lab.store.lost = Integer.MAX_VALUE;
        assertThat(standAlone()).isCompletedExceptionally();
        assertThat(lab.rules.state).isInstanceOf(Protected.class);
        assertThat(lab.store.last().orElseThrow().record().inSync()).contains(ParkingLab.THERE);
        end(ROUND);
        assertThat(parking.isParked()).isFalse();
    }

    @Test
    void aNewLifeThatTheStoreTookWithoutTellingIsTakenUpWhenTheStoreIsBackAlsoAfterTheRound() {
        RecordLook look = new RecordLook(lab.store, lab.thread, lab.rules::state, lab.rules::post);
        lab.store.lost = 1;
        lab.store.arrives = true;
        lab.store.goesAway = true;
        assertThat(standAlone()).isCompletedExceptionally();
        end(ROUND);
        look.look();
        lab.thread.runAll();
        assertThat(lab.rules.state).isInstanceOf(Protected.class);

        lab.store.comesBack();
        look.look();
        lab.thread.runAll();
        assertThat(lab.rules.state)
                .isInstanceOfSatisfying(
                        Alone.class,
                        alone -> assertThat(alone.lead().generation()).isEqualTo(ParkingLab.GENERATION + 1));
    }

    @Test
    void aPrimaryThatSeesTheLifeOfAnotherCopyEnds() {
        RecordLook look = new RecordLook(lab.store, lab.thread, lab.rules::state, lab.rules::post);
        look.look();
        lab.thread.runAll();
        assertThat(lab.rules.state).isInstanceOf(Protected.class);
        lab.store.write(
                7,
                new ReplicationRecord(
                        ParkingLab.GENERATION + 1,
                        Optional.of(ParkingLab.THERE),
                        new TreeSet<>(List.of(ParkingLab.THERE))),
                ignored -> {});
        look.look();
        lab.thread.runAll();
        assertThat(lab.rules.state).isInstanceOf(Out.class);
    }
}
