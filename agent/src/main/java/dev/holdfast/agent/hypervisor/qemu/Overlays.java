package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.CapturePlan;
import dev.holdfast.agent.hypervisor.DiskState;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.block.ImageNode;
import dev.holdfast.agent.qmp.QmpCommand;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The new active layers of a capture: opened before the freeze, put in place by one transaction. One thread. */
final class Overlays {
    private record Opened(String below, String node) {}

    private final Monitor monitor;
    private final VmDefinition vm;
    private final List<Opened> opened = new ArrayList<>();

    Overlays(Monitor monitor, VmDefinition vm) {
        this.monitor = monitor;
        this.vm = vm;
    }

    /** Opens them, after making sure that nothing would be captured wrongly, and flushes the layers below. */
    void open(CapturePlan plan) throws HypervisorException {
        BlockGraph graph = BlockGraph.read(monitor, vm);
        monitor.owner().lendLayers(List.copyOf(plan.overlays().values()));
        for (VmDefinition.Disk disk : vm.disks()) {
            Path overlay = plan.overlays().get(disk.id());
            if (overlay == null) {
                throw new HypervisorException(Kind.REFUSED, "the capture has no overlay for disk " + disk.id());
            }
            DiskState state = graph.disks().get(disk.id());
            checkOwnNames(disk.id(), state);
            flush(state.active());
            String node = graph.nextNode(disk.id());
            Map<String, Object> arguments = ImageNode.options(node, overlay);
            // Without this QEMU opens a second instance of the layer below, which is in use.
            arguments.put("backing", null);
            monitor.call("blockdev-add", arguments);
            opened.add(new Opened(graph.activeNodes().get(disk.id()), node));
        }
    }

    private static void checkOwnNames(String diskId, DiskState state) throws HypervisorException {
        for (Path layer : state.layers()) {
            boolean link = !ImageForm.of(layer).isDevice() && Files.isSymbolicLink(layer);
            if (!layer.isAbsolute() || link) {
                throw new HypervisorException(
                        Kind.REFUSED,
                        "disk " + diskId + " was opened as " + layer + ", which is not a layer's own name: after the"
                                + " capture it would name another file. Restart the machine through Holdfast");
            }
        }
    }

    /** So that the flush inside the freeze is short. */
    private static void flush(Path layer) throws HypervisorException {
        try (FileChannel channel = FileChannel.open(layer, StandardOpenOption.READ)) {
            channel.force(false);
        } catch (IOException e) {
            throw new HypervisorException(Kind.REFUSED, "cannot flush " + layer + ": " + e.getMessage(), e);
        }
    }

    /** Cuts all disks at once, or none. */
    QmpCommand cut() {
        List<Map<String, Object>> actions = new ArrayList<>();
        for (Opened o : opened) {
            actions.add(Map.of("type", "blockdev-snapshot", "data", Map.of("node", o.below(), "overlay", o.node())));
        }
        return QmpCommand.of("transaction", Map.of("actions", actions));
    }

    /** Closes what was opened. Only while they are not in use. */
    void close() throws HypervisorException {
        for (Opened o : opened) {
            monitor.accepts("blockdev-del", Map.of("node-name", o.node()));
        }
        opened.clear();
    }
}
