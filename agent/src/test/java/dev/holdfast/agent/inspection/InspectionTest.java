package dev.holdfast.agent.inspection;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.Answers;
import dev.holdfast.agent.control.reply.DoctorReport;
import dev.holdfast.agent.fsck.Finding;
import dev.holdfast.agent.fsck.Repair;
import dev.holdfast.agent.fsck.Repair.Act;
import dev.holdfast.agent.fsck.StoreFacts;
import dev.holdfast.agent.fsck.World;
import dev.holdfast.agent.hypervisor.DiskState;
import dev.holdfast.agent.hypervisor.Hypervisor;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.ProcessIdentity;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.journal.OperationJournal;
import dev.holdfast.agent.journal.OperationKind;
import dev.holdfast.agent.journal.VmClaims;
import dev.holdfast.agent.json.Json;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.agent.round.LeftIntents;
import dev.holdfast.agent.round.NodeParts;
import dev.holdfast.agent.snapshot.FreezeWatch;
import dev.holdfast.agent.snapshot.OneDisk;
import dev.holdfast.agent.snapshot.SnapshotTools;
import dev.holdfast.agent.snapshot.chain.ChainDirectory;
import dev.holdfast.agent.snapshot.chain.ChainImport;
import dev.holdfast.agent.snapshot.chain.QemuImages;
import dev.holdfast.agent.vm.VmRegistry;
import dev.holdfast.coordinator.port.Catalogue;
import dev.holdfast.coordinator.protocol.CheckpointRecord;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One node with real files and a machine that is no process: damage, what is found, what a repair makes of it. */
class InspectionTest {
    private static final Name N1 = new Name("n1");
    private static final Name WEB = new Name("web");

    @TempDir
    private Path root;

    private final AtomicReference<VmStatus> status = new AtomicReference<>(VmStatus.RUNNING);
    private final AtomicReference<List<DiskState>> disks = new AtomicReference<>(List.of());
    private final AtomicReference<CheckpointRecord> checkpoint = new AtomicReference<>();
    private final VmClaims claims = new VmClaims();
    private final ExecutorService workers = Executors.newSingleThreadExecutor();
    private ChainDirectory chain;
    private VmRegistry vms;
    private Inspection inspection;
    private boolean runs = true;
    private Optional<HypervisorException> doubt = Optional.empty();

    @BeforeEach
    void start() throws IOException {
        chain = new ChainImport(new QemuImages("qemu-img"), InstantSource.system())
                .create(root.resolve("web.holdfast"), new TreeMap<>(Map.of("d0", 1L << 20)));
        Hypervisor hypervisor = hypervisor();
        vms = OneDisk.machines(WEB, chain, hypervisor);
        FreezeWatch nobody = Answers.of(FreezeWatch.class, Map.of());
        SnapshotTools tools = new SnapshotTools(
                hypervisor, new QemuImages("qemu-img"), nobody, InstantSource.system(), System::nanoTime, 16);
        NodeParts parts = new NodeParts(N1, vms, claims, tools, vm -> false, () -> "1");
        OperationJournal journal = OperationJournal.open(root.resolve("journal"));
        InstantSource later = () -> Instant.now().plusSeconds(60);
        inspection = new Inspection(
                new NodeTools(
                        N1,
                        vms,
                        parts,
                        claims,
                        journal,
                        new LeftIntents(journal, round -> Optional.empty(), workers),
                        vm -> root,
                        vm -> false,
                        new LeftFreezes(vms, claims, journal, vm -> root, later, vm -> {}),
                        Answers.of(Catalogue.class, Map.of("checkpoint", () -> Optional.ofNullable(checkpoint.get()))),
                        later),
                () -> new DoctorReport(List.of()));
        disks.set(List.of(new DiskState("d0", List.of(headLayer()), 1L << 20)));
    }

    @AfterEach
    void end() {
        workers.shutdownNow();
    }

    private Path headLayer() throws IOException {
        return chain.headFile("d0").toRealPath();
    }

