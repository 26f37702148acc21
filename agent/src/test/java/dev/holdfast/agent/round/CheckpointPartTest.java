package dev.holdfast.agent.round;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.holdfast.agent.Answers;
import dev.holdfast.agent.hypervisor.Capture;
import dev.holdfast.agent.hypervisor.DiskState;
import dev.holdfast.agent.hypervisor.Hypervisor;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorKind;
import dev.holdfast.agent.hypervisor.ProcessIdentity;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.Surroundings;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.journal.VmClaims;
import dev.holdfast.agent.snapshot.OneDisk;
import dev.holdfast.agent.snapshot.chain.ChainDirectory;
import dev.holdfast.agent.vm.VmRegistry;
import dev.holdfast.coordinator.port.Snapshotter.PhaseException;
import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import dev.holdfast.coordinator.protocol.RoundSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A machine whose memory image is written to storage that hangs; its files are real, it is no process. */
@Timeout(120)
class CheckpointPartTest {
    private static final RoundSpec SPEC = Rounds.spec("r1", RoundKind.CHECKPOINT);

    @TempDir
    private Path root;

    private final CountDownLatch draining = new CountDownLatch(1);
    private final CountDownLatch cutShort = new CountDownLatch(1);
    private volatile boolean processHangs;
    private ChainDirectory chain;
    private VmPart part;

    @BeforeEach
    void prepare() throws Exception {
        chain = OneDisk.chain(root.resolve("web.holdfast"));
        Hypervisor hypervisor = hypervisor();
        VmRegistry vms = OneDisk.machines(Rounds.WEB, chain, hypervisor);
        vms.adopt();
        part = new NodeParts(Rounds.SELF, vms, new VmClaims(), OneDisk.tools(hypervisor), vm -> false, () -> "1")
                .part(SPEC, Rounds.WEB);
        part.prepare();
    }

    private Hypervisor hypervisor() throws IOException {
        ProcessIdentity self = ProcessIdentity.of(ProcessHandle.current().pid()).orElseThrow();
        DiskState disk = new DiskState("d0", List.of(chain.headFile("d0").toRealPath()), 1L << 20);
        Capture capture = Answers.of(
                Capture.class,
                Map.of(
                        "prepare", () -> "",
                        "method", () -> CaptureMethod.STOP,
                        "drain", this::hang,
                        "cutShort", this::cutShort,
                        "mayHaveCut", () -> false,
                        "abandon", () -> "",
                        "close", () -> ""));
        RunningVm process = Answers.of(
                RunningVm.class,
                Map.of(
                        "isAlive", () -> true,
                        "status", () -> VmStatus.RUNNING,
                        "disks", () -> List.of(disk),
                        "identity", () -> self,
                        "surroundings", () -> new Surroundings(List.of(), List.of()),
                        "newCapture", () -> capture,
                        "hypervisor", () -> "the test",
                        "kind", () -> HypervisorKind.QEMU,
                        "endIfHung", () -> ""));
        return Answers.of(
                Hypervisor.class,
                Map.of(
                        "find", () -> Optional.of(process),
                        "ownsLayers", () -> true,
                        "running", () -> Set.of(Rounds.WEB)));
    }

    private Object cutShort() throws HypervisorException {
        cutShort.countDown();
        if (processHangs) {
            throw new HypervisorException(HypervisorException.Kind.UNKNOWN, "its process hangs");
        }
        return "";
    }

    private Object hang() throws HypervisorException {
        draining.countDown();
        await().until(() -> cutShort.getCount() == 0);
        throw new HypervisorException(HypervisorException.Kind.UNKNOWN, "its storage hangs");
    }

    @Test
    void aRoundThatIsGivenUpDoesNotWaitForTheStorageUnderTheImage() throws Exception {
        CompletableFuture<Object> drained = drain();
        assertThat(part.thaw()).isTrue();
        assertThatThrownBy(drained::get).hasMessageContaining("its storage hangs");
        assertThat(chain.intent()).isPresent();
        part.carryOut(Decision.ABORTED);
        assertThat(chain.intent()).isEmpty();
    }

    /** The thread that drains is in it when this returns. */
    private CompletableFuture<Object> drain() throws InterruptedException {
        CompletableFuture<Object> drained = CompletableFuture.supplyAsync(() -> {
            try {
                return part.drain("no", (phase, done, total) -> {});
            } catch (PhaseException e) {
                throw new CompletionException(e);
            }
        });
        draining.await();
        assertThat(drained).isNotDone();
        return drained;
    }

    @Test
    void aProcessThatHangsAsWellIsAskedOnceAndLeftToTheGuard() throws Exception {
        processHangs = true;
        CompletableFuture<Object> drained = drain();
        assertThat(part.thaw()).as("it is certain that it runs").isFalse();
        assertThatThrownBy(drained::get).hasMessageContaining("its storage hangs");
    }

    @Test
    void aThawBeforeThatCutsNothingShort() throws Exception {
        assertThat(part.thaw()).isTrue();
        assertThat(cutShort.getCount()).isEqualTo(1);
    }
}
