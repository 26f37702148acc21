package dev.holdfast.agent.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.holdfast.agent.hypervisor.Capture;
import dev.holdfast.agent.hypervisor.CapturePlan;
import dev.holdfast.agent.hypervisor.FreezeFacts;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.MemoryFacts;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.ThawFacts;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.qmp.QmpClient;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Tag("qemu")
@Timeout(value = 240, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class QemuCaptureTest {
    /** Each ends at another point of the race; every test run of the product does them with two QEMUs. */
    private static final int RACES = Integer.getInteger("holdfast.races", 5);

    private static final Duration LONG = Duration.ofSeconds(30);

    private Lab lab;

    @BeforeEach
    void open() throws Exception {
        lab = new Lab();
    }

    @AfterEach
    void close() throws Exception {
        lab.close();
    }

    private static MemoryFacts complete(Capture capture) throws Exception {
        Lab.throughFreeze(capture);
        capture.capture();
        assertThat(capture.proveAndThaw().stoodStill()).isTrue();
        return capture.drain(Progress.NONE);
    }

    @ParameterizedTest
    @EnumSource(
            value = CaptureMethod.class,
            names = {"AUTO", "BACKGROUND", "LIVE", "STOP"})
    void memoryAndBothDisksAreOfOneMoment(CaptureMethod method) throws Exception {
        RunningVm vm = lab.startOracle("web");
        for (int i = 1; i <= 2; i++) {
            Map<String, Path> captured = Lab.active(vm);
            Path memory = lab.root.resolve("memory" + i);
            try (Capture capture = vm.newCapture(lab.plan(vm, method, "memory" + i))) {
                MemoryFacts facts = complete(capture);
                assertThat(facts.bytes()).isEqualTo(Files.size(memory)).isGreaterThan(100_000);
                assertThat(facts.method()).isEqualTo(capture.method()).isNotEqualTo(CaptureMethod.AUTO);
            }
            lab.awaitTicks("web", 20);
            assertThat(vm.status()).isEqualTo(VmStatus.RUNNING);
            restored("old" + i, memory, captured);
        }
    }

    private void restored(String name, Path memory, Map<String, Path> captured) throws Exception {
        VmDefinition definition = Lab.definition(name, 64, lab.overlays(captured));
        RunningVm vm = lab.start(definition, StartMode.restore(memory));
        assertThat(vm.status()).isEqualTo(VmStatus.PAUSED);
        vm.resume();
        lab.awaitTicks(name, 20);
        List<String> console = lab.console(name);
        assertThat(console).doesNotContain("START", "BAD");
        vm.kill();
    }

    @Test
    void aDiskOnlyCaptureCutsBothDisks() throws Exception {
        RunningVm vm = lab.startOracle("web");
        CapturePlan plan = lab.plan(vm, CaptureMethod.DISK_ONLY, "none");
        try (Capture capture = vm.newCapture(plan)) {
            assertThat(complete(capture).bytes()).isZero();
        }
        assertThat(Lab.active(vm)).isEqualTo(plan.overlays());
        lab.awaitTicks("web", 10);
    }

    @Test
    void aPausedMachineIsCapturedOnlyWithoutMemoryAndStaysPaused() throws Exception {
        RunningVm vm = lab.startOracle("web");
        vm.pause();
        try (Capture capture = vm.newCapture(lab.plan(vm, CaptureMethod.AUTO, "memory"))) {
            assertThatThrownBy(capture::prepare).hasMessageContaining("resume it, or capture the disks only");
            capture.abandon();
        }
        try (Capture capture = vm.newCapture(lab.plan(vm, CaptureMethod.DISK_ONLY, "none"))) {
            complete(capture);
        }
        assertThat(vm.status()).isEqualTo(VmStatus.PAUSED);
    }

    @ParameterizedTest
    @EnumSource(
            value = CaptureMethod.class,
            names = {"BACKGROUND", "STOP", "DISK_ONLY", "LIVE"})
    void whoeverGivesUpAtAnyStepLeavesARunningGuestAndNoFile(CaptureMethod method) throws Exception {
        RunningVm vm = lab.startOracle("web");
        // The cut is ordered along with the stop, unless memory has to be brought near in between.
        int cut = method == CaptureMethod.LIVE ? 4 : 3;
        for (int steps = 0; steps <= 5; steps++) {
            Path memory = lab.root.resolve("memory" + steps);
            CapturePlan plan = lab.plan(vm, method, memory, Lab.DEADLINE);
            try (Capture capture = vm.newCapture(plan)) {
                go(capture, steps);
                capture.abandon();
                capture.abandon();
                assertThat(capture.mayHaveCut()).isEqualTo(steps >= cut);
            }
            assertThat(memory).doesNotExist();
            assertThat(Lab.active(vm).equals(plan.overlays()))
                    .as("overlays in use")
                    .isEqualTo(steps >= cut);
            lab.awaitTicks("web", 5);
        }
        assertThat(BlockGraph.read(((QemuVm) vm).monitor(), ((QemuVm) vm).definition())
                        .leftovers())
                .isEmpty();
        try (Capture capture = vm.newCapture(lab.plan(vm, method, "last"))) {
            complete(capture);
        }
    }

    /** So many steps of a capture; all of them with five. */
    static void go(Capture capture, int steps) throws Exception {
        if (steps > 0) {
            capture.prepare();
        }
        if (steps > 1) {
            capture.approach(Progress.NONE);
        }
        if (steps > 2) {
            capture.freeze();
        }
        if (steps > 3) {
            capture.capture();
        }
        if (steps > 4) {
            capture.proveAndThaw();
            capture.drain(Progress.NONE);
        }
    }

    @Test
    void aResumeBehindOurBackIsSeen() throws Exception {
        RunningVm vm = lab.startOracle("web");
        Path guard = lab.settings.runDirectory().resolve("vms/web/guard.sock");
        try (QmpClient other = QmpClient.connect(guard, Lab.DEADLINE, System::nanoTime);
                Capture capture = vm.newCapture(lab.plan(vm, CaptureMethod.BACKGROUND, "memory"))) {
            Lab.throughFreeze(capture);
            capture.capture();
            other.execute("cont", Lab.DEADLINE);
            other.execute("stop", Lab.DEADLINE);
            ThawFacts facts = capture.proveAndThaw();
            assertThat(facts.resumesSinceStop()).isEqualTo(1);
            assertThat(facts.stoodStill()).isFalse();
            assertThatThrownBy(() -> capture.drain(Progress.NONE)).hasMessageContaining("not of one moment");
            capture.abandon();
        }
        lab.awaitTicks("web", 5);
    }

    @Test
    void anIdleGuestArrivesEarlyInALiveCapture() throws Exception {
        RunningVm vm = lab.startOracle("web");
        try (Capture capture = vm.newCapture(lab.plan(vm, CaptureMethod.LIVE, "memory"))) {
            capture.prepare();
            boolean early = capture.approach(Progress.NONE);
            FreezeFacts facts = capture.freeze();
            // One that had not arrived may do so before the order to stop.
            assertThat(facts.early()).isIn(true, early);
            capture.capture();
            assertThat(capture.proveAndThaw().stoodStill()).isTrue();
            capture.drain(Progress.NONE);
        }
    }

    @Test
    void aDiskTooSmallForMemoryIsRefusedBeforeAnythingFreezes() throws Exception {
        RunningVm vm = lab.startOracle("web");
        Path small = Files.createDirectory(lab.root.resolve("small"));
        Lab.run("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", small.toString());
        try (Capture capture = vm.newCapture(lab.plan(vm, CaptureMethod.AUTO, small.resolve("memory"), Lab.DEADLINE))) {
            assertThatThrownBy(capture::prepare)
                    .isInstanceOfSatisfying(
                            HypervisorException.class,
                            e -> assertThat(e.kind()).isEqualTo(HypervisorException.Kind.NO_SPACE))
                    .hasMessageContaining("needs 131 MiB and only");
            capture.abandon();
            assertThat(small).isEmptyDirectory();
        } finally {
            Lab.run("umount", small.toString());
        }
        lab.awaitTicks("web", 5);
    }

    @ParameterizedTest
    @EnumSource(
            value = CaptureMethod.class,
            names = {"BACKGROUND", "LIVE", "STOP", "DISK_ONLY"})
    void aKilledOrHungQemuIsAClearErrorInTimeAtEachStep(CaptureMethod method) throws Exception {
        // For one that hangs its time has to pass: the next ones are started meanwhile.
        ExecutorService waiting = Executors.newCachedThreadPool();
        try {
            List<Future<?>> ends = new ArrayList<>();
            for (String signal : List.of("KILL", "STOP")) {
                for (int steps = 0; steps < 5; steps++) {
                    ends.add(signalled(method, signal, steps, waiting));
                }
            }
            for (Future<?> end : ends) {
                end.get();
            }
        } finally {
            waiting.shutdownNow();
        }
    }

    /** @return done when the next step has failed as it should, and its process has been ended */
    private Future<?> signalled(CaptureMethod method, String signal, int steps, ExecutorService waiting)
            throws Exception {
        String name = "v" + signal + steps;
        RunningVm vm = lab.startOracle(name);
        // The steps before the signal have to be done in this time, too; one that was killed says so at once.
        Duration deadline = signal.equals("KILL") ? LONG : Duration.ofSeconds(2);
        Path image = lab.root.resolve("m" + name);
        Capture capture = vm.newCapture(lab.plan(vm, method, image, deadline));
        go(capture, steps);
        Lab.signal(vm, signal);
        return waiting.submit(() -> {
            assertIsAClearErrorInTime(capture, steps);
            assertThat(image).doesNotExist();
            capture.close();
            vm.kill();
            return true;
        });
    }

    private void assertIsAClearErrorInTime(Capture capture, int next) {
        long before = System.nanoTime();
        assertThatThrownBy(() -> {
                    one(capture, next);
                    if (next == 3) {
                        one(capture, 4); // the cut may have been answered before the signal came
                    }
                })
                .isInstanceOf(HypervisorException.class);
        Throwable left = catchThrowable(capture::abandon);
        assertThat(left == null || left instanceof HypervisorException)
                .as("%s", left)
                .isTrue();
        assertThat(Duration.ofNanos(System.nanoTime() - before)).isLessThan(Duration.ofSeconds(12));
    }

    @Test
    void aKilledOrHungQemuIsAnErrorWhileMemoryIsWritten() throws Exception {
        for (String signal : List.of("KILL", "STOP")) {
            String name = "d" + signal;
            RunningVm vm = lab.startOracle(name);
            CapturePlan plan = lab.plan(vm, CaptureMethod.BACKGROUND, lab.root.resolve("m" + name), Lab.DEADLINE);
            try (Capture capture = vm.newCapture(plan)) {
                Lab.throughFreeze(capture);
                ((QemuVm) vm).monitor().call("migrate-set-parameters", Map.of("max-bandwidth", 100_000));
                capture.capture();
                assertThat(capture.proveAndThaw().stoodStill()).isTrue();
                Lab.signal(vm, signal);
                assertThatThrownBy(() -> capture.drain(Progress.NONE))
                        .isInstanceOfSatisfying(
                                HypervisorException.class,
                                e -> assertThat(e.kind())
                                        .isEqualTo(
                                                signal.equals("KILL")
                                                        ? HypervisorException.Kind.GONE
                                                        : HypervisorException.Kind.UNKNOWN));
                assertThatThrownBy(capture::abandon).isInstanceOf(HypervisorException.class);
                assertThat(lab.root.resolve("m" + name)).doesNotExist();
            }
            vm.kill();
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = CaptureMethod.class,
            names = {"BACKGROUND", "LIVE", "STOP", "DISK_ONLY"})
    void anotherThreadCanCutItShortAtAnyStep(CaptureMethod method) throws Exception {
        RunningVm vm = lab.startOracle("web");
        for (int steps = 1; steps <= 4; steps++) {
            try (Capture capture =
                    vm.newCapture(lab.plan(vm, method, lab.root.resolve("memory" + steps), Lab.DEADLINE))) {
                go(capture, steps);
                capture.cutShort(Lab.DEADLINE);
                assertThat(vm.status()).isEqualTo(VmStatus.RUNNING);
                int next = steps;
                assertThatThrownBy(() -> one(capture, next)).hasMessageContaining("was cut short");
                capture.abandon();
            }
            lab.awaitTicks("web", 5);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = CaptureMethod.class,
            names = {"BACKGROUND", "LIVE", "STOP", "DISK_ONLY"})
    void cuttingShortARunningStepLeavesARunningGuest(CaptureMethod method) throws Exception {
        RunningVm vm = lab.startOracle("web");
        for (int i = 0; i < RACES; i++) {
            try (Capture capture = vm.newCapture(lab.plan(vm, method, lab.root.resolve("memory" + i), Lab.DEADLINE))) {
                capture.prepare();
                Thread other = new Thread(() -> catchThrowable(() -> capture.cutShort(Lab.DEADLINE)));
                other.start();
                catchThrowable(() -> {
                    capture.approach(Progress.NONE);
                    capture.freeze();
                    capture.capture();
                });
                other.join();
                capture.abandon();
            }
            assertThat(vm.status()).isEqualTo(VmStatus.RUNNING);
            lab.awaitTicks("web", 3);
        }
    }

    private static void one(Capture capture, int step) throws HypervisorException {
        switch (step) {
            case 0 -> capture.prepare();
            case 1, 2 -> capture.freeze();
            case 3 -> capture.capture();
            default -> {
                capture.proveAndThaw();
                capture.drain(Progress.NONE);
            }
        }
    }
}
