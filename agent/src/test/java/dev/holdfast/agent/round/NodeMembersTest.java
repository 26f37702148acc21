package dev.holdfast.agent.round;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.Answers;
import dev.holdfast.agent.cluster.MemberParts.Forecast;
import dev.holdfast.agent.hypervisor.DiskState;
import dev.holdfast.agent.hypervisor.GuestHardware;
import dev.holdfast.agent.hypervisor.Hypervisor;
import dev.holdfast.agent.hypervisor.HypervisorKind;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.Surroundings;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.journal.OperationKind;
import dev.holdfast.agent.journal.RoundJournal;
import dev.holdfast.agent.journal.VmClaims;
import dev.holdfast.agent.snapshot.OneDisk;
import dev.holdfast.agent.snapshot.SnapshotRequest;
import dev.holdfast.agent.snapshot.chain.ChainDirectory;
import dev.holdfast.agent.vm.VmRegistry;
import dev.holdfast.coordinator.engine.RoundRefusedException;
import dev.holdfast.coordinator.port.Snapshotter.PhaseException;
import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.Members;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import dev.holdfast.coordinator.protocol.RoundOptions.Quiesce;
import dev.holdfast.coordinator.protocol.RoundSpec;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Machines of either hypervisor that are asked whether they could be members of a checkpoint; their files are real, they are no processes. */
@Timeout(60)
class NodeMembersTest {
    private static final Name CHECKPOINT = new Name("c1");
    private static final long OVERLAY = 16L << 20;

    @TempDir
    private Path root;

    private final VmClaims claims = new VmClaims();
    private ChainDirectory chain;

    @BeforeEach
    void makeChain() throws Exception {
        chain = OneDisk.chain(root.resolve("web.holdfast"));
    }

    private NodeParts parts(HypervisorKind kind, boolean runs) throws Exception {
        VmDefinition.Disk disk = new VmDefinition.Disk("d0", chain.headFile("d0"));
        return parts(kind, OneDisk.definition(Rounds.WEB, kind, disk), runs);
    }

    private NodeParts parts(HypervisorKind kind, VmDefinition definition, boolean runs) throws Exception {
        DiskState disk = new DiskState("d0", List.of(chain.headFile("d0").toRealPath()), 1L << 20);
        RunningVm process = Answers.of(
                RunningVm.class,
                Map.of(
                        "isAlive", () -> true,
                        "status", () -> VmStatus.RUNNING,
                        "kind", () -> kind,
                        "disks", () -> List.of(disk),
                        "hardware", () -> GuestHardware.of(OneDisk.definition(Rounds.WEB, kind)),
                        "surroundings", () -> new Surroundings(List.of(), List.of())));
        Hypervisor hypervisor = Answers.of(Hypervisor.class, Map.of("ownsLayers", () -> true, "find", Optional::empty));
        VmRegistry vms = OneDisk.machines(definition, hypervisor);
        if (runs) {
            vms.get(Rounds.WEB).setProcess(process);
        }
        return new NodeParts(Rounds.SELF, vms, claims, OneDisk.tools(hypervisor), vm -> false, () -> "1");
    }

    private Forecast forecast(HypervisorKind kind, Quiesce quiesce) throws Exception {
        RoundSpec spec = Rounds.spec("r1", RoundKind.CHECKPOINT, quiesce);
        return new NodeMembers(parts(kind, true)).preflight(spec.kind(), Rounds.WEB, CHECKPOINT, spec.options());
    }

    @Test
    void aMachineThatKeepsNoMemoryIsAMemberWithItsDisksAlone() throws Exception {
        Forecast forecast = forecast(HypervisorKind.UML, Quiesce.NO);
        assertThat(forecast.problems()).isEmpty();
        assertThat(forecast.method()).isEqualTo("disk_only");
        assertThat(forecast.room().bytes())
                .as("no room for memory is asked for")
                .isEqualTo(OVERLAY);
    }

