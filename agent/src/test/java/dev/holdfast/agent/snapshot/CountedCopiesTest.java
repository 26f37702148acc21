package dev.holdfast.agent.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.Answers;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.hypervisor.Increments;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.snapshot.chain.ChainDirectory;
import dev.holdfast.agent.snapshot.chain.ChainImport;
import dev.holdfast.agent.snapshot.chain.Layer;
import dev.holdfast.agent.snapshot.chain.QemuImages;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a machine is asked to copy, and what becomes of the files. A real one is asked in {@link IncrementsQemuTest}. */
class CountedCopiesTest {
    private static final Layer HOME = new Layer("d0", 1, ImageForm.RAW);
    private static final int DISK = 1 << 20;

    @TempDir
    private Path root;

    private ChainDirectory chain;
    private final Machine machine = new Machine();
    private boolean wanted;

    /** Copies nothing, but says that it does. */
    private static final class Machine implements Increments {
        private final List<Copy> begun = new ArrayList<>();
        private final List<String> renumbered = new ArrayList<>();
        private OptionalLong counted = OptionalLong.empty();
        private boolean whole = true;
        private boolean ended;

        @Override
        public OptionalLong counted(Path image, int count) {
            return counted;
        }

        @Override
        public void begin(List<Copy> copies) {
            begun.addAll(copies);
            ended = false;
        }

        @Override
        public boolean areWhole() {
            return whole;
        }

        @Override
        public void end() {
            ended = true;
        }

        @Override
        public void renumber(Path image, int from, int to) throws HypervisorException {
            renumbered.add(from + " to " + to);
        }
    }

    private static final class Slot implements VmSlot {
        private Optional<RunningVm> vm = Optional.empty();

        @Override
        public Optional<RunningVm> running() {
            return vm;
        }

        @Override
        public void became(Optional<RunningVm> process) {
            throw new AssertionError("nothing starts it");
        }
    }

    private final Slot slot = new Slot();

    @BeforeEach
    void importDisk() throws IOException {
        Path raw = Files.write(root.resolve("d0.raw"), new byte[DISK]);
        chain = new ChainImport(new QemuImages("qemu-img"), InstantSource.system())
                .importDisks(root.resolve("web.holdfast"), new TreeMap<>(Map.of("d0", raw)));
        slot.vm = Optional.of(Answers.of(RunningVm.class, Map.of("increments", () -> Optional.of(machine))));
    }

    private CountedCopies copies() {
        return new CountedCopies(chain, new QemuImages("qemu-img"), slot, () -> wanted);
    }

    private Layer copy(int number) throws IOException {
        Layer copy = HOME.increment(number);
        copies().copy(new TreeMap<>(Map.of(HOME, copy)));
        return copy;
    }

    @Test
    void theFirstCopyIsWholeAndTheNextStandsOnItAsLongAsTheMachineCounts() throws IOException {
        Instant time = Instant.parse("2026-11-20T10:00:00Z");
        Files.setLastModifiedTime(chain.file(HOME), FileTime.from(time));
        assertThat(copies().bytes(HOME)).isGreaterThan(DISK);
        Layer first = copy(2);
        assertThat(Files.getLastModifiedTime(chain.file(first)).toInstant()).isEqualTo(time);
        machine.counted = OptionalLong.of(65536);
        assertThat(copies().bytes(HOME)).isBetween(65536L, 65536L + DISK + 64);
        Layer second = copy(3);
        machine.counted = OptionalLong.empty();
        Layer third = copy(4);
        assertThat(machine.begun)
                .extracting(Increments.Copy::since)
                .containsExactly(OptionalInt.empty(), OptionalInt.of(2), OptionalInt.empty());
        assertThat(chain.graph().backing())
                .containsEntry(first, Optional.empty())
                .containsEntry(second, Optional.of(first))
                .containsEntry(third, Optional.empty());
    }

    @Test
    void whoWantsTheMachineIsNotKeptWaiting() throws IOException {
        machine.whole = false;
        wanted = true;
        Layer copy = HOME.increment(2);
        assertThatThrownBy(() -> copies().copy(new TreeMap<>(Map.of(HOME, copy))))
                .isInstanceOf(GaveWayException.class)
                .hasMessageContaining("another operation wants the machine");
        copies().removeHalf(copy);
        copies().removeHalf(copy);
        assertThat(machine.ended).isTrue();
        try (var files = Files.list(chain.layers())) {
            assertThat(files).containsExactly(chain.file(HOME));
        }
    }

    @Test
    void aMachineThatDoesNotRunCopiesNothing() throws IOException {
        slot.vm = Optional.empty();
        assertThat(copies().arePossible()).isFalse();
        assertThatThrownBy(() -> copy(2)).hasMessageContaining("does not run any more");
        slot.vm = Optional.of(Answers.of(RunningVm.class, Map.of("increments", Optional::empty)));
        assertThat(copies().arePossible()).as("another driver").isFalse();
    }

    @Test
    void aDiskThatHasAnotherSizeThanItsCopyIsCopiedWhole() throws IOException {
        copy(2);
        machine.counted = OptionalLong.of(0);
        Files.write(chain.file(HOME), new byte[2 * DISK]);
        copy(3);
        assertThat(machine.begun).last().extracting(Increments.Copy::since).isEqualTo(OptionalInt.empty());
    }

    @Test
    void aCopyThatHasTakenInTheNextIsCountedFromOfTheSameDiskAlone() throws IOException {
        Layer first = copy(2);
        copies().merged(HOME.increment(3), first);
        copies().merged(new Layer("d0", 4), HOME);
        assertThat(machine.renumbered).containsExactly("3 to 2");
    }
}
