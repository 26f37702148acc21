package dev.holdfast.agent.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.image.KeyFiles;
import dev.holdfast.agent.image.MemoryKeys;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Part;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import dev.holdfast.coordinator.protocol.VmReport;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Snapshots whose memory is encrypted, from the agent that makes them to one that goes back to them. */
@Tag("qemu")
@Timeout(value = 240, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class EncryptedSnapshotsQemuTest {
    private static final Name ONE = new Name("one");
    /** Content and tag of a record, and the head before the first. */
    private static final int RECORD = (1 << 20) + 16;

    private static final int HEAD = 96;

    private SnapshotLab lab;
    private MemoryKeys keys;

    @BeforeEach
    void open() throws Exception {
        lab = new SnapshotLab();
        // Even a page that is zero takes nine bytes of an image, so that this makes three records.
        lab.definition = lab.definition("pc-q35-7.2", 768);
        keys = KeyFiles.keys(lab.root.resolve("memory.key"), 1);
        lab.start();
        lab.restartWith(keys);
    }

    @AfterEach
    void close() throws Exception {
        lab.close();
    }

    private List<String> problems() throws Exception {
        return lab.snapshots().verify(ONE, Progress.NONE).problems();
    }

    @Test
    void anotherAgentRevertsToItWithTheKeyAndMemoryAndDisksAreOfOneMoment() throws Exception {
        lab.write(1, 4);
        long then = lab.counter();
        VmReport report = lab.create("one", CaptureMethod.AUTO);
        assertThat(report.method()).isNotEqualTo(CaptureMethod.BACKGROUND);
        assertThat(report.parts())
                .filteredOn(Part::encrypted)
                .extracting(Part::role)
                .containsExactly("memory");
        lab.write(2, 4);
        lab.awaitTicks(100);
        long before = lab.counter();
        assertThat(lab.snapshots().show(ONE).encrypted()).isTrue();
        assertThat(problems()).isEmpty();
        assertThat(lab.snapshots().look().problems()).isEmpty();
        Path newer = KeyFiles.write(lab.root.resolve("newer.key"), 2);
        lab.restartWith(MemoryKeys.read(Optional.of(newer), List.of(lab.root.resolve("memory.key"))));
        lab.revert("one");
        lab.awaitTicks(5);
        assertThat(lab.firstCounted()).isBetween(then, before - 1);
        SnapshotLab.assertReads(lab.chain.headFile("d1"), 1, 4);
        lab.create("two", CaptureMethod.STOP);
        lab.restartWith(MemoryKeys.read(Optional.of(newer), List.of()));
        lab.revert("two");
        lab.awaitTicks(5);
        assertThat(lab.console()).doesNotContain("BAD");
    }

    @Test
    void oneImageThatCannotBeReadIsAProblemOfItsOwn() throws Exception {
        lab.create("one", CaptureMethod.STOP);
        Path image = lab.chain.memoryFile(ONE);
        Files.delete(image);
        // Even root cannot read from it.
        Files.createDirectory(image);
        assertThat(lab.snapshots().list()).hasSize(1);
        assertThat(lab.snapshots().show(ONE).encrypted()).isFalse();
        assertThat(lab.snapshots().look().problems())
                .anySatisfy(problem -> assertThat(problem).contains(image + " cannot be read"));
    }

    @Test
    void withoutTheKeyARevertIsRefusedBeforeTheGuestIsTouched() throws Exception {
        lab.create("one", CaptureMethod.STOP);
        String id = keys.writing().orElseThrow().id();
        MemoryKeys wrong = KeyFiles.keys(lab.root.resolve("other.key"), 2);
        for (MemoryKeys without : List.of(MemoryKeys.NONE, wrong)) {
            lab.restartWith(without);
            long pid = lab.vm.orElseThrow().identity().process().orElseThrow().pid();
            lab.watched.clear();
            assertThatThrownBy(() -> lab.revert("one"))
                    .isInstanceOfSatisfying(
                            SnapshotException.class,
                            e -> assertThat(e.because().kind())
                                    .isEqualTo(dev.holdfast.coordinator.protocol.Refusal.Kind.PREFLIGHT))
                    .hasMessageContaining("is encrypted with key " + id)
                    .hasMessageContaining("memory_key_file");
            assertThat(lab.watched).as("nothing was held").isEmpty();
            assertThat(lab.vm.orElseThrow().identity().process().orElseThrow().pid())
                    .isEqualTo(pid);
            assertThat(lab.vm.orElseThrow().status()).isEqualTo(VmStatus.RUNNING);
            assertThat(lab.chain.intent()).isEmpty();
            assertThat(problems()).as("nothing is damaged").isEmpty();
            assertThat(lab.snapshots().verify(ONE, Progress.NONE).unreadable())
                    .singleElement()
                    .asString()
                    .contains(id);
            assertThat(lab.snapshots().verify(ONE, Progress.NONE).isGood()).isFalse();
            assertThat(lab.snapshots().look().problems())
                    .singleElement()
                    .asString()
                    .contains(id);
            lab.awaitTicks(3);
        }
        lab.restartWith(keys);
        lab.revert("one");
        lab.awaitTicks(5);
    }

    private interface Damage {
        byte[] to(byte[] image);
    }

    @Test
    void verifyFindsWhatWasAlteredAlsoIfTheDigestWasToo() throws Exception {
        lab.create("one", CaptureMethod.STOP);
        Path image = lab.chain.memoryFile(ONE);
        byte[] whole = Files.readAllBytes(image);
        assertThat(whole.length).isGreaterThan(HEAD + 2 * RECORD);
        Damage flip = bytes -> {
            bytes[HEAD + RECORD + 7] ^= 4;
            return bytes;
        };
        Damage cut = bytes -> Arrays.copyOf(bytes, HEAD + 2 * RECORD);
        Damage swap = bytes -> {
            System.arraycopy(whole, HEAD, bytes, HEAD + RECORD, RECORD);
            System.arraycopy(whole, HEAD + RECORD, bytes, HEAD, RECORD);
            return bytes;
        };
        for (Damage damage : List.of(flip, cut, swap)) {
            Files.write(image, damage.to(whole.clone()));
            assertThat(problems()).singleElement().asString().contains("is damaged");
            Forgery.replaceMemory(lab.chain, ONE, damage.to(whole.clone()));
            assertThat(problems()).singleElement().asString().contains("is damaged: ");
        }
        assertThatThrownBy(() -> lab.revert("one")).hasMessageContaining("is damaged: record");
        lab.awaitTicks(3);
        Forgery.replaceMemory(lab.chain, ONE, whole);
        assertThat(problems()).isEmpty();
    }

    @Test
    void oneThatIsNotEncryptedIsRefusedInThePlaceOfOneThatWas() throws Exception {
        lab.recorded = (vm, snapshot) -> snapshot.equals(ONE);
        lab.create("one", CaptureMethod.STOP);
        assertThat(problems()).isEmpty();
        lab.restartWith(MemoryKeys.NONE);
        lab.create("plain", CaptureMethod.STOP);
        lab.restartWith(keys);
        byte[] plain = Files.readAllBytes(lab.chain.memoryFile(new Name("plain")));
        Forgery.replaceMemory(lab.chain, ONE, plain);
        assertThat(problems()).singleElement().asString().contains("one.memory is not encrypted", "put another one");
        lab.watched.clear();
        assertThatThrownBy(() -> lab.revert("one")).hasMessageContaining("one.memory is not encrypted");
        assertThat(lab.watched).as("nothing was held").isEmpty();

        lab.revert("plain");
        lab.awaitTicks(3);
    }
}