    @Test
    void anyOtherIsCapturedAsTheGroupIs() throws Exception {
        Forecast forecast = forecast(HypervisorKind.QEMU, Quiesce.NO);
        assertThat(forecast.problems()).isEmpty();
        assertThat(forecast.method()).isEqualTo("auto");
        assertThat(forecast.room().bytes()).isGreaterThan(OVERLAY + (64L << 20));
    }

    /** Of a machine whose definition does not say what it is made of. */
    private Forecast ofForeign(HypervisorKind kind, Path disk) throws Exception {
        VmDefinition foreign =
                new VmDefinition(Rounds.WEB, kind, Optional.empty(), List.of(new VmDefinition.Disk("d0", disk)));
        RoundSpec spec = Rounds.spec("r1", RoundKind.CHECKPOINT, Quiesce.NO);
        return new NodeMembers(parts(kind, foreign, true))
                .preflight(spec.kind(), Rounds.WEB, CHECKPOINT, spec.options());
    }

    @Test
    void whatADefinitionDoesNotSayIsToldByTheMachine() throws Exception {
        Forecast forecast = ofForeign(HypervisorKind.QEMU, chain.headFile("d0"));
        assertThat(forecast.problems()).isEmpty();
        assertThat(forecast.room().bytes())
                .as("room for its memory")
                .isEqualTo(forecast(HypervisorKind.QEMU, Quiesce.NO).room().bytes());
    }

    @Test
    void aDomainOfLibvirtWhoseDiskIsNotHereIsNoMemberAndIsNamed() throws Exception {
        assertThat(ofForeign(HypervisorKind.LIBVIRT, Path.of("/srv/web.img")).problems())
                .singleElement()
                .asString()
                .contains("/srv/web.img is no file that is here", "take web out of its group");
    }

    private static RoundSpec ofWebAlone() {
        RoundSpec both = Rounds.spec("r1", RoundKind.CHECKPOINT);
        return new RoundSpec(
                both.id(),
                both.kind(),
                both.epoch(),
                both.group(),
                both.checkpoint(),
                both.parent(),
                new Members(new TreeMap<>(Map.of(Rounds.SELF, new TreeSet<>(Set.of(Rounds.WEB))))),
                both.options());
    }

    @Test
    void aRoundWithAMachineWithoutAChainIsRefusedBeforeItBeginsAndOneThatHasBegunEnds() throws Exception {
        RoundSpec spec = ofWebAlone();
        VmDefinition foreign = new VmDefinition(Rounds.WEB, HypervisorKind.LIBVIRT, Optional.empty(), List.of());
        for (VmDefinition definition : List.of(foreign, OneDisk.definition(Rounds.WEB))) {
            NodeParts parts = parts(definition.hypervisor(), definition, true);
            assertThatThrownBy(() -> new NodeMembers(parts).ties(Rounds.WEB, spec.options()))
                    .isInstanceOfSatisfying(
                            RoundRefusedException.class,
                            e -> assertThat(e.because().kind()).isEqualTo(Refusal.Kind.PREFLIGHT))
                    .hasMessageContaining(definition == foreign ? "is a domain of libvirt" : "go through no chain");

            ExecutorService workers = Executors.newCachedThreadPool();
            FakeMachines guard = new FakeMachines();
            RoundSnapshotter snapshotter = new RoundSnapshotter(
                    Rounds.SELF, "test", guard, parts, workers, new RoundSnapshotter.Clocks(System::nanoTime, of -> 0));
            try {
                assertThatThrownBy(() -> snapshotter.prepare(spec)).isInstanceOf(PhaseException.class);
                snapshotter.carryOut(spec, Decision.ABORTED);
                assertThat(claims.holder(Rounds.WEB)).isEmpty();
                assertThat(guard.log()).isEmpty();
                assertThatThrownBy(() -> snapshotter.carryOut(spec, Decision.COMMITTED))
                        .isInstanceOf(PhaseException.class);
            } finally {
                workers.shutdownNow();
            }
            claims.release(RoundJournal.operation(spec.id()));
        }
    }

