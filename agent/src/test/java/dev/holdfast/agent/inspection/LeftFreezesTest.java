package dev.holdfast.agent.inspection;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.Answers;
import dev.holdfast.agent.hypervisor.Hypervisor;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.ProcessIdentity;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.journal.OperationJournal;
import dev.holdfast.agent.journal.OperationKind;
import dev.holdfast.agent.journal.VmClaims;
import dev.holdfast.agent.snapshot.OneDisk;
import dev.holdfast.agent.vm.VmRegistry;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Marks of freezes in real files, and a machine that may not be certain to run. */
class LeftFreezesTest {
    private static final Name WEB = new Name("web");
    private static final Duration BOUND = Duration.ofMinutes(5);

    @TempDir
    private Path directory;

    private final VmClaims claims = new VmClaims();
    private final List<Name> thawed = new ArrayList<>();
    private boolean inDoubt;
    private VmStatus status = VmStatus.RUNNING;
    private int asked;
    private Instant now = Instant.now();
    private VmRegistry vms;
    private LeftFreezes freezes;

    @BeforeEach
    void aMachineThatRuns() throws IOException {
        ProcessIdentity self = ProcessIdentity.of(ProcessHandle.current().pid()).orElseThrow();
        RunningVm process = Answers.of(
                RunningVm.class,
                Map.of(
                        "isAlive", () -> true,
                        "identity", () -> self,
                        "endIfHung", () -> "",
                        "status", () -> status,
                        "release", this::release));
        vms = OneDisk.machines(
                OneDisk.definition(WEB), Answers.of(Hypervisor.class, Map.of("find", () -> Optional.of(process))));
        vms.adopt();
        freezes = new LeftFreezes(
                vms,
                claims,
                OperationJournal.open(directory.resolve("journal")),
                vm -> directory,
                () -> now,
                thawed::add);
    }

    private boolean release() throws HypervisorException {
        asked++;
        if (inDoubt) {
            throw new HypervisorException(HypervisorException.Kind.UNKNOWN, "its kernel does no work");
        }
        return false;
    }

    private Path mark(String kind, boolean paused) throws IOException {
        return Files.writeString(
                directory.resolve("frozen"),
                "token=r1\ndeadline_ms=%d\nsince_boottime_ms=1\nkind=%s\nwas_paused=%d\n"
                        .formatted(BOUND.toMillis(), kind, paused ? 1 : 0));
    }

    private void afterTheBound() {
        now = now.plus(BOUND).plusSeconds(10);
    }

    private void look() {
        freezes.endLeft(vm -> false);
    }

    @Test
    void whatAnEarlierAgentFrozeIsTriedAgainUntilItIsCertainToRun() throws Exception {
        Path mark = mark("freeze", false);
        inDoubt = true;
        freezes.endAll();
        look();
        assertThat(asked).as("its bound is of no account").isEqualTo(2);
        assertThat(mark).exists();
        assertThat(thawed).isEmpty();

        inDoubt = false;
        look();
        assertThat(mark).doesNotExist();
        assertThat(thawed).containsExactly(WEB);
        look();
        assertThat(asked).isEqualTo(3);
    }

    /** The guard that was in doubt, or was to end it, has died, and the next one knows nothing of it. */
    @Test
    void whatTheGuardHasNotEndedWithinItsBoundIsEnded() throws Exception {
        Path mark = mark("freeze", false);
        freezes.endLeft(vm -> false);
        assertThat(mark).as("the guard may be at it").exists();
        afterTheBound();
        look();
        assertThat(mark).doesNotExist();
        assertThat(asked).isEqualTo(1);
    }

    @Test
    void whatSomebodyIsAtIsLeftAlone() throws Exception {
        Path mark = mark("freeze", false);
        afterTheBound();
        freezes.endLeft(WEB::equals);
        Path held = Files.writeString(directory.resolve("held"), "token=epoch-1\n");
        look();
        Files.delete(held);
        vms.get(WEB).holdStill(true);
        look();
        vms.get(WEB).holdStill(false);
        claims.claim(new Name("r2"), OperationKind.CHECKPOINT, Set.of(WEB));
        look();
        assertThat(asked).isZero();
        assertThat(mark).exists();

        claims.release(new Name("r2"));
        look();
        assertThat(mark).doesNotExist();
    }

    @Test
    void oneThatCannotBeLetRunNowKeepsItsMark() throws Exception {
        Path mark = mark("freeze", false);
        afterTheBound();
        status = VmStatus.IO_ERROR;
        look();
        assertThat(mark).exists();
        status = VmStatus.PAUSED;
        look();
        assertThat(mark).doesNotExist();
    }

    @Test
    void whatIsHeldForARevertStaysUntilThatIsDecided() throws Exception {
        Path mark = mark("hold", false);
        claims.claim(new Name("r1"), OperationKind.REVERT, Set.of(WEB));
        freezes.endAll();
        afterTheBound();
        look();
        claims.release(new Name("r1"));
        look();
        assertThat(mark).as("it has no bound").exists();
        assertThat(asked).isZero();

        freezes.endAll();
        assertThat(mark)
                .as("the next agent knows nothing of the revert any more")
                .doesNotExist();
        assertThat(asked).isEqualTo(1);
    }

    @Test
    void aMachineThatAPersonHasPausedIsNotLetRun() throws Exception {
        Path mark = mark("freeze", true);
        freezes.endAll();
        assertThat(mark).exists();
        afterTheBound();
        look();
        assertThat(mark).doesNotExist();
        assertThat(asked).isZero();
    }
}
