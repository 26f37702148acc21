package dev.holdfast.agent.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assertions.fail;

import dev.holdfast.agent.hypervisor.Capture;
import dev.holdfast.agent.hypervisor.CapturePlan;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.qmp.QmpClient;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;

@Tag("qemu")
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class QemuBackgroundFailureTest {
    /** A loaded machine may have written the whole stream before it looks at the order to cancel. */
    private static final int TRIES = 10;

    /** Cancelling stands for any failure of the stream. QEMU 7.2 never lets the guest run again then; later ones do. */
    @RepeatedTest(3)
    void aFailedStreamTellsWhetherTheGuestCanStillRun() throws Exception {
        for (int i = 0; i < TRIES; i++) {
            if (isCancelledAndTells()) {
                return;
            }
        }
        fail("each of " + TRIES + " streams was complete before it could be cancelled");
    }

    /** False if the stream was complete first. */
    private static boolean isCancelledAndTells() throws Exception {
        try (Lab lab = new Lab()) {
            RunningVm vm = lab.startOracle("web");
            Path guard = lab.settings.runDirectory().resolve("vms/web/guard.sock");
            CapturePlan plan = lab.plan(vm, CaptureMethod.BACKGROUND, "memory");
            try (QmpClient other = QmpClient.connect(guard, Lab.DEADLINE, System::nanoTime);
                    Capture capture = vm.newCapture(plan)) {
                Lab.throughFreeze(capture);
                capture.capture();
                assertThat(capture.proveAndThaw().stoodStill()).isTrue();
                catchThrowable(() -> other.execute("migrate_cancel", Duration.ofSeconds(2)));
                HypervisorException error =
                        catchThrowableOfType(HypervisorException.class, () -> capture.drain(Progress.NONE));
                if (error == null) {
                    return false;
                }
                assertThat(error).hasMessageContaining("the memory stream ended");
                if (error.kind() == HypervisorException.Kind.GUEST_BROKEN) {
                    assertThat(error).hasMessageContaining("Kill the process and restore");
                } else {
                    assertThat(error.kind()).isEqualTo(HypervisorException.Kind.FAILED);
                    capture.abandon();
                    lab.awaitTicks("web", 20);
                }
                return true;
            }
        }
    }
}
