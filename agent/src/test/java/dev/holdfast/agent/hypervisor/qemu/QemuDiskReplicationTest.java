package dev.holdfast.agent.hypervisor.qemu;

import static dev.holdfast.agent.hypervisor.qemu.ReplicaLab.VM;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.hypervisor.replication.EpochContent;
import dev.holdfast.agent.hypervisor.replication.EpochEnd;
import dev.holdfast.agent.hypervisor.replication.EpochEnd.Outcome;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Epochs of disks alone. What is written beside the guest lies where it does not write. */
@Tag("qemu")
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class QemuDiskReplicationTest {
    private ReplicaLab lab;

    @BeforeEach
    void open() throws Exception {
        lab = new ReplicaLab(EpochContent.DISKS);
        lab.follow();
        lab.epochs(2);
    }

    @AfterEach
    void close() throws Exception {
        lab.close();
    }

    /** The guest stands still for the next epoch, and it is not committed. */
    private void killThePrimaryInAnEpoch() {
        Disturbed killed = new Disturbed(lab.standby, "begun", () -> lab.machine.kill());
        assertThatThrownBy(() -> lab.primary.epoch(killed, lab.epoch + 1, ReplicaLab.LIMITS))
                .isInstanceOfSatisfying(
                        HypervisorException.class, e -> assertThat(e.kind()).isEqualTo(Kind.GONE));
    }

    @Test
    void theDisksComeBackToExactlyTheLastEpoch() throws Exception {
        lab.write(7, "9M", "1M");
        CompletableFuture<Map<String, Path>> kept = new CompletableFuture<>();
        Disturbed looks = new Disturbed(lab.standby, "sent", () -> kept.complete(lab.copyOfDisks()));
        EpochEnd end = lab.primary.epoch(looks, ++lab.epoch, ReplicaLab.LIMITS);
        assertThat(end.outcome()).as(end.why()).isEqualTo(Outcome.COMMITTED);
        lab.write(8, "9500k", "2M");
        lab.here.awaitTicks(VM, 10);
        killThePrimaryInAnEpoch();
        assertThat(lab.standby.committed()).hasValue(lab.epoch);
        lab.standby.rollBack(ReplicaLab.BOUND);
        ReplicaLab.end(lab.standby.identity());
        lab.comparesWith(kept.join());
    }

    @Test
    void bootsFromTheLastEpochAlsoWhenItsStandbyWasStoppedAndIsProtectedAgain() throws Exception {
        for (int life = 0; life < 2; life++) {
            lab.write(7 + life, 9 + life + "M", "1M");
            lab.epochs(1);
            lab.write(0x55, 9 + life + "M", "1M");
            killThePrimaryInAnEpoch();
            lab.standby.close();
            lab.findStandby();
            assertThat(lab.standby.content()).isEqualTo(EpochContent.DISKS);
            assertThatThrownBy(() -> lab.standby.failOver(lab.epoch + 1))
                    .hasMessageContaining("has not committed epoch");
            if (life == 0) {
                lab.failOver();
            } else {
                lab.standby.rest(ReplicaLab.BOUND);
                lab.wake();
            }
            lab.follow();
            lab.epochs(2);
        }
        Path disk = Lab.active(lab.machine).get("d1");
        ReplicaLab.end(lab.machine.identity().process().orElseThrow());
        Lab.run("qemu-io", "-r", "-f", "qcow2", "-c", "read -P 7 9M 1M", "-c", "read -P 8 10M 1M", disk.toString());
    }

    @Test
    void aGuestThatHasShutDownIsSentOnceMoreAndBootsIfItStays() throws Exception {
        assertThat(lab.primary.shutDown(Duration.ofMillis(50)))
                .as("it does not obey")
                .isFalse();
        lab.epochs(1);
        assertThat(lab.shutDown()).isTrue();
        assertThat(lab.machine.status()).isEqualTo(VmStatus.GUEST_ENDED);
        for (int i = 0; i < 2; i++) {
            assertThat(lab.epoch().outcome()).isEqualTo(Outcome.COMMITTED);
        }
        EpochEnd last = lab.primary.lastEpoch(lab.standby, ++lab.epoch, ReplicaLab.LIMITS);
        assertThat(last.outcome()).isEqualTo(Outcome.COMMITTED);
        assertThat(lab.machine.status()).isEqualTo(VmStatus.GUEST_ENDED);
        lab.primary.cut();
        lab.primary.detach(ReplicaLab.BOUND);
        assertThat(lab.machine.status()).isEqualTo(VmStatus.GUEST_ENDED);
        lab.primary.startAnew();
        lab.machine.resume();
        lab.follow();
        lab.epochs(1);
        lab.machine.kill();
        lab.failOver();
    }

    @Test
    void aStandbyThatHangsWhileTheGuestIsBeingStoppedIsCutOffAndTheGuestRunsOn() throws Exception {
        CompletableFuture<Void> beside = new CompletableFuture<>();
        Disturbed hangs = new Disturbed(lab.standby, "begun", () -> {
            Lab.signal(lab.standby.identity(), "STOP");
            CompletableFuture.runAsync(lab::cutWhenItDoesNotBeat).thenRun(() -> beside.complete(null));
        });
        EpochEnd end = lab.primary.epoch(hangs, ++lab.epoch, ReplicaLab.LIMITS);
        assertThat(end.outcome()).isEqualTo(Outcome.ABORTED);
        beside.join();
        lab.cutAndDetach();
    }
}