    private Hypervisor hypervisor() {
        ProcessIdentity self = ProcessIdentity.of(ProcessHandle.current().pid()).orElseThrow();
        RunningVm process = Answers.of(
                RunningVm.class,
                Map.of(
                        "isAlive", () -> true,
                        "status", status::get,
                        "disks", disks::get,
                        "identity", () -> self,
                        "close", () -> "",
                        "endIfHung", () -> "",
                        "release", this::release));
        return Answers.of(
                Hypervisor.class,
                Map.of(
                        "find", () -> runs ? Optional.of(process) : Optional.empty(),
                        "ownsLayers", () -> true,
                        "running", () -> Set.of(WEB)));
    }

    private boolean release() throws HypervisorException {
        if (doubt.isPresent()) {
            throw doubt.get();
        }
        return status.getAndSet(VmStatus.RUNNING) == VmStatus.PAUSED;
    }

    /** Over the wire, as between nodes. */
    private JsonObject ask(JsonObject request) throws Exception {
        return Json.object(Json.line(inspection.fsck(Json.object(Json.line(request)))));
    }

    private List<Finding> findings() throws Exception {
        StoreFacts store = new StoreFacts(List.of(), List.of(), List.of(), new TreeMap<>(), List.of());
        return new World(
                        new TreeMap<>(Map.of(
                                N1, Inspection.page(ask(Inspection.look(0))).facts())),
                        new TreeMap<>(),
                        Optional.of(store),
                        "")
                .findings();
    }

    private boolean repair(Repair repair) throws Exception {
        return Inspection.wasDone(ask(Inspection.order(repair)));
    }

    private Repair only() throws Exception {
        List<Finding> findings = findings();
        assertThat(findings).hasSize(1);
        return findings.get(0).repair().orElseThrow();
    }

    private Path mark(String kind, boolean paused) throws IOException {
        return Files.writeString(
                root.resolve("frozen"),
                "token=by-hand-1\ndeadline_ms=5000\nsince_boottime_ms=1\nkind=%s\nwas_paused=%d\n"
                        .formatted(kind, paused ? 1 : 0));
    }

    @Test
    void findsNothingOnAWholeNode() throws Exception {
        assertThat(findings()).isEmpty();
    }

    @Test
    void tellsOfItsMachinesPageByPage() throws Exception {
        NodePage first = Inspection.page(ask(Inspection.look(0)));
        assertThat(first.facts().machines()).hasSize(1);
        assertThat(first.next()).isEqualTo(NodePage.NONE);
        assertThat(Inspection.page(ask(Inspection.look(1))).facts().machines()).isEmpty();
        assertThat(first.facts().with(first.facts().machines()).machines()).hasSize(2);
    }

    @Test
    void movesAwayWhatNothingNeedsAndRemovesItOnlyWhenAsked() throws Exception {
        Path stray = Files.writeString(chain.memoryFile(new Name("nobody")), "memory");
        Repair repair = only();
        assertThat(repair.act()).isEqualTo(Act.QUARANTINE);
        assertThat(repair(repair)).isTrue();
        assertThat(repair(repair)).as("a second time").isFalse();
        assertThat(stray).doesNotExist();
        assertThat(findings()).extracting(Finding::kind).containsExactly(Finding.Kind.LOST);
        assertThat(repair(new Repair(N1, WEB, Act.EMPTY_LOST, "lost"))).isTrue();
        assertThat(findings()).isEmpty();
    }

    @Test
    void touchesNoFileThatTheLookDoesNotName() throws Exception {
        Path other = Files.writeString(root.resolve("other"), "somebody's");
        assertThat(repair(new Repair(N1, WEB, Act.QUARANTINE, other.toString())))
                .isFalse();
        assertThat(repair(new Repair(N1, WEB, Act.QUARANTINE, headLayer().toString())))
                .isFalse();
        assertThat(repair(new Repair(N1, WEB, Act.PUT_BACK, other.toString()))).isFalse();
        assertThat(other).exists();
        assertThat(findings()).isEmpty();
    }

    @Test
    void endsAFreezeWhoseBoundHasPassed() throws Exception {
        Path mark = mark("freeze", false);
        status.set(VmStatus.PAUSED);
        Repair repair = only();
        assertThat(repair.act()).isEqualTo(Act.THAW);
        assertThat(repair(repair)).isTrue();
        assertThat(status).hasValue(VmStatus.RUNNING);
        assertThat(mark).doesNotExist();
        assertThat(repair(repair)).as("a second time").isFalse();
    }

