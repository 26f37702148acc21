package dev.holdfast.agent.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.hypervisor.Capture;
import dev.holdfast.agent.hypervisor.FreezeFacts;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.ThawFacts;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.image.KeyFiles;
import dev.holdfast.agent.image.MemoryKeys;
import dev.holdfast.agent.tunnel.Practice;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How long one guest stands still, without a cluster around it. Prints; asserts only what no machine is too slow for. */
@Tag("qemu")
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class QemuPauseTest {
    /** Enough for a median; deploy/bench.sh measures for its tables. */
    private static final int CAPTURES = Integer.getInteger("holdfast.captures", 10);

    @Test
    void theBackgroundPauseDoesNotDependOnTheSizeOfMemory() throws Exception {
        measure(CaptureMethod.BACKGROUND);
    }

    @Test
    @Tag("soak")
    void theOtherMethodsAreMeasuredToo() throws Exception {
        measure(CaptureMethod.LIVE);
        measure(CaptureMethod.STOP);
    }

    private void measure(CaptureMethod method) throws Exception {
        List<Double> pauses = new ArrayList<>();
        try (Lab lab = new Lab()) {
            VmDefinition small = lab.definition("web");
            Map<String, Path> disks =
                    small.disks().stream().collect(Collectors.toMap(VmDefinition.Disk::id, VmDefinition.Disk::path));
            RunningVm vm = lab.start(Lab.definition("web", 256, disks), StartMode.NORMAL);
            lab.awaitTicks("web", 20);
            for (int i = 0; i < CAPTURES; i++) {
                Path memory = lab.root.resolve("memory");
                try (Capture capture = vm.newCapture(lab.plan(vm, method, memory, Lab.DEADLINE))) {
                    pauses.add(pauseMillis(capture));
                    capture.drain(Progress.NONE);
                }
                Files.delete(memory);
                lab.awaitTicks("web", 3);
            }
            Collections.sort(pauses);
            System.out.printf(
                    "%s %s 256 MB 2 disks, STOP to RESUME over %d: p50 %.1f p90 %.1f p99 %.1f ms%n",
                    vm.hypervisor(),
                    method,
                    CAPTURES,
                    pauses.get(CAPTURES / 2),
                    pauses.get(CAPTURES * 9 / 10),
                    pauses.get(CAPTURES - 1));
        }
        assertThat(pauses.get(CAPTURES / 2)).isPositive().isLessThan(2000);
    }

    private static double pauseMillis(Capture capture) throws Exception {
        capture.prepare();
        capture.approach(Progress.NONE);
        FreezeFacts frozen = capture.freeze();
        capture.capture();
        ThawFacts thaw = capture.proveAndThaw();
        return (thaw.wallMicros() - frozen.wallMicros()) / 1000.0;
    }

    /** The same guest, in turns with and without encryption: what that costs. Most of its memory is random. */
    @Test
    @Tag("soak")
    @Timeout(value = 15, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void encryptionIsMeasuredBesideNone() throws Exception {
        try (Lab lab = new Lab()) {
            MemoryKeys keys = KeyFiles.keys(lab.root.resolve("memory.key"), 1);
            Practice.begin();
            VmDefinition definition = lab.fullOfChance("web");
            lab.start(definition, StartMode.NORMAL).close();
            lab.awaitTicks("web", 5);
            take(lab, definition, CaptureMethod.STOP, keys, new Figures());
            for (CaptureMethod method : List.of(CaptureMethod.LIVE, CaptureMethod.STOP)) {
                Figures plain = new Figures();
                Figures encrypted = new Figures();
                for (int i = 0; i < CAPTURES; i++) {
                    take(lab, definition, method, MemoryKeys.NONE, plain);
                    take(lab, definition, method, keys, encrypted);
                }
                plain.print(method + " plain");
                encrypted.print(method + " encrypted");
                assertThat(Figures.median(encrypted.pauses)).isLessThan(Lab.DEADLINE.toMillis());
            }
        }
    }

    private static void take(Lab lab, VmDefinition definition, CaptureMethod method, MemoryKeys keys, Figures figures)
            throws Exception {
        Path memory = lab.root.resolve("memory");
        try (RunningVm vm = lab.hypervisorWith(keys).find(definition).orElseThrow()) {
            lab.adopt(vm);
            long start = System.nanoTime();
            try (Capture capture = vm.newCapture(lab.plan(vm, method, memory, Lab.DEADLINE))) {
                figures.pauses.add(pauseMillis(capture));
                figures.mebibytes = capture.drain(Progress.NONE).bytes() >> 20;
            }
            figures.lengths.add((System.nanoTime() - start) / 1e6);
            long load = System.nanoTime();
            RunningVm loaded = lab.hypervisorWith(keys)
                    .start(definition, StartMode.restore(memory).beside("r" + figures.loads.size()));
            figures.loads.add((System.nanoTime() - load) / 1e6);
            loaded.kill();
            loaded.close();
        }
        Files.delete(memory);
        lab.awaitTicks("web", 3);
    }

    /** Milliseconds. */
    private static final class Figures {
        private final List<Double> pauses = new ArrayList<>();
        private final List<Double> lengths = new ArrayList<>();
        private final List<Double> loads = new ArrayList<>();
        private long mebibytes;

        static double median(List<Double> figures) {
            return figures.stream().sorted().toList().get(figures.size() / 2);
        }

        void print(String what) {
            System.out.printf(
                    "%s, image of %d MiB, over %d: pause p50 %.1f max %.1f ms; prepared, written and flushed in p50 %.0f ms;"
                            + " loaded in p50 %.0f ms%n",
                    what,
                    mebibytes,
                    pauses.size(),
                    median(pauses),
                    Collections.max(pauses),
                    median(lengths),
                    median(loads));
        }
    }
}
