package dev.holdfast.agent.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.assertj.core.api.Assertions.fail;
import static org.awaitility.Awaitility.await;

import dev.holdfast.agent.hypervisor.Capture;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.qmp.QmpClient;
import dev.holdfast.agent.qmp.QmpException;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
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
        try (Lab lab = new Lab();
                RunningVm vm = lab.startOracle("web");
                Capture capture = begun(lab, vm);
                QmpClient other = other(lab)) {
            catchThrowable(() -> other.execute("migrate_cancel", Duration.ofSeconds(2)));
            HypervisorException error =
                    catchThrowableOfType(HypervisorException.class, () -> capture.drain(Progress.NONE));
            if (error == null) {
                return false;
            }
            assertThat(error).hasMessageContaining("the memory stream ended");
            if (error.kind() == HypervisorException.Kind.GUEST_BROKEN) {
                assertEnded(lab, vm, error);
            } else {
                assertThat(error.kind()).isEqualTo(HypervisorException.Kind.FAILED);
                capture.abandon();
                lab.awaitTicks("web", 20);
            }
            return true;
        }
    }

    /** The agent that had begun it is gone. */
    @Test
    void whoAdoptsAMachineWhoseCaptureFailsEndsItIfItHangs() throws Exception {
        try (Lab lab = new Lab();
                RunningVm vm = lab.startOracle("web");
                Capture capture = begun(lab, vm);
                QmpClient other = other(lab)) {
            vm.close();
            RunningVm adopted = lab.hypervisor.find(((QemuVm) vm).definition()).orElseThrow();
            lab.adopt(adopted);
            assertThat(adopted.status()).isEqualTo(VmStatus.RUNNING);
            other.execute("migrate_cancel", Duration.ofSeconds(2));
            await().until(() -> !isBusy(other));
            HypervisorException error = catchThrowableOfType(HypervisorException.class, adopted::status);
            if (error == null) {
                lab.awaitTicks("web", 20);
            } else {
                assertEnded(lab, vm, error);
            }
        }
    }

    private static void assertEnded(Lab lab, RunningVm vm, HypervisorException error) throws Exception {
        assertThat(error.kind()).isEqualTo(HypervisorException.Kind.GUEST_BROKEN);
        assertThat(error).hasMessageContaining("its process was ended");
        assertThat(lab.hypervisor.find(((QemuVm) vm).definition())).isEmpty();
    }

    private static boolean isBusy(QmpClient qmp) throws QmpException {
        return Migration.isBusy(qmp.execute("query-migrate", Duration.ofSeconds(2)));
    }

    /** A guest that runs again while its memory is on its way, slowly. */
    private static Capture begun(Lab lab, RunningVm vm) throws Exception {
        Capture capture = vm.newCapture(lab.plan(vm, CaptureMethod.BACKGROUND, "memory"));
        try (QmpClient other = other(lab)) {
            Lab.throughFreeze(capture);
            capture.capture();
            other.execute("migrate-set-parameters", Map.of("max-bandwidth", 1 << 20), Duration.ofSeconds(2));
            assertThat(capture.proveAndThaw().stoodStill()).isTrue();
        }
        return capture;
    }

    private static QmpClient other(Lab lab) throws QmpException {
        return QmpClient.connect(
                lab.settings.runDirectory().resolve("vms/web/guard.sock"), Lab.DEADLINE, System::nanoTime);
    }
}
