package dev.holdfast.agent.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.holdfast.agent.hypervisor.Capture;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Tag("qemu")
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class QemuRestoreTest {
    private Lab lab;
    private RunningVm vm;
    private Path memory;
    private Map<String, Path> captured;

    @BeforeEach
    void open() throws Exception {
        lab = new Lab();
        vm = lab.startOracle("web");
        captured = Lab.active(vm);
        memory = lab.root.resolve("memory");
        try (Capture capture = vm.newCapture(lab.plan(vm, CaptureMethod.BACKGROUND, "memory"))) {
            Lab.throughFreeze(capture);
            capture.capture();
            capture.proveAndThaw();
            capture.drain(Progress.NONE);
        }
        lab.awaitTicks("web", 50);
    }

    @AfterEach
    void close() throws Exception {
        lab.close();
    }

    @Test
    void theOldStateLoadsBesideTheHeldMachineAndTakesItsPlace() throws Exception {
        vm.pause();
        VmDefinition definition = Lab.definition("web", 64, lab.overlays(captured));
        RunningVm beside = lab.start(definition, StartMode.restore(memory).beside("r1"));
        assertThat(vm.status()).isEqualTo(VmStatus.PAUSED);
        assertThat(beside.status()).isEqualTo(VmStatus.PAUSED);
        assertThat(lab.hypervisor.find(definition, Optional.of("r0"))).isEmpty();
        assertThatThrownBy(() -> lab.hypervisor.takePlace(beside, definition)).hasMessageContaining("still runs");
        vm.quit();
        RunningVm placed = lab.hypervisor.takePlace(beside, definition);
        placed.resume();
        lab.awaitTicks("web", 20);
        assertThat(lab.console("web")).doesNotContain("START");
        placed.close();
        RunningVm found = lab.hypervisor.find(definition).orElseThrow();
        assertThat(found.identity()).isEqualTo(placed.identity());
        assertThat(lab.settings.runDirectory().resolve("vms/web/r1")).doesNotExist();
    }

    @Test
    void aDamagedImageIsRefusedWithQemusWords() throws Exception {
        try (RandomAccessFile file = new RandomAccessFile(memory.toFile(), "rw")) {
            file.setLength(Files.size(memory) / 2);
        }
        VmDefinition definition = Lab.definition("old", 64, lab.overlays(captured));
        assertThatThrownBy(() -> lab.start(definition, StartMode.restore(memory)))
                .hasMessageContaining("does not load")
                .hasMessageContaining("error while loading state");
        assertThat(lab.hypervisor.find(definition)).isEmpty();
    }

    @Test
    void anImageOfAnotherMachineIsRefused() throws Exception {
        VmDefinition definition = Lab.definition("old", 128, lab.overlays(captured));
        assertThatThrownBy(() -> lab.start(definition, StartMode.restore(memory)))
                .hasMessageContaining("does not load");
    }

    @Test
    void aMissingImageIsRefused() throws Exception {
        VmDefinition definition = Lab.definition("old", 64, lab.overlays(captured));
        assertThatThrownBy(() -> lab.start(definition, StartMode.restore(lab.root.resolve("none"))))
                .hasMessageContaining("does not load")
                .hasMessageContaining("none cannot be read")
                .hasMessageNotContaining("machine definition");
    }

    @Test
    void anImageLoadsInTheOtherQemu() throws Exception {
        String other = System.getenv().getOrDefault("HOLDFAST_OTHER_QEMU", "");
        assumeFalse(
                other.isEmpty(),
                "HOLDFAST_OTHER_QEMU names no second QEMU (/ is the installed one); deploy/test.sh brings one along");
        try (Lab second = new Lab(QemuSettings.unpacked(Path.of(other), Path.of("/")))) {
            VmDefinition definition = Lab.definition("moved", 64, lab.overlays(captured));
            RunningVm moved = second.start(definition, StartMode.restore(memory));
            assertThat(moved.hypervisor()).isNotEqualTo(vm.hypervisor());
            moved.resume();
            second.awaitTicks("moved", 20);
            assertThat(second.console("moved")).doesNotContain("START");
        }
    }
}
