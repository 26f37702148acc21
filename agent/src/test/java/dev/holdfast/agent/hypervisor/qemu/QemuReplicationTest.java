package dev.holdfast.agent.hypervisor.qemu;

import static dev.holdfast.agent.hypervisor.qemu.ReplicaLab.VM;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.replication.EpochEnd.Outcome;
import dev.holdfast.agent.hypervisor.replication.StandbyLink;
import java.nio.file.Path;
import java.time.Duration;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Two and more QEMU processes of one machine on one host, as if each were on a node of its own. */
@Tag("qemu")
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class QemuReplicationTest {
    private ReplicaLab lab;

    @BeforeEach
    void open() throws Exception {
        lab = new ReplicaLab();
        lab.follow();
    }

    @AfterEach
    void close() throws Exception {
        lab.close();
    }

    /** What the test does at a step of an epoch. */
    private interface Step {
        void run() throws Exception;
    }

    /** The standby, with something that happens at one of the steps. */
    private record Disturbed(StandbyLink standby, String where, Step step) implements StandbyLink {
        private void at(String place) throws HypervisorException {
            if (place.equals(where)) {
                try {
                    step.run();
                } catch (HypervisorException e) {
                    throw e;
                } catch (Exception e) {
                    throw new AssertionError(e);
                }
            }
        }

        @Override
        public Path disks() {
            return standby.disks();
        }

        @Override
        public void startFollowing() throws HypervisorException {
            standby.startFollowing();
        }

        @Override
        public Path begin(long epoch) throws HypervisorException {
            Path socket = standby.begin(epoch);
            at("begun");
            return socket;
        }

        @Override
        public void commit(long epoch, Duration patience) throws HypervisorException {
            at("sent");
            standby.commit(epoch, patience);
            at("committed");
        }

        @Override
        public void abandon(long epoch) throws HypervisorException {
            standby.abandon(epoch);
        }

        @Override
        public void beat(Duration patience) throws HypervisorException {
            standby.beat(patience);
        }
    }

    private void killThePrimaryAt(String where) {
        Disturbed standby = new Disturbed(lab.standby, where, () -> lab.machine.kill());
        assertThatThrownBy(() -> lab.primary.epoch(standby, ++lab.epoch, ReplicaLab.LIMITS))
                .isInstanceOfSatisfying(
                        HypervisorException.class, e -> assertThat(e.kind()).isEqualTo(Kind.GONE));
    }

    @Test
    void goesOnFromTheLastEpochWhereverTheNextOneWasCutOffAndIsProtectedAgain() throws Exception {
        lab.epochs(5);
        for (String where : new String[] {"begun", "sent", "committed"}) {
            lab.here.awaitTicks(VM, 5);
            OptionalLong before = lab.standby.committed();
            long[] tick = new long[1];
            killThePrimaryAt(where);
            tick[0] = ReplicaLab.lastTick(lab.here);
            long expected = where.equals("committed") ? lab.epoch : before.orElseThrow();
            assertThat(lab.standby.committed()).hasValue(expected);
            lab.failOver();
            if (where.equals("committed")) {
                assertThat(ReplicaLab.firstTick(lab.here)).isEqualTo(tick[0] + 1);
            }
            lab.follow();
            lab.epochs(2);
        }
    }

    @Test
    void anEpochThatIsGivenUpLeavesTheGuestRunningAndTheOneBeforeCommitted() throws Exception {
        lab.epochs(1);
        long committed = lab.epoch;
        Disturbed refuses = new Disturbed(lab.standby, "sent", () -> {
            throw new HypervisorException(Kind.REFUSED, "not now");
        });
        var end = lab.primary.epoch(refuses, ++lab.epoch, ReplicaLab.LIMITS);
        assertThat(end.outcome()).isEqualTo(Outcome.ABORTED);
        assertThat(end.why()).isEqualTo("not now");
        lab.here.awaitTicks(VM, 5);
        assertThat(lab.standby.committed()).hasValue(committed);
        assertThatThrownBy(() -> lab.standby.failOver(lab.epoch)).hasMessageContaining("has not committed epoch");
        lab.machine.kill();
        lab.failOver();
    }
}
