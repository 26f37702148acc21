package dev.holdfast.agent.hypervisor.uml;

import dev.holdfast.agent.hypervisor.DiskState;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.block.ImageNode;
import dev.holdfast.agent.qmp.QmpValue;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** The layers that take the writes after a cut: opened while the guest runs, put on top by one transaction. One thread. */
final class Overlays {
    private final UmlVm vm;
    /** The node of each new layer, by that of the one below it. */
    private final Map<String, String> opened = new TreeMap<>();

    Overlays(UmlVm vm) {
        this.vm = vm;
    }

    /** Opens them, and flushes what is below, so that little is left to flush at the standstill. */
    void open(Map<String, Path> files) throws HypervisorException {
        StorageDaemon storage = vm.storage();
        Map<String, String> active = storage.activeNodes();
        Set<String> nodes = nodes();
        for (DiskState disk : vm.disks()) {
            Path file = files.get(disk.id());
            if (file == null) {
                throw new HypervisorException(Kind.REFUSED, "the capture has no overlay for disk " + disk.id());
            }
            try (FileChannel below = FileChannel.open(disk.active(), StandardOpenOption.READ)) {
                below.force(false);
            } catch (IOException e) {
                throw new HypervisorException(Kind.REFUSED, "cannot flush " + disk.active() + ": " + e.getMessage(), e);
            }
            int number = 0;
            while (nodes.contains(StorageDaemon.node(disk.id(), number))) {
                number++;
            }
            String node = StorageDaemon.node(disk.id(), number);
            Map<String, Object> layer = ImageNode.options(node, file);
            // Or the layer below would be opened once more, which is in use.
            layer.put("backing", null);
            storage.call("blockdev-add", layer);
            opened.put(active.get(disk.id()), node);
        }
    }

    /** All disks change over at once, or none does. */
    void cut(Duration bound) throws HypervisorException {
        List<Map<String, Object>> actions = new ArrayList<>();
        opened.forEach((below, overlay) ->
                actions.add(Map.of("type", "blockdev-snapshot", "data", Map.of("node", below, "overlay", overlay))));
        vm.storage().call("transaction", Map.of("actions", actions), bound);
    }

    /** Closes what was opened. Only while it is not in use. */
    void close() throws HypervisorException {
        for (String node : opened.values()) {
            remove(node);
        }
        opened.clear();
    }

    /** Closes nodes of this machine's disks that no disk is made of. */
    void closeLeftovers() throws HypervisorException {
        Set<Path> used = new HashSet<>();
        vm.disks().forEach(disk -> used.addAll(disk.layers()));
        for (QmpValue node : vm.storage().call("query-named-block-nodes", Map.of("flat", true))) {
            if (ImageNode.interprets(node)
                    && !used.contains(Path.of(node.path("file").asText()))) {
                remove(node.path("node-name").asText());
            }
        }
    }

    private Set<String> nodes() throws HypervisorException {
        Set<String> names = new HashSet<>();
        for (QmpValue node : vm.storage().call("query-named-block-nodes", Map.of("flat", true))) {
            names.add(node.path("node-name").asText());
        }
        return names;
    }

    /** One that is gone or in use by now is as it should be. */
    private void remove(String node) throws HypervisorException {
        vm.storage().accepts("blockdev-del", Map.of("node-name", node));
    }
}
