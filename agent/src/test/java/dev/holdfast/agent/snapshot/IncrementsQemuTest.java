package dev.holdfast.agent.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.hypervisor.Increments;
import dev.holdfast.agent.hypervisor.Keep;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.snapshot.chain.ChainExecutor.Removal;
import dev.holdfast.agent.snapshot.chain.ChainPlan;
import dev.holdfast.agent.snapshot.chain.ChainStep;
import dev.holdfast.agent.snapshot.chain.Intent;
import dev.holdfast.agent.snapshot.chain.Layer;
import dev.holdfast.agent.snapshot.chain.LiveDisks;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A real machine that writes all the time copies its raw disks in increments, and machines and agents die. What a snapshot reads is compared byte
 * for byte with what the disks held when it was taken.
 */
@Tag("qemu")
@Timeout(value = 400, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class IncrementsQemuTest {
    private static final int PIECE = 64 << 10;
    /** Header and tables of a copy, the boot disk's counter, and what the guest counts on the second disk. */
    private static final int NOTES = 8 * PIECE;

    private static final int DISK = 16 << 20;

    private final Map<String, byte[]> frozen = new HashMap<>();
    private final Layer home0 = new Layer("d0", 1, ImageForm.RAW);
    private final Layer home1 = new Layer("d1", 1, ImageForm.RAW);
    private SnapshotLab lab;
    private int written;

    @BeforeEach
    void open() throws Exception {
        lab = new SnapshotLab(ImageForm.RAW, ImageForm.RAW);
        lab.keep(Keep.INCREMENT);
        lab.start();
    }

    @AfterEach
    void close() throws Exception {
        lab.close();
    }

    /** Dirties as many pieces of the second disk, from the second mebibyte on. */
    private void dirty(int pieces) throws Exception {
        for (int piece = 0; piece < pieces; piece++) {
            written = written % 250 + 1;
            lab.write(written, 1 + piece);
        }
    }

    /** Whose disks are what it froze, which nobody writes as yet. */
    private void create(String name) throws Exception {
        lab.create(name, CaptureMethod.DISK_ONLY);
        Layer home = lab.chain.snapshots().get(new Name(name)).layers().layers().get("d1");
        assertThat(home).isEqualTo(home1);
        frozen.put(name, Files.readAllBytes(lab.chain.file(home1)));
    }

    private void compact() throws Exception {
        lab.snapshots().compact(lab.operation(), Progress.NONE, () -> false);
    }

    private Layer copyOf(String name) throws IOException {
        return lab.chain.snapshots().get(new Name(name)).layers().layers().get("d1");
    }

    private Optional<Layer> below(Layer layer) throws IOException {
        return lab.chain.graph().backing().get(layer);
    }

    private void assertKept(String name) throws Exception {
        Layer copy = copyOf(name);
        assertThat(copy.isIncrementOf(home1)).as(copy.toString()).isTrue();
        Path content = lab.root.resolve("content");
        SnapshotLab.run(
                "qemu-img",
                "convert",
                "-f",
                "qcow2",
                "-O",
                "raw",
                lab.chain.file(copy).toString(),
                content.toString());
        assertThat(Files.readAllBytes(content)).as("%s is what it was", name).isEqualTo(frozen.get(name));
        assertThat(lab.snapshots().verify(new Name(name), Progress.NONE).problems())
                .isEmpty();
        assertThat(lab.open().get("d1")).as("the disk is raw again").containsExactly(lab.chain.file(home1));
        assertThat(lab.chain.intent()).isEmpty();
        assertThat(lab.snapshots().look().isClean()).isTrue();
    }

    @Test
    void eachCopyHoldsWhatWasWrittenSinceTheOneBeforeAlsoAfterADeathOfTheAgentAndNoneAfterThatOfTheMachine()
            throws Exception {
        dirty(8);
        create("one");
        compact();
        assertKept("one");
        assertThat(below(copyOf("one"))).as("the first one is whole").isEmpty();

        dirty(3);
        create("two");
        dirty(2);
        compact();
        assertKept("two");
        assertThat(below(copyOf("two"))).contains(copyOf("one"));
        assertThat(Files.size(lab.chain.file(copyOf("two")))).isBetween(3L * PIECE, 3L * PIECE + NOTES);
        assertThat(below(lab.chain
                        .snapshots()
                        .get(new Name("two"))
                        .layers()
                        .layers()
                        .get("d0")))
                .as("the boot disk, too")
                .isPresent();

        lab.reconnect();
        dirty(1);
        create("three");
        compact();
        assertKept("three");
        assertThat(below(copyOf("three"))).contains(copyOf("two"));
        assertKept("one");

        lab.kill();
        lab.start();
        dirty(1);
        create("four");
        compact();
        assertKept("four");
        assertThat(below(copyOf("four")))
                .as("what was written is not known any more")
                .isEmpty();
        assertKept("three");
    }

    @Tag("soak")
    @Test
    void deletesMergeCopiesAndTheNextOneIsStillAnIncrement() throws Exception {
        for (String name : List.of("one", "two", "three")) {
            dirty(2);
            create(name);
            compact();
        }
        lab.delete("two");
        assertThat(lab.files("layers")).hasSize(2 + 2 * 2);
        assertKept("one");
        assertKept("three");
        lab.delete("one");
        assertThat(lab.files("layers")).as("one copy of each disk").hasSize(2 + 2);
        assertThat(below(copyOf("three"))).isEmpty();
        assertKept("three");
        dirty(1);
        create("four");
        compact();
        assertKept("four");
        assertThat(below(copyOf("four"))).contains(copyOf("three"));
        assertThat(Files.size(lab.chain.file(copyOf("four")))).isLessThan(2L * PIECE + NOTES);
        // The newest goes: what was written since the one before is still counted.
        lab.delete("four");
        create("five");
        compact();
        assertKept("five");
        assertThat(below(copyOf("five"))).contains(copyOf("three"));
        long before = lab.counter();
        lab.revert("three");
        lab.awaitTicks(5);
        assertThat(lab.counter()).isNotEqualTo(before);
        SnapshotLab.assertReads(lab.chain.headFile("d1"), frozen.get("three")[1 << 20], 1);
    }

    @Tag("soak")
    @Test
    void whatIsCutShortIsTakenBackOrFinishedByTheNextLifeOfTheAgent() throws Exception {
        create("one");
        TreeMap<Layer, Layer> copies = new TreeMap<>();
        for (Layer home : List.of(home0, home1)) {
            copies.put(home, home.increment(lab.chain.nextNumber()));
        }
        Intent intent = Intent.keep("keep", copies);
        List<ChainStep> plan = ChainPlan.keep(intent, new ChainPlan.Facts(lab.chain.graph(), Optional.empty()));
        for (int last = 1; last <= plan.size(); last++) {
            VmChain vm = VmChain.open(lab.definition, lab.new Slot(), lab.tools());
            vm.executor(LiveDisks.NONE, Removal.DELETE, Progress.NONE).run(plan.subList(0, last));
            lab.reconnect();
            lab.snapshots().recover(operation -> Fate.TAKE_BACK);
            assertThat(lab.chain.intent()).isEmpty();
            assertThat(copyOf("one").isCopy()).as("after step " + last).isEqualTo(last > 1);
            assertThat(lab.snapshots().look().isClean()).isTrue();
        }
        compact();
        assertKept("one");
        dirty(1);
        create("two");
        compact();
        assertKept("two");
        assertThat(below(copyOf("two"))).contains(copyOf("one"));
    }

    @Tag("soak")
    @Test
    void ifOneDiskCannotBeCopiedNoneIsAndWhatIsCountedStays() throws Exception {
        create("one");
        compact();
        int counting = copyOf("one").number();
        dirty(2);
        create("two");
        Path good = lab.chain.layers().resolve(".good.tmp");
        Path tooSmall = lab.chain.layers().resolve(".small.tmp");
        lab.images.create(good, DISK);
        lab.images.create(tooSmall, DISK / 2);
        Increments increments = lab.vm.orElseThrow().increments().orElseThrow();
        OptionalInt since = OptionalInt.of(counting);
        assertThatThrownBy(() -> increments.begin(List.of(
                        new Increments.Copy("d0", lab.chain.file(home0), good, since, 90),
                        new Increments.Copy("d1", lab.chain.file(home1), tooSmall, since, 90))))
                .isInstanceOf(HypervisorException.class);
        assertThat(lab.images.isWritten(good)).as("it is closed").isFalse();
        Files.delete(good);
        Files.delete(tooSmall);
        assertThat(increments.counted(lab.chain.file(home1), counting)).hasValue(3L * PIECE);
        compact();
        assertKept("two");
        assertThat(below(copyOf("two"))).contains(copyOf("one"));
    }

    /** What stands on the copy is what was written after the snapshot that was gone back to, and would be counted as frozen. */
    @Tag("soak")
    @Test
    void aBranchDoesNotGetIntoTheCopyFromWhichIsCounted() throws Exception {
        dirty(2);
        create("one");
        dirty(3);
        lab.revert("one");
        lab.awaitTicks(5);
        compact();
        assertKept("one");
        lab.delete("one");
        create("two");
        compact();
        assertKept("two");
    }

    /** A copy of a whole disk may take hours. */
    @Tag("soak")
    @Test
    void aDeleteDoesNotMakeTheCopiesThatAreDue() throws Exception {
        dirty(2);
        create("one");
        lab.create("two", CaptureMethod.DISK_ONLY);
        lab.delete("two");
        assertThat(lab.files("layers")).noneMatch(each -> each.contains("-of-"));
        compact();
        assertKept("one");
    }

    /** Closing it tells nobody what could not be written. */
    @Tag("soak")
    @Test
    void whatIsWholeIsInTheFileBeforeItIsClosed() throws Exception {
        dirty(2);
        create("one");
        Path target = lab.chain.layers().resolve(".target.tmp");
        lab.images.create(target, DISK);
        Increments increments = lab.vm.orElseThrow().increments().orElseThrow();
        increments.begin(List.of(new Increments.Copy("d1", lab.chain.file(home1), target, OptionalInt.empty(), 90)));
        await().until(increments::areWhole);
        SnapshotLab.run(
                "qemu-img",
                "compare",
                "-U",
                "-f",
                "qcow2",
                "-F",
                "raw",
                target.toString(),
                lab.chain.file(home1).toString());
        increments.end();
        assertThat(lab.images.isWritten(target)).isFalse();
        Files.delete(target);
    }
}
