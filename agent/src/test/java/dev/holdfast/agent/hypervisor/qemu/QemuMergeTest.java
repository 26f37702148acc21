package dev.holdfast.agent.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.Capture;
import dev.holdfast.agent.hypervisor.DiskState;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Tag("qemu")
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class QemuMergeTest {
    private Lab lab;
    private RunningVm vm;

    @BeforeEach
    void open() throws Exception {
        lab = new Lab();
        vm = lab.startOracle("web");
    }

    @AfterEach
    void close() throws Exception {
        lab.close();
    }

    private void cut() throws Exception {
        try (Capture capture = vm.newCapture(lab.plan(vm, CaptureMethod.DISK_ONLY, "none"))) {
            Lab.throughFreeze(capture);
            capture.capture();
            capture.proveAndThaw();
            capture.drain(Progress.NONE);
        }
        lab.awaitTicks("web", 5);
    }

    private void io(String command) throws Exception {
        String node = BlockGraph.read(((QemuVm) vm).monitor(), ((QemuVm) vm).definition())
                .activeNodes()
                .get("d1");
        String words = ((QemuVm) vm)
                .monitor()
                .call("human-monitor-command", Map.of("command-line", "qemu-io " + node + " \"" + command + "\""))
                .asText();
        assertThat(words).doesNotContain("failed").doesNotContain("rror");
    }

    private List<Path> layers() throws Exception {
        return vm.disks().stream()
                .filter(d -> d.id().equals("d1"))
                .findFirst()
                .map(DiskState::layers)
                .orElseThrow();
    }

    private void threeCuts() throws Exception {
        io("write -P 1 1M 64k");
        cut();
        io("write -P 2 2M 64k");
        cut();
        io("write -P 3 3M 64k");
        cut();
        io("write -P 4 4M 64k");
    }

    private void checkContent() throws Exception {
        for (int i = 1; i <= 4; i++) {
            io("read -P " + i + " " + i + "M 64k");
        }
        lab.awaitTicks("web", 5);
        vm.quit();
        Lab.run("qemu-img", "check", "-q", layersAfter.get(0).toString());
    }

    private List<Path> layersAfter = List.of();

    @Test
    void intermediateLayersMergeDownLive() throws Exception {
        threeCuts();
        List<Path> before = layers();
        assertThat(before).hasSize(4);
        vm.mergeIntermediate("d1", before.get(1), before.get(3), Progress.NONE);
        layersAfter = layers();
        assertThat(layersAfter).containsExactly(before.get(0), before.get(3));
        Files.delete(before.get(1));
        Files.delete(before.get(2));
        checkContent();
    }

    @Test
    void whoFindsTheMachineClearsAnUnfinishedMerge() throws Exception {
        threeCuts();
        List<Path> before = layers();
        VmDefinition definition = ((QemuVm) vm).definition();
        Monitor monitor = ((QemuVm) vm).monitor();
        BlockGraph graph = BlockGraph.read(monitor, definition);
        String active = graph.activeNodes().get("d1");
        String base = graph.node("d1", before.get(1));
        // A merge of the active layer never ends by itself.
        monitor.call(
                "block-commit",
                Map.of("job-id", "holdfast-merge-d1", "auto-dismiss", false, "device", active, "base-node", base));
        vm.close();
        vm = lab.hypervisor.find(definition).orElseThrow();
        layersAfter = layers();
        assertThat(layersAfter).isEqualTo(before);
        assertThat(((QemuVm) vm).monitor().call("query-jobs").size()).isZero();
        checkContent();
    }

    @Test
    void theActiveLayerIsNoIntermediateOne() throws Exception {
        cut();
        List<Path> before = layers();
        assertThatThrownBy(() -> vm.mergeIntermediate("d1", before.get(0), before.get(1), Progress.NONE))
                .hasMessageContaining("is the active layer");
        assertThatThrownBy(() -> vm.mergeIntermediate("d1", Path.of("/x"), before.get(1), Progress.NONE))
                .hasMessageContaining("has no layer /x open");
    }
}
