package dev.holdfast.agent.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.Answers;
import dev.holdfast.agent.hypervisor.Hypervisor;
import dev.holdfast.agent.hypervisor.Keep;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.snapshot.chain.ChainImport;
import dev.holdfast.agent.snapshot.chain.QemuImages;
import dev.holdfast.agent.storage.FileVolumes;
import dev.holdfast.agent.storage.ImageStore;
import dev.holdfast.agent.storage.ImageStore.Way;
import dev.holdfast.agent.storage.StorageException;
import dev.holdfast.agent.storage.StorageException.Kind;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import dev.holdfast.coordinator.protocol.RoundOptions.Quiesce;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of a disk on a volume whose machine is stopped, and of a storage that fails. The real LVM is in {@link LvmInXen}. */
class VolumesTest {
    private static final Name ONE = new Name("one");
    private static final String COPY = "web+d0-000003-of-000001";

    @TempDir
    private Path temporary;

    private Path group;
    private Path directory;

    @BeforeEach
    void importAVolume() throws Exception {
        group = Files.createDirectory(temporary.toRealPath().resolve("vg0"));
        directory = group.resolveSibling("web.holdfast");
        Path volume = Files.write(group.resolve("web"), new byte[1 << 20]);
        Path link = Files.createSymbolicLink(group.resolveSibling("d0.dev"), volume);
        new ChainImport(new QemuImages("qemu-img"), InstantSource.system())
                .importDisks(directory, new TreeMap<>(Map.of("d0", link)));
    }

    private VmSnapshots snapshots(ImageStore store, Keep keep) throws SnapshotException {
        return snapshots(store, keep, 100);
    }

    private VmDefinition definition(Keep keep, int cowPercent) {
        return OneDisk.definition(
                new Name("web"), new VmDefinition.Disk("d0", directory.resolve("head/d0"), keep, cowPercent));
    }

    private VmSnapshots snapshots(ImageStore store, Keep keep, int cowPercent) throws SnapshotException {
        Hypervisor stopped = Answers.of(
                Hypervisor.class,
                Map.of(
                        "ownsLayers",
                        () -> true,
                        "find",
                        Optional::empty,
                        "mayRun",
                        () -> false,
                        "isBarred",
                        () -> false));
        return VmSnapshots.open(definition(keep, cowPercent), OneDisk.STOPPED, OneDisk.tools(stopped, store));
    }

    private static void create(VmSnapshots vm, Name name) throws SnapshotException {
        SnapshotRequest request = new SnapshotRequest(
                "op-" + name, name, Optional.empty(), CaptureMethod.DISK_ONLY, Duration.ofSeconds(5), "");
        vm.create(request, Quiesce.NO, Progress.NONE);
    }

    private static void tidy(VmSnapshots vm) throws SnapshotException {
        vm.compact("op", Progress.NONE, () -> false);
    }

    /** The same machine, with a snapshot after which all was done that can be. */
    private static VmSnapshots kept(VmSnapshots vm) throws SnapshotException {
        create(vm, ONE);
        tidy(vm);
        return vm;
    }

    private static void revert(VmSnapshots vm, Name to) throws SnapshotException {
        vm.revert("op-revert", to, true, Progress.NONE);
    }

