package dev.holdfast.agent.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.hypervisor.DiskState;
import dev.holdfast.agent.hypervisor.HypervisorKind;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SameMachineTest {
    private static final Name MIGRATION = new Name("m1");

    @TempDir
    private Path directory;

    private VmDefinition vm(long memory, String tap) {
        return new VmDefinition(
                new Name("web"),
                HypervisorKind.QEMU,
                Optional.of(new VmDefinition.Hardware(
                        "pc-q35-7.2",
                        VmDefinition.Accelerator.TCG,
                        Optional.empty(),
                        1,
                        memory << 20,
                        false,
                        Optional.empty(),
                        List.of(),
                        List.of(VmDefinition.Nic.tap("n0", tap, "52:54:00:00:00:01")))),
                List.of(
                        new VmDefinition.Disk("d0", directory.resolve("web.holdfast/head/d0.qcow2")),
                        new VmDefinition.Disk("d1", directory.resolve("web.holdfast/head/d1.qcow2"))));
    }

    @Test
    void cardsMayBeConnectedToSomethingElse() {
        assertThat(SameMachine.difference(vm(64, "tap0"), SameMachine.hardware(vm(64, "tap7"))))
                .isEmpty();
    }

    @Test
    void saysWhatDiffersAndHowItIsOnBothNodes() {
        assertThat(SameMachine.difference(vm(64, "tap0"), SameMachine.hardware(vm(128, "tap0"))))
                .contains("memory is 128M there and 64M here");
        Map<String, String> older = new TreeMap<>(SameMachine.hardware(vm(64, "tap0")));
        older.remove("kernel");
        assertThat(SameMachine.difference(vm(64, "tap0"), older)).isPresent();
    }

    @Test
    void noFileShowsThatABlockDeviceIsTheSameElsewhere() {
        Path layers = directory.resolve("web.holdfast/layers");
        DiskState raw = new DiskState("d0", List.of(layers.resolve("d0-000001.raw")), 1);
        DiskState device =
                new DiskState("d1", List.of(layers.resolve("d1-000002.qcow2"), layers.resolve("d1-000001.dev")), 1);
        assertThat(SameMachine.onDevice(List.of(raw))).isEmpty();
        assertThat(SameMachine.onDevice(List.of(raw, device)).orElseThrow())
                .contains("disk d1 lies on a block device", "layers/d1-000001.dev", "stop it here");
    }

    @Test
    void diskDirectoriesAreTheSameOnlyIfTheFileOfThisMoveIsThere() throws IOException {
        Path chain = Files.createDirectories(directory.resolve("web.holdfast"));
        VmDefinition vm = vm(64, "tap0");
        List<Path> probes = SameMachine.leaveProbes(vm, MIGRATION);
        assertThat(probes).hasSize(1).first().extracting(Path::getParent).isEqualTo(chain);
        assertThat(SameMachine.missing(probes, MIGRATION)).isEmpty();
        assertThat(SameMachine.missing(probes, new Name("m2"))).isEqualTo(Optional.of(probes.get(0)));
        SameMachine.removeProbes(vm, MIGRATION);
        assertThat(SameMachine.missing(probes, MIGRATION)).isEqualTo(Optional.of(probes.get(0)));
        assertThat(chain).isEmptyDirectory();
    }
}