    /** As a kernel of User-Mode Linux whose worker sleeps: it may yet obey an order to stop from before. */
    @Test
    void leavesTheMarkOfAMachineThatRunsAndMayYetStop() throws Exception {
        Path mark = mark("freeze", false);
        doubt = Optional.of(new HypervisorException(HypervisorException.Kind.UNKNOWN, "its kernel does no work"));
        Repair repair = only();
        assertThat(repair.act()).isEqualTo(Act.THAW);
        assertThatThrownBy(() -> repair(repair)).hasMessageContaining("its kernel does no work");
        assertThat(mark).exists();

        doubt = Optional.empty();
        assertThat(repair(repair)).isTrue();
        assertThat(mark).doesNotExist();
    }

    @Test
    void leavesPausedWhatAPersonHadPaused() throws Exception {
        mark("freeze", true);
        status.set(VmStatus.PAUSED);
        assertThat(repair(only())).isTrue();
        assertThat(status).hasValue(VmStatus.PAUSED);
        assertThat(findings()).isEmpty();
    }

    @Test
    void takesTheMarkOfAMachineAwayThatDoesNotRun() throws Exception {
        runs = false;
        Path mark = mark("freeze", false);
        Repair repair = only();
        assertThat(repair.act()).isEqualTo(Act.UNMARK);
        assertThat(repair(repair)).isTrue();
        assertThat(mark).doesNotExist();
    }

    @Test
    void leavesAloneWhatAnOperationIsAt() throws Exception {
        Path mark = mark("freeze", false);
        status.set(VmStatus.PAUSED);
        Files.writeString(chain.memoryFile(new Name("nobody")), "memory");
        claims.claim(new Name("r1"), OperationKind.CHECKPOINT, Set.of(WEB));
        assertThat(findings()).singleElement().satisfies(passed -> {
            assertThat(passed.kind()).isEqualTo(Finding.Kind.PASSED);
            assertThat(passed.text()).startsWith("it was not looked at:").contains("r1");
        });
        assertThat(repair(new Repair(N1, WEB, Act.THAW, "by-hand-1"))).isFalse();
        assertThat(mark).exists();
    }

    @Test
    void seesAMachineThatDoesNotWriteToItsHead() throws Exception {
        vms.adopt();
        disks.set(List.of(new DiskState("d0", List.of(Path.of("/srv/elsewhere/d0.qcow2")), 1L << 20)));
        List<Finding> findings = findings();
        assertThat(findings).hasSize(1);
        assertThat(findings.get(0).text())
                .contains("/srv/elsewhere/d0.qcow2", headLayer().toString());
        assertThat(findings.get(0).repair()).isEmpty();
    }

    @Test
    void aFileThatAProcessHasOpenIsNotMovedAway() throws Exception {
        vms.adopt();
        Path half = Files.writeString(chain.path().resolve("layers/.d0-000009.qcow2.tmp"), "half");
        Repair repair = only();
        disks.set(List.of(new DiskState("d0", List.of(headLayer(), half), 1L << 20)));
        assertThat(repair(repair)).isFalse();
        assertThat(half).exists();
    }

    @Test
    void aHeadThatIsGoneIsMadeAnewFromWhatTheProcessWritesTo() throws Exception {
        vms.adopt();
        Path head = chain.path().resolve("head");
        Path target = Files.readSymbolicLink(head);
        Files.delete(head);
        Repair repair = only();
        assertThat(repair.act()).isEqualTo(Act.MEND_HEAD);
        assertThat(repair(repair)).isTrue();
        assertThat(head).isSymbolicLink();
        assertThat(Files.readSymbolicLink(head)).isEqualTo(target);
        assertThat(repair(repair)).as("a second time").isFalse();
        assertThat(findings()).isEmpty();
    }

    @Test
    void aHeadOfAProcessThatWritesElsewhereIsToldAndNothingIsTouched() throws Exception {
        vms.adopt();
        disks.set(List.of(new DiskState("d0", List.of(Path.of("/srv/elsewhere/d0.qcow2")), 1L << 20)));
        Files.delete(chain.path().resolve("head"));
        assertThat(findings())
                .singleElement()
                .satisfies(finding -> assertThat(finding.text()).contains("head is missing", "/srv/elsewhere/d0.qcow2"))
                .satisfies(finding -> assertThat(finding.repair()).isEmpty());
        assertThat(chain.path().resolve("head")).doesNotExist();
    }
}