    private static List<String> names(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    private List<String> layers() throws IOException {
        return names(directory.resolve("layers"));
    }

    private List<String> volumes() throws IOException {
        return names(group);
    }

    private static void assertRefused(ThrowingCallable call, Refusal.Kind kind, String... because) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        SnapshotException.class,
                        e -> assertThat(e.because().kind()).isEqualTo(kind))
                .hasMessageContainingAll(because);
    }

    /** Nobody knows what becomes of the copy after its snapshot. */
    private VmSnapshots withACopyThatIsOpen(FileVolumes store) throws SnapshotException {
        VmSnapshots vm = snapshots(store, Keep.AUTO);
        create(vm, ONE);
        store.leavesOpen = true;
        assertRefused(() -> tidy(vm), Refusal.Kind.BUSY, "has not ended");
        store.leavesOpen = false;
        return vm;
    }

    private static StorageException silent() {
        return new StorageException(Kind.FAILED, "\"lvs\" could not be run: it did not end within 5 s and was killed");
    }

    @Test
    void aThinVolumeIsCopiedAfterASnapshotAndTheDiskIsThatVolumeAgain() throws Exception {
        VmSnapshots vm = kept(snapshots(new FileVolumes(group, Way.THIN), Keep.AUTO));
        assertThat(layers()).containsExactly("d0-000001.dev", "d0-000003-of-000001.dev");
        assertThat(Files.readSymbolicLink(directory.resolve("layers/d0-000003-of-000001.dev")))
                .isEqualTo(group.resolve(COPY));
        assertThat(directory.resolve("head/d0.dev")).exists();
        assertThat(vm.verify(ONE, Progress.NONE).problems()).isEmpty();
        assertThat(vm.look().isClean()).isTrue();
        vm.delete("op", ONE, Progress.NONE);
        assertThat(layers()).containsExactly("d0-000001.dev");
        assertThat(volumes()).containsExactly("web");
    }

    @Test
    void aDiskThatWasTakenBackIsItsCopyAndGoesOnFromThere() throws Exception {
        FileVolumes store = new FileVolumes(group, Way.THIN);
        VmSnapshots vm = kept(snapshots(store, Keep.AUTO));
        store.closed.add(COPY);
        revert(vm, ONE);
        assertThat(store.closed).as("it was opened").isEmpty();
        tidy(vm);
        assertThat(directory.resolve("head/d0.dev").toRealPath()).isEqualTo(group.resolve(COPY));
        assertThat(volumes())
                .as("the snapshot has a copy of its own, the branch the old volume")
                .hasSize(3)
                .contains("web", COPY);
        store.closed.add(COPY);
        vm.readyToStart();
        assertThat(store.closed).isEmpty();
        vm.delete("op", ONE, Progress.NONE);
        vm.delete("op", vm.list().get(0).snapshot().name(), Progress.NONE);
        assertThat(layers()).containsExactly("d0-000003-of-000001.dev");
        assertThat(volumes()).as("what was imported is let go of").containsExactly("web", COPY);
    }

    @Test
    void aThickCopyIsMadeWhereItIsAskedForAndHasTheRoomThatWasAskedFor() throws Exception {
        FileVolumes store = new FileVolumes(group, Way.THICK);
        VmSnapshots plain = snapshots(store, Keep.AUTO);
        create(plain, ONE);
        tidy(plain);
        assertThat(layers()).containsExactly("d0-000001.dev", "d0-000002.qcow2");
        VmSnapshots vm = snapshots(store, Keep.THICK, 20);
        tidy(vm);
        assertThat(layers()).containsExactly("d0-000001.dev", "d0-000003-of-000001.cow");
        assertThat(store.percent).isEqualTo(20);
        assertThat(vm.verify(ONE, Progress.NONE).problems()).isEmpty();
        vm.delete("op", ONE, Progress.NONE);
        assertThat(volumes()).containsExactly("web");
    }

    @Test
    void aCopyThatHasOverflownIsSpoiltAndCanBeDeleted() throws Exception {
        FileVolumes store = new FileVolumes(group, Way.THICK);
        VmSnapshots vm = kept(snapshots(store, Keep.THICK, 20));
        store.spoilt.add(COPY);
        assertThat(vm.verify(ONE, Progress.NONE).problems())
                .singleElement()
                .asString()
                .contains(COPY + " is lost");
        assertThat(vm.look().problems()).singleElement().asString().contains(COPY + " is lost");
        assertRefused(() -> revert(vm, ONE), Refusal.Kind.PREFLIGHT, COPY + " is lost");
        vm.readyToStart();
        vm.delete("op", ONE, Progress.NONE);
        assertThat(volumes()).containsExactly("web");
        assertThat(vm.look().isClean()).isTrue();
    }

    @Test
    void aDiskThatWasTakenBackToAThickCopyStaysOnItsLayersAndItsOriginStays() throws Exception {
        VmSnapshots vm = kept(snapshots(new FileVolumes(group, Way.THICK), Keep.THICK));
        revert(vm, ONE);
        Name two = new Name("two");
        create(vm, two);
        tidy(vm);
        assertThat(volumes()).containsExactly("web", COPY);
        for (SnapshotInfo info : vm.list()) {
            vm.delete("op", info.snapshot().name(), Progress.NONE);
        }
        assertThat(layers()).hasSize(3).contains("d0-000001.dev", "d0-000003-of-000001.cow");
        assertThat(directory.resolve("head/d0.qcow2")).exists();
    }

    @Test
    void aGroupWithoutRoomRefusesWhoWantsACopyAndTouchesNothing() throws Exception {
        FileVolumes store = new FileVolumes(group, Way.THICK);
        store.free = 1000;
        VmSnapshots vm = snapshots(store, Keep.THICK);
        assertRefused(
                () -> create(vm, ONE), Refusal.Kind.PREFLIGHT, "keep = \"thick\"", "volume group vg0", "make room");
        assertThat(layers()).containsExactly("d0-000001.dev");
    }

    @Test
    void whileLvmDoesNotAnswerSnapshotsAreLayersUnlessACopyIsDemanded() throws Exception {
        FileVolumes store = new FileVolumes(group, Way.THIN);
        store.failure = Optional.of(silent());
        assertRefused(
                () -> create(snapshots(store, Keep.THIN), ONE),
                Refusal.Kind.PREFLIGHT,
                "keep = \"thin\"",
                "within 5 s");
        VmSnapshots vm = kept(snapshots(store, Keep.AUTO));
        assertThat(layers()).containsExactly("d0-000001.dev", "d0-000002.qcow2");
        store.failure = Optional.empty();
        tidy(vm);
        assertThat(layers()).containsExactly("d0-000001.dev", "d0-000003-of-000001.dev");
    }

    /** The machine is busy until LVM answers; then what it has made late goes, and is made anew. */
    @Test
    void aCopyOfWhichNobodyKnowsIsNeitherForgottenNorTaken() throws Exception {
        FileVolumes store = new FileVolumes(group, Way.THIN);
        VmSnapshots vm = withACopyThatIsOpen(store);
        assertThat(vm.isUntidy()).isTrue();
        store.failure = Optional.of(silent());
        assertRefused(() -> tidy(vm), Refusal.Kind.BUSY, "within 5 s");
        vm.readyToStart();
        assertThat(layers()).containsExactly("d0-000001.dev", "d0-000002.qcow2");
        store.failure = Optional.empty();
        tidy(vm);
        assertThat(layers()).containsExactly("d0-000001.dev", "d0-000003-of-000001.dev");
        assertThat(volumes()).containsExactly("web", COPY);
    }

    /** It is opened before anybody goes back to it. */
    @Test
    void aCopyThatIsNotActiveIsNoDamage() throws Exception {
        FileVolumes store = new FileVolumes(group, Way.THIN);
        VmSnapshots vm = kept(snapshots(store, Keep.AUTO));
        store.closed.add(COPY);
        Verification found = vm.verify(ONE, Progress.NONE);
        assertThat(found.problems()).isEmpty();
        assertThat(found.toString()).contains("was not read: " + COPY + " is not active");
        assertThat(vm.look().isClean()).isTrue();
        assertThat(store.closed).as("nobody opens it to look at it").containsExactly(COPY);
    }

    /** An earlier chain of the machine, which was removed and made anew, had a copy of that name. */
    @Test
    void aCopyOfAnEarlierChainIsNeitherTakenForANewOneNorRemoved() throws Exception {
        FileVolumes store = new FileVolumes(group, Way.THIN);
        Path earlier = Files.writeString(group.resolve("earlier"), "what an earlier machine of that name had");
        ImageStore.Site site = store.site(earlier).orElseThrow();
        ImageStore.CopyName name = new ImageStore.CopyName(new Name("web"), "d0-000003-of-000001");
        store.copy(site, new ImageStore.Copying(Way.THIN, 100), name, Progress.NONE);
        VmSnapshots vm = snapshots(store, Keep.AUTO);
        create(vm, ONE);
        Path volume = group.resolve("web");
        Files.write(volume, new byte[] {1, 2, 3}, StandardOpenOption.WRITE);
        store.hidesCopies = true;
        assertThatThrownBy(() -> tidy(vm)).hasMessageContaining("which copies there are");
        assertThat(layers()).as("if nobody tells there is none").containsExactly("d0-000001.dev", "d0-000002.qcow2");

        store.hidesCopies = false;
        tidy(vm);
        assertThat(layers()).containsExactly("d0-000001.dev", "d0-000004-of-000001.dev");
        assertThat(group.resolve("web+d0-000004-of-000001")).hasSameBinaryContentAs(volume);
        assertThat(vm.look().problems()).singleElement().asString().contains("marked as copy " + name);
        vm.delete("op", ONE, Progress.NONE);
        assertThat(group.resolve(COPY)).as("it is nobody's to remove").exists();
    }

    @Test
    void aMachineStartsWhileLvmDoesNotEndACopyAndThatIsToldAndEndedLater() throws Exception {
        FileVolumes store = new FileVolumes(group, Way.THIN);
        VmSnapshots vm = withACopyThatIsOpen(store);
        store.failure = Optional.of(silent());
        assertThatThrownBy(() -> vm.recover(operation -> Fate.TAKE_BACK)).hasMessageContaining("within 5 s");
        vm.recoverToStart(operation -> Fate.TAKE_BACK);
        vm.readyToStart();
        assertThat(vm.look().intent()).isPresent();
        DiskStorage told = DiskStorage.of(definition(Keep.AUTO, 100), store).get(0);
        assertThat(told.text()).contains("its copy layers/d0-000003-of-000001.dev is not finished");
        assertThat(told.obstacle()).hasValueSatisfying(why -> assertThat(why).contains("no snapshot can be made"));
        store.failure = Optional.empty();
        vm.recoverToStart(operation -> Fate.TAKE_BACK);
        assertThat(vm.look().intent()).isEmpty();
        assertThat(volumes()).containsExactly("web");
    }

    @Test
    void aMachineOnACopyStartsWhileLvmDoesNotAnswerIfItsVolumeIsThere() throws Exception {
        FileVolumes store = new FileVolumes(group, Way.THIN);
        VmSnapshots vm = kept(snapshots(store, Keep.AUTO));
        revert(vm, ONE);
        store.questions = 0;
        vm.readyToStart();
        assertThat(store.questions).as("LVM is asked once").isEqualTo(1);
        store.failure = Optional.of(silent());
        vm.readyToStart();
        assertThatThrownBy(() -> revert(vm, ONE)).hasMessageContaining("within 5 s");
        Files.delete(group.resolve(COPY));
        assertThatThrownBy(vm::readyToStart).hasMessageContaining("within 5 s");
        store.failure = Optional.empty();
        assertThatThrownBy(vm::readyToStart).hasMessageContaining("its volume is not there");
    }

    @Test
    void whatBecomesOfCopiesMeanwhileIsNoProblem() throws Exception {
        FileVolumes store = new FileVolumes(group, Way.THIN);
        VmSnapshots vm = kept(snapshots(store, Keep.AUTO));
        Path link = directory.resolve("layers/d0-000003-of-000001.dev");
        Files.delete(link);
        store.next = () -> {
            try {
                Files.createSymbolicLink(link, group.resolve(COPY));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        };
        assertThat(vm.look().problems()).as("it was made").isEmpty();
        store.next = () -> {
            try {
                vm.delete("op", ONE, Progress.NONE);
            } catch (SnapshotException e) {
                throw new IllegalStateException(e);
            }
        };
        assertThat(vm.look().problems()).as("it was removed").isEmpty();
        assertThat(volumes()).containsExactly("web");
    }

    @Test
    void aTornSidecarHidesNoLostVolume() throws Exception {
        FileVolumes store = new FileVolumes(group, Way.THIN);
        VmSnapshots vm = kept(snapshots(store, Keep.AUTO));
        Files.writeString(directory.resolve("snapshots/one.json"), "{");
        store.spoilt.add(COPY);
        assertThat(vm.look().problems())
                .hasSize(2)
                .anySatisfy(problem -> assertThat(problem).contains("snapshots/one.json"))
                .anySatisfy(problem -> assertThat(problem).contains(COPY + " is lost"));
    }

    @Test
    void aVolumeThatNothingNamesIsTold() throws Exception {
        FileVolumes store = new FileVolumes(group, Way.THIN);
        VmSnapshots vm = kept(snapshots(store, Keep.AUTO));
        Path link = directory.resolve("layers/d0-000003-of-000001.dev");
        Files.delete(link);
        assertThat(vm.look().problems()).singleElement().asString().contains("marked as copy web/d0-000003-of-000001");
        Files.createSymbolicLink(link, group.resolve(COPY));
        Files.delete(group.resolve(COPY));
        assertThat(vm.look().problems()).singleElement().asString().contains("there is no volume " + COPY);
    }

    @Test
    void aDropThatFailsKeepsAllElseFromBeingTidied() throws Exception {
        FileVolumes store = new FileVolumes(group, Way.THIN);
        VmSnapshots vm = kept(snapshots(store, Keep.AUTO));
        store.keepsAll = Optional.of(new StorageException(Kind.REFUSED, "a snapshot stands on it"));
        assertThatThrownBy(() -> vm.delete("op", ONE, Progress.NONE)).hasMessageContaining("stands on it");
        for (int i = 2; i < 5; i++) {
            create(vm, new Name("s" + i));
            assertThatThrownBy(() -> tidy(vm)).hasMessageContaining("stands on it");
        }
        assertThat(layers())
                .as("the new snapshots are kept all the same, and the disk is its volume")
                .noneMatch(layer -> layer.endsWith(".qcow2"));
    }

    @Test
    void anIncrementNeedsNothingOfLvm() throws Exception {
        FileVolumes store = new FileVolumes(group, Way.THIN);
        store.failure = Optional.of(silent());
        create(snapshots(store, Keep.INCREMENT), ONE);
    }

    @Test
    void whatASnapshotNamesIsNotSaidToBeNobodys() throws Exception {
        FileVolumes store = new FileVolumes(group, Way.THIN);
        VmSnapshots vm = kept(snapshots(store, Keep.AUTO));
        Files.delete(directory.resolve("layers/d0-000003-of-000001.dev"));
        assertThat(vm.look().problems()).noneMatch(problem -> problem.contains("remove it"));
    }
}
