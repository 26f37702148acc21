package dev.holdfast.agent.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.hypervisor.replication.EpochContent;
import dev.holdfast.coordinator.replication.Reason;
import dev.holdfast.coordinator.replication.ReplicaEvent;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A machine with a standby. */
class FarewellTest {
    private final CompletableFuture<Optional<Reason>> answer = new CompletableFuture<>();

    @TempDir
    private Path home;

    private ParkingLab lab;

    @BeforeEach
    void follow() throws Exception {
        lab = new ParkingLab(home);
        lab.guest.startCold();
        lab.world.obeys = true;
    }

    private void ask(EpochContent content, Wish wish) {
        new Farewell(content, lab.guest, lab.rules::state, lab.thread).before(wish, answer);
    }

    private void refuse() {
        answer.complete(Optional.of(Reason.PEER_LOST));
        lab.thread.runAll();
    }

    @Test
    void aGuestThatGoesOnElsewhereSeesNothing() {
        ask(EpochContent.MEMORY_AND_DISKS, Wish.SWITCHOVER);
        ask(EpochContent.MEMORY_AND_DISKS, Wish.DEMOTE);
        assertThat(lab.world.shutdowns).isZero();
        assertThat(lab.world.runs()).isTrue();
    }

    @Test
    void aGuestThatHasToBootShutsDownBefore() {
        ask(EpochContent.DISKS, Wish.DISCARD);
        assertThat(lab.world.shutdowns).isZero();
        ask(EpochContent.DISKS, Wish.SWITCHOVER);
        assertThat(lab.world.shutdowns).isEqualTo(1);
        answer.complete(Optional.empty());
        lab.thread.runAll();
        assertThat(lab.world.runs()).isFalse();
    }

    @Test
    void aGuestThatHasShutDownIsNotTakenForOneThatHangsWhenItIsAskedForAgain() {
        ask(EpochContent.DISKS, Wish.DEMOTE);
        ask(EpochContent.DISKS, Wish.DEMOTE);
        assertThat(lab.guest.isGone()).as("its last epoch has not been sent").isFalse();
    }

    @Test
    void aGuestThatStaysBootsAgain() {
        ask(EpochContent.DISKS, Wish.DEMOTE);
        assertThat(lab.world.runs()).isFalse();
        refuse();
        assertThat(lab.world.runs()).isTrue();
        assertThat(lab.world.boots).isEqualTo(2);
    }

    @Test
    void aGuestThatMayNotRunBootsWhenItMay() throws Exception {
        ask(EpochContent.DISKS, Wish.SWITCHOVER);
        lab.tell(new ReplicaEvent.StandbyLost(ParkingLab.THERE));
        refuse();
        assertThat(lab.world.runs()).isFalse();
        lab.guest.run();
        assertThat(lab.world.runs()).isTrue();
    }

    @Test
    void aGuestThatDoesNotObeyGoesOn() {
        lab.world.obeys = false;
        ask(EpochContent.DISKS, Wish.SWITCHOVER);
        refuse();
        assertThat(lab.world.runs()).isTrue();
        assertThat(lab.world.boots).isEqualTo(1);
    }
}
