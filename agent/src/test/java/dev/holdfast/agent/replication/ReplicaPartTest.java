package dev.holdfast.agent.replication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.round.VmPart;
import dev.holdfast.coordinator.port.Snapshotter.PhaseException;
import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.Members;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.RoundOptions;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.replication.Out;
import dev.holdfast.coordinator.replication.Policy;
import dev.holdfast.coordinator.replication.Protected;
import dev.holdfast.coordinator.replication.ReplicaEvent;
import dev.holdfast.coordinator.replication.Self;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is done around the phases of a machine because it is replicated. */
class ReplicaPartTest {
    private static final Name WEB = new Name("web");

    @TempDir
    private Path home;

    private final List<String> log = new ArrayList<>();
    private ParkingLab lab;
    private boolean hasCheckpoint = true;
    private boolean recorded = true;

    @BeforeEach
    void follow() throws Exception {
        lab = new ParkingLab(home);
        lab.thread.atOnce = true;
    }

    private final class Machine implements ReplicaPart.Machine {
        @Override
        public Name name() {
            return WEB;
        }

        @Override
        public Parking parking() {
            return lab.parking;
        }

        @Override
        public CompletableFuture<Boolean> isRecorded() {
            return CompletableFuture.completedFuture(recorded);
        }
    }

    private final class Chain implements ReplicaPart.Chain {
        @Override
        public boolean has(Name checkpoint) {
            return hasCheckpoint;
        }

        @Override
        public void endRevert() {
            log.add("endRevert");
        }
    }

    /** Writes down what is done to it, and whether the machine has a round then. */
    private VmPart plain() {
        return (VmPart) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {VmPart.class}, (self, method, arguments) -> {
                    log.add(method.getName() + (lab.parking.isParked() ? " parked" : ""));
                    if (method.getName().equals("drain")) {
                        VmPart.Progress progress = (VmPart.Progress) arguments[1];
                        progress.at("draining", 1, 1);
                        progress.at("hashing", 0, 1);
                    }
                    return method.getReturnType() == boolean.class ? Boolean.FALSE : null;
                });
    }

    private ReplicaPart part(RoundKind kind, boolean paused) {
        TreeMap<Name, java.util.SortedSet<Name>> members = new TreeMap<>();
        members.put(Rig.NODE, new TreeSet<>(List.of(WEB)));
        RoundSpec spec = new RoundSpec(
                new RoundId("r1"),
                kind,
                new Epoch(1),
                new Name("shop"),
                new Name("c1"),
                Optional.empty(),
                new Members(members),
                new RoundOptions(
                        Duration.ofSeconds(5),
                        Duration.ofMillis(200),
                        Duration.ofSeconds(60),
                        Duration.ZERO,
                        RoundOptions.CaptureMethod.AUTO,
                        RoundOptions.Quiesce.NO,
                        paused,
                        ""));
        return new ReplicaPart(spec, plain(), new Machine(), new Chain());
    }

    @Test
    void noEpochIsBegunFromBeforeTheFirstLookUntilMemoryIsWritten() throws Exception {
        ReplicaPart part = part(RoundKind.CHECKPOINT, false);
        part.wasPaused();
        part.prepare();
        part.freeze();
        part.capture();
        part.proveAndThaw();
        part.drain("no", (phase, done, total) -> log.add(phase + (lab.parking.isParked() ? " parked" : "")));
        assertThat(log)
                .containsExactly(
                        "wasPaused parked",
                        "prepare parked",
                        "freeze parked",
                        "capture parked",
                        "proveAndThaw parked",
                        "drain parked",
                        "draining parked",
                        "hashing");
        assertThat(lab.rules.state).isInstanceOf(Protected.class);
    }

    @Test
    void aCheckpointThatIsGivenUpIsKnownToBeOfNoUseOnceTheGuestRunsAgain() throws Exception {
        ReplicaPart part = part(RoundKind.CHECKPOINT, false);
        part.prepare();
        part.freeze();
        part.thaw();
        assertThat(lab.parking.isVoided()).isFalse();
        part.capture();
        part.proveAndThaw();
        part.thaw();
        assertThat(lab.parking.isVoided()).isTrue();
        assertThat(lab.parking.isParked())
                .as("its memory is still being written")
                .isTrue();
    }

    @Test
    void anEpochThatDoesNotEndIsNotWaitedForForEver() {
        lab.tell(new ReplicaEvent.EpochDue());
        lab.rules.busy = true;
        assertThatThrownBy(() -> part(RoundKind.CHECKPOINT, false).prepare())
                .isInstanceOf(PhaseException.class)
                .hasMessageContaining("its epochs were not parked");
        assertThat(log).isEmpty();
        assertThat(lab.parking.isParked()).isFalse();
    }

    @Test
    void theStandbyIsTakenOffAfterAllChecksAndBeforeTheMachineIsHeld() throws Exception {
        ReplicaPart part = part(RoundKind.REVERT, false);
        part.prepare();
        assertThat(log).containsExactly("prepare");
        assertThat(lab.store.last().orElseThrow().record().inSync()).containsExactly(ParkingLab.HERE);
        part.freeze();
        part.carryOut(Decision.COMMITTED);
        assertThat(log).containsExactly("prepare", "freeze parked", "carryOut parked");
    }

    @Test
    void aRevertThatIsRefusedLeavesTheStandby() {
        assertThatThrownBy(() -> part(RoundKind.REVERT, true).prepare()).hasMessageContaining("--paused");
        hasCheckpoint = false;
        assertThatThrownBy(() -> part(RoundKind.REVERT, false).prepare()).hasMessageContaining("vm switchover web");
        assertThat(log).isEmpty();
        assertThat(lab.rules.state).isInstanceOf(Protected.class);
    }

    @Test
    void aMachineThatIsNotLedHereIsNotReverted() {
        lab.rules.state = Out.begin(new Self(Rig.NODE, Policy.pause()));
        assertThatThrownBy(() -> part(RoundKind.REVERT, false).prepare()).hasMessageContaining("not promoted");
    }

    @Test
    void aDecidedRevertStartsNothingThatWasGivenUpMeanwhile() throws Exception {
        recorded = false;
        part(RoundKind.REVERT, false).carryOut(Decision.COMMITTED);
        assertThat(log).containsExactly("endRevert", "carryOut");
        log.clear();
        part(RoundKind.REVERT, false).carryOut(Decision.ABORTED);
        assertThat(log).containsExactly("carryOut");
    }
}
