package dev.holdfast.agent.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.holdfast.agent.guard.Fired;
import dev.holdfast.agent.guard.GuardClient;
import dev.holdfast.agent.guard.GuardLab;
import dev.holdfast.agent.guard.GuardLab.Armer;
import dev.holdfast.agent.hypervisor.FreezeFacts;
import dev.holdfast.agent.hypervisor.HypervisorKind;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.hypervisor.libvirt.LibvirtHypervisor;
import dev.holdfast.agent.hypervisor.libvirt.RealLibvirt;
import dev.holdfast.agent.snapshot.chain.QemuImages;
import dev.holdfast.agent.storage.LoopFileSystem;
import dev.holdfast.agent.virsh.LibvirtLab;
import dev.holdfast.agent.virsh.Virsh;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import dev.holdfast.coordinator.protocol.RoundOptions.Quiesce;
import dev.holdfast.coordinator.protocol.VmReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Disks of domains of a real libvirtd are cloned on a real file system, under a real guard. One of the tests runs always, the others with the soak. */
@Tag("qemu")
@Tag("libvirt")
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LibvirtSnapshotsTest {
    private static final Duration DEADLINE = Duration.ofSeconds(20);
    private static final long SECOND = 1_000_000_000L;

    @TempDir
    static Path directory;

    private static LoopFileSystem xfs;
    private static LibvirtLab lab;
    private static GuardLab guard;
    private static LibvirtHypervisor hypervisor;

    private Optional<RunningVm> vm = Optional.empty();

    @BeforeAll
    static void start() throws Exception {
        xfs = new LoopFileSystem("xfs", directory);
        lab = new LibvirtLab(xfs.point());
        guard = new GuardLab();
        hypervisor = RealLibvirt.hypervisor(lab);
    }

    @AfterAll
    static void end() throws Exception {
        for (AutoCloseable each : Stream.<AutoCloseable>of(guard, lab, xfs).toList()) {
            if (each != null) {
                each.close();
            }
        }
    }

    @AfterEach
    void forget() {
        vm.ifPresent(RunningVm::close);
    }

    /** As the agent does it in front of a freeze. */
    private static final class Watch implements FreezeWatch {
        private final RunningVm vm;
        private final GuardClient client;

        Watch(RunningVm vm) throws IOException {
            this.vm = vm;
            this.client = guard.client();
        }

        @Override
        public void arm(Name name, String operation, Duration deadline) throws SnapshotException {
            try {
                client.watch(name, home(name), vm.control());
                client.arm(name, operation, deadline, false);
            } catch (IOException e) {
                throw SnapshotException.of(e);
            }
        }

        @Override
        public String quiesce(Name name, String operation, Quiesce wish) {
            return "no";
        }

        @Override
        public void restored(Name name, String operation, boolean runs) {
            throw new UnsupportedOperationException("nothing is restored");
        }

        @Override
        public void disarm(Name name, String operation) {
            try {
                assertThat(client.disarm(name, operation)).isFalse();
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }
    }

    private static Path home(Name vm) {
        return lab.root.resolve("run-" + vm);
    }

    private static VmDefinition definition(String name, Path disks) {
        return new VmDefinition(
                new Name(name),
                HypervisorKind.LIBVIRT,
                Optional.empty(),
                List.of(
                        new VmDefinition.Disk("vda", disks.resolve(name + "-vda")),
                        new VmDefinition.Disk("vdb", disks.resolve(name + "-vdb"))));
    }

    /** A domain that counts, found by us. */
    private RunningVm domain(String name) throws Exception {
        lab.disks(name, 0);
        lab.create(name);
        Files.createDirectories(home(new Name(name)));
        RunningVm found = hypervisor.find(definition(name, lab.root)).orElseThrow();
        vm = Optional.of(found);
        return found;
    }

    private VmSnapshots snapshots(RunningVm running) throws Exception {
        return VmSnapshots.open(definition(running.name().value(), lab.root), slot(running), tools(running));
    }

    private static VmSlot slot(RunningVm running) {
        return new VmSlot() {
            @Override
            public Optional<RunningVm> running() {
                return Optional.of(running);
            }

            @Override
            public void became(Optional<RunningVm> process) {
                throw new UnsupportedOperationException("it stays what it is");
            }
        };
    }

    private static SnapshotTools tools(RunningVm running) throws IOException {
        return new SnapshotTools(
                hypervisor,
                new QemuImages("qemu-img"),
                new Watch(running),
                InstantSource.system(),
                System::nanoTime,
                SnapshotTools.DEFAULT_MAX_DEPTH);
    }

    private static SnapshotRequest request(String name, CaptureMethod method) {
        return new SnapshotRequest("o-" + name, new Name(name), Optional.empty(), method, DEADLINE, "");
    }

    private static List<String> layers(VmSnapshots snapshots) throws IOException {
        try (Stream<Path> files = Files.list(snapshots.chain().path().resolve("layers"))) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    private static void ask(String... words) throws Exception {
        try (Virsh virsh = lab.virsh()) {
            virsh.ask(LibvirtLab.PATIENCE, words);
        }
    }

    @Test
    void disksAreClonedAtOneMomentWhileTheDomainRunsOnAndItsOwnersFilesStayWhereTheyAre() throws Exception {
        RunningVm web = domain("web");
        VmSnapshots snapshots = snapshots(web);
        assertThatThrownBy(() -> snapshots.create(request("all", CaptureMethod.STOP), Quiesce.NO, Progress.NONE))
                .hasMessageContaining("use --disk-only");
        assertThat(layers(snapshots)).containsExactly("vda-000001.raw", "vdb-000001.raw");

        long before = lab.ticks("web");
        VmReport report = snapshots.create(request("first", CaptureMethod.DISK_ONLY), Quiesce.NO, Progress.NONE);
        final long after = lab.ticks("web");
        System.out.printf("a domain with two disks stood still for %.1f ms%n", report.pauseNanos() / 1e6);
        lab.awaitTicks("web", 5);
        assertThat(home(web.name()).resolve("frozen")).doesNotExist();
        assertThat(layers(snapshots))
                .containsExactly(
                        "vda-000001.raw", "vda-000002-of-000001.raw", "vdb-000001.raw", "vdb-000002-of-000001.raw");
        Path layers = snapshots.chain().path().resolve("layers");
        LibvirtLab.run(
                "qemu-img", "check", layers.resolve("vda-000002-of-000001.raw").toString());
        assertThat(lab.counted(layers.resolve("vda-000002-of-000001.raw"), layers.resolve("vdb-000002-of-000001.raw")))
                .isBetween(before, after + 1);
        assertThat(web.disks().get(0).layers()).containsExactly(lab.disk("web", "vda"));
        assertThat(snapshots.verify(new Name("first"), Progress.NONE).isGood()).isTrue();
        assertThatThrownBy(() -> snapshots.reverts().prepare(new Name("first"), Progress.NONE))
                .hasMessageContaining("cp --reflink=always")
                .hasMessageContaining("vdb-000002-of-000001.raw");

        snapshots.create(request("second", CaptureMethod.DISK_ONLY), Quiesce.NO, Progress.NONE);
        assertThat(snapshots.show(new Name("second")).snapshot().parent()).contains(new Name("first"));
        snapshots.delete("o-delete", new Name("first"), Progress.NONE);
        assertThat(layers(snapshots))
                .containsExactly(
                        "vda-000001.raw", "vda-000003-of-000001.raw", "vdb-000001.raw", "vdb-000003-of-000001.raw");
        assertThat(snapshots.look().problems()).isEmpty();
        lab.awaitTicks("web", 5);
    }

    /** Whoever lets it run, and stops it again, leaves no trace but two events. */
    @Test
    @Tag("soak")
    void aCutInWhichAPersonLetTheDomainRunDoesNotCount() throws Exception {
        RunningVm web = domain("resumed");
        VmSnapshots snapshots = snapshots(web);
        SnapshotPhases phases = snapshots.phases();
        phases.prepare(request("cut", CaptureMethod.DISK_ONLY));
        phases.freeze();
        ask("resume", "resumed");
        ask("suspend", "resumed");
        phases.capture();
        assertThat(phases.proveAndThaw().orElseThrow().stoodStill()).isFalse();
        assertThat(web.status()).isEqualTo(VmStatus.RUNNING);
        phases.abandon("o-cut");
        assertThat(layers(snapshots)).containsExactly("vda-000001.raw", "vdb-000001.raw");

        phases.prepare(request("again", CaptureMethod.DISK_ONLY));
        FreezeFacts frozen = phases.freeze();
        assertThat(frozen.wallMicros() / 1_000_000).isCloseTo(System.currentTimeMillis() / 1000, within(60L));
        ask("resume", "resumed");
        phases.capture();
        assertThat(phases.proveAndThaw().orElseThrow().stoodStill()).isFalse();
        phases.abandon("o-again");
        lab.awaitTicks("resumed", 5);
    }

    @Test
    @Tag("soak")
    void theGuardLetsTheDomainRunWhenTheAgentIsDeadAndTheNextLifeRemovesWhatWasBegun() throws Exception {
        RunningVm web = domain("left");
        VmSnapshots snapshots = snapshots(web);
        guard.client().watch(web.name(), home(web.name()), web.control());
        Armer agent = guard.armer();
        snapshots.phases().prepare(request("cut", CaptureMethod.DISK_ONLY));
        assertThat(agent.ask("{\"op\":\"arm\",\"vm\":\"left\",\"token\":\"r1\",\"deadline_ms\":60000}"))
                .isEqualTo("{\"ok\":true}");
        snapshots.phases().freeze();
        snapshots.phases().capture();
        assertThat(web.status()).isEqualTo(VmStatus.PAUSED);
        long since = System.nanoTime();
        agent.kill();
        Awaitility.await()
                .pollInterval(Duration.ofMillis(5))
                .atMost(LibvirtLab.PATIENCE)
                .until(() -> web.status() == VmStatus.RUNNING);
        System.out.printf("the guard let a domain run after %.1f ms%n", (System.nanoTime() - since) / 1e6);
        assertThat(System.nanoTime() - since).isLessThan(3 * SECOND / 2);
        assertThat(guard.fired.poll(10, TimeUnit.SECONDS)).isEqualTo(new Fired(web.name(), "r1", "eof", "resumed"));
        assertThat(home(web.name()).resolve("frozen")).doesNotExist();

        assertThat(layers(snapshots)).anyMatch(name -> name.startsWith("."));
        VmSnapshots later = snapshots(web);
        assertThat(later.recover(operation -> Fate.TAKE_BACK)).contains("o-cut");
        assertThat(layers(later)).containsExactly("vda-000001.raw", "vdb-000001.raw");
        assertThat(later.list()).isEmpty();
        lab.awaitTicks("left", 5);
    }

    @Test
    @Tag("soak")
    void aDomainWhoseStorageDoesNotCloneIsRefusedAndNothingIsLeftThere() throws Exception {
        RunningVm web = domain("plain");
        Path elsewhere = Files.createDirectories(directory.resolve("elsewhere"));
        for (String disk : List.of("vda", "vdb")) {
            Files.write(elsewhere.resolve("plain-" + disk), new byte[4096]);
        }
        assertThatThrownBy(() -> VmChain.open(definition("plain", elsewhere), slot(web), tools(web)))
                .hasMessageContaining("move it to a file system that clones")
                .hasMessageContaining("take plain out of its group");
        assertThat(elsewhere.resolve("plain.holdfast")).doesNotExist();
    }
}
