package dev.holdfast.agent.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.Answers;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.qemu.QemuHypervisor;
import dev.holdfast.agent.qmp.QmpClient;
import dev.holdfast.agent.qmp.QmpException;
import dev.holdfast.agent.snapshot.chain.ChainExecutor;
import dev.holdfast.agent.snapshot.chain.DiskImages;
import dev.holdfast.agent.snapshot.chain.Intent;
import dev.holdfast.agent.snapshot.chain.Layer;
import dev.holdfast.agent.snapshot.chain.LiveDisks;
import dev.holdfast.agent.snapshot.chain.QemuImages;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.io.RandomAccessFile;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is refused, with what words, and that the guest does not notice. */
@Tag("qemu")
@Timeout(value = 240, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RefusalsQemuTest {
    private static final Name ONE = new Name("one");

    private SnapshotLab lab;

    @BeforeEach
    void open() throws Exception {
        lab = new SnapshotLab();
        lab.start();
    }

    @AfterEach
    void close() throws Exception {
        lab.close();
    }

    private static void assertRefused(ThrowingCallable call, Refusal.Kind kind, String... words) {
        assertThatThrownBy(call).isInstanceOfSatisfying(SnapshotException.class, e -> {
            assertThat(e.because().kind()).isEqualTo(kind);
            assertThat(e.because().text()).contains(words);
        });
    }

    @Test
    void aMachineThatRunsOnANodeWhichNobodySeesIsNotTouchedFromAnother() throws Exception {
        lab.create("one", CaptureMethod.STOP);
        VmSnapshots there = lab.snapshots();
        RunningVm machine = lab.vm.orElseThrow();
        QemuHypervisor hypervisor = lab.hypervisor;
        there.reverts().hold();
        there.reverts().loadBeside("r1", ONE);
        int head = lab.chain.head().number();

        lab.goToAnotherNode();
        String[] words = {"web has no process on this node", "lost sight of"};
        assertRefused(() -> lab.snapshots().recover(operation -> Fate.MAKE_TRUE), Refusal.Kind.BUSY, words);
        assertRefused(() -> lab.snapshots().recover(operation -> Fate.TAKE_BACK), Refusal.Kind.BUSY, words);
        assertThat(lab.chain.head().number()).isEqualTo(head);
        assertThat(lab.chain.intent()).isPresent();

        // As on a file system without locks, or when the other node locks them just after the look.
        lab.images = Answers.of(DiskImages.class, Map.of("isWritten", () -> false));
        assertThatThrownBy(() -> lab.snapshots().recover(operation -> Fate.MAKE_TRUE))
                .hasMessageContaining("lock");
        assertThat(lab.hypervisor.find(lab.definition))
                .as("nothing is left that could be let run later")
                .isEmpty();

        lab.hypervisor = hypervisor;
        lab.vm = Optional.of(machine);
        there.reverts().runNew("r1", true);
        lab.awaitTicks(5);
        lab.goToAnotherNode();
        lab.images = new QemuImages("qemu-img");
        assertRefused(() -> lab.create("two", CaptureMethod.DISK_ONLY), Refusal.Kind.BUSY, words);
        assertRefused(() -> lab.delete("one"), Refusal.Kind.BUSY, words);
        assertThat(lab.chain.intent()).isEmpty();
    }

    @Test
    void aNameThatIsTaken() throws Exception {
        lab.create("one", CaptureMethod.AUTO);
        assertRefused(
                () -> lab.create("one", CaptureMethod.AUTO),
                Refusal.Kind.PREFLIGHT,
                "has a snapshot one already",
                "one.json");
        assertThat(lab.chain.intent()).isEmpty();
        assertThat(lab.snapshots().verify(ONE, Progress.NONE).problems()).isEmpty();
        lab.awaitTicks(5);
    }

    @Test
    void aSecondOperationWhileOneIsUnderWay() throws Exception {
        lab.snapshots().phases().prepare(lab.request("one", CaptureMethod.AUTO));
        assertRefused(() -> lab.create("two", CaptureMethod.DISK_ONLY), Refusal.Kind.BUSY, "op-1", "fsck");
        assertRefused(() -> lab.delete("one"), Refusal.Kind.BUSY, "op-1");
        lab.awaitTicks(5);
    }

    /** The transaction that cuts the disks is refused, because somebody has taken an overlay away. */
    private void takeAnOverlayAway() {
        try (QmpClient somebody = lab.rescue()) {
            somebody.execute("blockdev-del", Map.of("node-name", "d1.1"), SnapshotLab.DEADLINE);
        } catch (QmpException e) {
            throw new AssertionError(e);
        }
    }

    private void noteStatus() {
        try {
            lab.watched.add(lab.vm.orElseThrow().status().name());
        } catch (HypervisorException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void aCutThatQemuRefusesWhileTheGuardWatchesUntilTheGuestRuns() throws Exception {
        lab.whenWatched = this::takeAnOverlayAway;
        lab.whenDisarmed = this::noteStatus;
        assertThatThrownBy(() -> lab.create("one", CaptureMethod.AUTO)).hasMessageContaining("d1.1");
        assertThat(lab.watched).containsExactly("arm", "disarm", "RUNNING");
        assertThat(lab.chain.intent()).isEmpty();
        lab.whenWatched = () -> {};
        lab.create("two", CaptureMethod.AUTO);
        lab.awaitTicks(5);
    }

    @Test
    void nobodyWatchesOverAMachineThatAPersonHasPausedNorOneThatDoesNotRun() throws Exception {
        lab.vm.orElseThrow().pause();
        lab.create("one", CaptureMethod.DISK_ONLY);
        noteStatus();
        lab.kill();
        lab.create("two", CaptureMethod.DISK_ONLY);
        assertThat(lab.watched).containsExactly("PAUSED");
    }

    @Test
    void aSnapshotThatIsNotThere() {
        assertRefused(() -> lab.delete("none"), Refusal.Kind.PREFLIGHT, "web has no snapshot none", "snapshot list");
        assertRefused(() -> lab.revert("none"), Refusal.Kind.PREFLIGHT, "web has no snapshot none");
    }

    @Test
    void memoryForWhichThereIsNoSpace() throws Exception {
        VmDefinition d = lab.definition;
        lab.definition = new VmDefinition(
                d.name(),
                d.hypervisor(),
                Optional.of(new VmDefinition.Hardware(
                        d.ownHardware().machine(),
                        d.ownHardware().accelerator(),
                        d.ownHardware().cpu(),
                        1,
                        8L << 40,
                        false,
                        d.ownHardware().kernel(),
                        List.of(),
                        List.of())),
                d.disks());
        assertRefused(
                () -> lab.create("one", CaptureMethod.AUTO),
                Refusal.Kind.PREFLIGHT,
                "MiB are free",
                lab.chain.path().toString(),
                "--disk-only");
        lab.create("one", CaptureMethod.DISK_ONLY);
    }

    @Test
    void memoryOfAMachineThatDoesNotRun() throws Exception {
        lab.kill();
        assertRefused(
                () -> lab.create("one", CaptureMethod.AUTO), Refusal.Kind.PREFLIGHT, "does not run", "--disk-only");
    }

    @Test
    void aMachineThatThePersonPausedExceptForItsDisks() throws Exception {
        lab.vm.orElseThrow().pause();
        assertRefused(() -> lab.create("one", CaptureMethod.AUTO), Refusal.Kind.PREFLIGHT, "PAUSED", "resume it");
        lab.create("one", CaptureMethod.DISK_ONLY);
        assertThat(lab.vm.get().status()).isEqualTo(dev.holdfast.agent.hypervisor.VmStatus.PAUSED);
    }

    private void startWith(String... extra) throws Exception {
        lab.kill();
        VmDefinition d = lab.definition;
        lab.definition = new VmDefinition(
                d.name(),
                d.hypervisor(),
                Optional.of(new VmDefinition.Hardware(
                        d.ownHardware().machine(),
                        d.ownHardware().accelerator(),
                        d.ownHardware().cpu(),
                        1,
                        d.ownHardware().memoryBytes(),
                        false,
                        d.ownHardware().kernel(),
                        List.of(extra),
                        List.of())),
                d.disks());
        lab.start();
    }

    private void assertOnlyDisks(String... words) throws Exception {
        assertRefused(() -> lab.create("one", CaptureMethod.AUTO), Refusal.Kind.PREFLIGHT, words);
        assertRefused(
                () -> lab.snapshots().estimate(lab.request("one", CaptureMethod.AUTO)), Refusal.Kind.PREFLIGHT, words);
        assertThat(lab.watched).isEmpty();
        lab.create("one", CaptureMethod.DISK_ONLY);
        lab.awaitTicks(5);
    }

    @Test
    void memoryOfADeviceThatQemuCannotSave() throws Exception {
        startWith("-device", "nvme,serial=x,id=nv");
        assertOnlyDisks("web has a device whose state QEMU cannot save", "nvme", "--disk-only");
    }

    @Test
    void memoryOfAMachineWithAWireWhoseOtherEndNobodyKnows() throws Exception {
        startWith("-chardev", "udp,id=wire,host=127.0.0.1,port=9", "-device", "isa-serial,chardev=wire");
        assertOnlyDisks("web has a character device wire (udp, from extra_args)", "other end", "--disk-only");
    }

    @Test
    void aDiskThatIsInNoChain() throws Exception {
        Path foreign = lab.root.resolve("shared.raw");
        SnapshotLab.run("truncate", "-s", "1M", foreign.toString());
        String node = "driver=raw,node-name=shared,file.driver=file,file.locking=off,file.filename=" + foreign;
        startWith("-blockdev", node, "-device", "virtio-blk-pci,drive=shared,share-rw=on");
        for (CaptureMethod method : List.of(CaptureMethod.AUTO, CaptureMethod.DISK_ONLY)) {
            assertRefused(
                    () -> lab.create("one", method),
                    Refusal.Kind.PREFLIGHT,
                    "web writes to a disk that no checkpoint holds",
                    foreign.toString(),
                    "read-only");
        }
        startWith("-blockdev", node + ",read-only=on", "-device", "virtio-blk-pci,drive=shared");
        lab.create("one", CaptureMethod.AUTO);
    }

    @Test
    void aMachineThatSomebodyIsMigrating() throws Exception {
        try (QmpClient somebody = lab.rescue()) {
            Duration bound = SnapshotLab.DEADLINE;
            somebody.execute("migrate-set-parameters", Map.of("max-bandwidth", 4096), bound);
            somebody.execute("migrate", Map.of("uri", "exec:cat > /dev/null"), bound);
            assertRefused(
                    () -> lab.snapshots().estimate(lab.request("one", CaptureMethod.AUTO)),
                    Refusal.Kind.PREFLIGHT,
                    "web is being migrated");
            assertRefused(() -> lab.create("one", CaptureMethod.AUTO), Refusal.Kind.PREFLIGHT, "is being migrated");
            somebody.execute("migrate_cancel", Map.of(), bound);
        }
        lab.createAfterAbandoned("one", CaptureMethod.AUTO);
    }

    @Test
    void bothEndsOfAWireAreCalledTheSame() throws Exception {
        Path socket = lab.root.resolve("wire.sock");
        startWith("-chardev", "socket,id=wire,server=on,wait=off,path=" + socket, "-device", "isa-serial,chardev=wire");
        List<String> server = lab.vm.orElseThrow().surroundings(true).ties();
        startWith("-chardev", "socket,id=wire,reconnect=1,path=" + socket, "-device", "isa-serial,chardev=wire");
        assertThat(lab.vm.orElseThrow().surroundings(true).ties())
                .isEqualTo(server)
                .containsExactly("character device unix:" + socket);
        assertThat(lab.vm.orElseThrow().surroundings(false).ties()).isEmpty();
        assertThat(lab.snapshots().ties(new Name("n7"), true))
                .contains("character device unix:" + socket + " on n7")
                .anyMatch(tie -> tie.startsWith("disk chain " + lab.chain.path()));
    }

    /** Without its path, all clients would seem to be at one end, and none at the end of the machine that it is wired to. */
    @Test
    void aConnectedEndIsCalledAsTheOtherOne() throws Exception {
        Path socket = lab.root.resolve("connected.sock");
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(socket));
            startWith("-chardev", "socket,id=wire,path=" + socket, "-device", "isa-serial,chardev=wire");
            assertThat(lab.vm.orElseThrow().surroundings(true).ties())
                    .containsExactly("character device unix:" + socket);
        }
    }

    @Test
    void aProcessThatTheAgentHasLost() throws Exception {
        lab.vm.orElseThrow().close();
        lab.vm = java.util.Optional.empty();
        assertRefused(() -> lab.create("one", CaptureMethod.DISK_ONLY), Refusal.Kind.BUSY, "runs as process");
    }

    @Test
    void aMachineThatWasStartedFromAnOldLayer() throws Exception {
        lab.create("one", CaptureMethod.DISK_ONLY);
        lab.kill();
        VmDefinition right = lab.definition;
        Path old = Files.copy(lab.chain.file(new Layer("d1", 1)), lab.root.resolve("copy.qcow2"));
        lab.definition = new VmDefinition(
                right.name(),
                right.hypervisor(),
                Optional.of(new VmDefinition.Hardware(
                        right.ownHardware().machine(),
                        right.ownHardware().accelerator(),
                        right.ownHardware().cpu(),
                        1,
                        right.ownHardware().memoryBytes(),
                        false,
                        right.ownHardware().kernel(),
                        List.of(),
                        List.of())),
                List.of(right.disk("d0"), new VmDefinition.Disk("d1", old)));
        lab.start(StartMode.NORMAL);
        lab.definition = right;
        assertRefused(
                () -> lab.create("two", CaptureMethod.DISK_ONLY),
                Refusal.Kind.FAILED,
                "copy.qcow2",
                "was not started from",
                "head/d1.qcow2");
    }

    @Test
    void damagedMemoryIsFoundByVerifyAndBeforeARevert() throws Exception {
        lab.create("one", CaptureMethod.STOP);
        Path memory = lab.chain.memoryFile(ONE);
        try (RandomAccessFile file = new RandomAccessFile(memory.toFile(), "rw")) {
            file.seek(file.length() / 2);
            int before = file.read();
            file.seek(file.length() / 2);
            file.write(before ^ 1);
        }
        assertThat(lab.snapshots().verify(ONE, Progress.NONE).problems())
                .singleElement()
                .asString()
                .contains(memory.toString(), "checksum");
        assertRefused(() -> lab.revert("one"), Refusal.Kind.PREFLIGHT, memory.toString(), "checksum");
        try (RandomAccessFile file = new RandomAccessFile(memory.toFile(), "rw")) {
            file.setLength(100);
        }
        assertRefused(() -> lab.revert("one"), Refusal.Kind.PREFLIGHT, memory.toString(), "100 bytes");
        Files.delete(memory);
        assertRefused(() -> lab.revert("one"), Refusal.Kind.PREFLIGHT, memory.toString(), "missing");
        lab.awaitTicks(5);
    }

    @Test
    void aDamagedLayerIsFoundByVerifyWhenItsDigestWasTaken() throws Exception {
        lab.create("one", CaptureMethod.DISK_ONLY);
        assertThat(lab.snapshots().recordDigests(Progress.NONE, () -> false))
                .as("nothing is written to the chain of a machine that has moved away")
                .isFalse();
        assertThat(lab.snapshots().recordDigests(Progress.NONE, () -> true)).isTrue();
        assertThat(lab.snapshots().verify(ONE, Progress.NONE).isGood()).isTrue();
        lab.kill();
        Path layer = lab.chain.file(new Layer("d0", 1));
        try (RandomAccessFile file = new RandomAccessFile(layer.toFile(), "rw")) {
            file.seek(file.length() - 10);
            file.write(77);
        }
        assertThat(lab.snapshots().verify(ONE, Progress.NONE).problems())
                .anyMatch(problem -> problem.contains(layer + " is damaged"));
    }

    @Test
    void aMergeThatWasCutShortIsTakenUpByTheNextLifeOfTheAgent() throws Exception {
        lab.write(1, 4);
        lab.create("one", CaptureMethod.DISK_ONLY);
        lab.write(2, 5);
        lab.create("two", CaptureMethod.DISK_ONLY);
        ChainExecutor executor = new ChainExecutor(
                lab.chain,
                lab.images,
                LiveDisks.NONE,
                InstantSource.system(),
                ChainExecutor.Removal.DELETE,
                Progress.NONE);
        executor.removeSnapshot(ONE);
        executor.writeIntent(Intent.merge("op-x", new Layer("d1", 2), new Layer("d1", 1)));
        lab.reconnect();
        assertThat(lab.snapshots().recover(operation -> Fate.TAKE_BACK)).contains("op-x");
        assertThat(lab.files("layers")).doesNotContain("d1-000002.qcow2").contains("d1-000001.qcow2");
        assertThat(lab.files("lost")).containsExactly("d1-000002.qcow2");
        SnapshotLab.assertReads(lab.chain.file(new Layer("d1", 1)), 2, 5);
        SnapshotLab.assertReads(lab.chain.headFile("d1"), 1, 4);
        assertThat(lab.snapshots().verify(new Name("two"), Progress.NONE).problems())
                .isEmpty();
        lab.snapshots().mend((chain, mending) -> {
            chain.emptyLost(mending);
            return true;
        });
        assertThat(lab.snapshots().look().isClean()).isTrue();
        lab.awaitTicks(5);
    }
}