    @Test
    void whatARoundHoldsIsNotPassedOverAlthoughItsDefinitionHasNoChainAnyMore() throws Exception {
        RoundSpec spec = ofWebAlone();
        NodeParts parts = parts(HypervisorKind.QEMU, OneDisk.definition(Rounds.WEB), true);
        assertThat(parts.whereabouts(spec, Rounds.WEB)).isEqualTo(Whereabouts.NOT_ADMITTED);
        claims.claim(RoundJournal.operation(spec.id()), OperationKind.CHECKPOINT, Set.of(Rounds.WEB));
        assertThat(parts.whereabouts(spec, Rounds.WEB)).isEqualTo(Whereabouts.HERE);
    }

    @Test
    void whoeverCannotQuiesceIsToldWhatToDoAboutIt() throws Exception {
        assertThat(forecast(HypervisorKind.UML, Quiesce.REQUIRE).problems())
                .singleElement()
                .asString()
                .contains("web has no guest agent", "take it out of the group")
                .doesNotContain("install");
        assertThat(forecast(HypervisorKind.QEMU, Quiesce.REQUIRE).problems())
                .singleElement()
                .asString()
                .contains("install qemu-guest-agent");
        assertThat(forecast(HypervisorKind.QEMU, Quiesce.TRY).problems()).isEmpty();
    }

    /** A machine that does not run, with a snapshot of its disks. */
    private NodeParts withSnapshot() throws Exception {
        NodeParts parts = parts(HypervisorKind.QEMU, false);
        SnapshotRequest request = new SnapshotRequest(
                "o1", CHECKPOINT, Optional.empty(), CaptureMethod.DISK_ONLY, Duration.ofSeconds(5), "");
        parts.open(parts.machine(Rounds.WEB)).create(request, Quiesce.NO, (done, total) -> {});
        return parts;
    }

    private static Forecast back(NodeParts parts, Name checkpoint) throws Exception {
        RoundSpec spec = Rounds.spec("r1", RoundKind.REVERT);
        return new NodeMembers(parts).preflight(spec.kind(), Rounds.WEB, checkpoint, spec.options());
    }

    @Test
    void aRevertIsAskedWhatSpeaksAgainstARevert() throws Exception {
        NodeParts parts = withSnapshot();
        Forecast forecast = back(parts, CHECKPOINT);
        assertThat(forecast.problems()).isEmpty();
        assertThat(forecast.method()).isEqualTo("disk_only");
        assertThat(forecast.room().bytes()).as("RAM").isZero();
        assertThat(back(parts, new Name("c2")).problems())
                .singleElement()
                .asString()
                .contains("web has no snapshot c2");
        RoundSpec again = Rounds.spec("r2", RoundKind.CHECKPOINT);
        assertThat(new NodeMembers(parts)
                        .preflight(again.kind(), Rounds.WEB, CHECKPOINT, again.options())
                        .problems())
                .singleElement()
                .asString()
                .contains("web has a snapshot c1 already");
    }

    @Test
    void whatIsInTheWayIsSaidWithWhatElseSpeaksAgainstIt() throws Exception {
        claims.claim(new Name("o7"), OperationKind.SNAPSHOT_DELETE, Set.of(Rounds.WEB));
        assertThat(forecast(HypervisorKind.UML, Quiesce.REQUIRE).problems()).hasSize(2);
        NodeMembers members = new NodeMembers(parts(HypervisorKind.UML, true));
        RoundSpec spec = Rounds.spec("r1", RoundKind.CHECKPOINT);
        assertThat(members.preflight(spec.kind(), Rounds.DB, CHECKPOINT, spec.options())
                        .problems())
                .singleElement()
                .asString()
                .contains("there is no machine db");
    }
}
