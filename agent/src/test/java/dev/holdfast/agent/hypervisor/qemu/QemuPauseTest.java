package dev.holdfast.agent.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.hypervisor.Capture;
import dev.holdfast.agent.hypervisor.FreezeFacts;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.ThawFacts;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How long one guest stands still, without a cluster around it. Prints; asserts only what no machine is too slow for. */
@Tag("qemu")
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
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
                    capture.prepare();
                    capture.approach(Progress.NONE);
                    FreezeFacts frozen = capture.freeze();
                    capture.capture();
                    ThawFacts thaw = capture.proveAndThaw();
                    pauses.add((thaw.wallMicros() - frozen.wallMicros()) / 1000.0);
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
}
