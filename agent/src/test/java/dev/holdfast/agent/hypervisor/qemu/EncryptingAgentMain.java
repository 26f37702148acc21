package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.Capture;
import dev.holdfast.agent.hypervisor.CapturePlan;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.image.MemoryKeys;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A JVM of its own that captures a machine's memory at a standstill and encrypts it, to be killed while it does. Arguments: emulator,
 * run directory, image, key, the new layers of both disks.
 */
final class EncryptingAgentMain {
    private EncryptingAgentMain() {}

    static Process start(Lab lab, Path image, Path key, Map<String, Path> overlays) throws IOException {
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        EncryptingAgentMain.class.getName(),
                        lab.settings.emulator(),
                        lab.settings.runDirectory().toString(),
                        image.toString(),
                        key.toString(),
                        overlays.get("d0").toString(),
                        overlays.get("d1").toString())
                .redirectErrorStream(true)
                .redirectOutput(new File(lab.root + "/agent.log"))
                .start();
    }

    public static void main(String[] arguments) throws Exception {
        QemuSettings settings = QemuSettings.of(arguments[0], Path.of(arguments[1]));
        MemoryKeys keys = MemoryKeys.read(Optional.of(Path.of(arguments[3])), List.of());
        Map<String, Path> overlays = Map.of("d0", Path.of(arguments[4]), "d1", Path.of(arguments[5]));
        VmDefinition definition = Lab.definition("web", 512, overlays);
        try (RunningVm vm = new QemuHypervisor(settings, System::nanoTime, keys)
                        .find(definition)
                        .orElseThrow();
                Capture capture = vm.newCapture(new CapturePlan(
                        overlays, Optional.of(Path.of(arguments[2])), CaptureMethod.STOP, Lab.DEADLINE))) {
            Lab.throughFreeze(capture);
            capture.capture();
        }
    }
}
