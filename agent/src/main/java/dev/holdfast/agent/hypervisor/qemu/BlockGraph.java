package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.DiskState;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.block.ImageNode;
import dev.holdfast.agent.qmp.QmpValue;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * QEMU's block nodes as they were when asked. Node names of ours are {@code DISK.NUMBER}. Immutable.
 *
 * @param disks per disk id its layers
 * @param activeNodes per disk id the node the device is attached to
 * @param formatNodes per file name the node that interprets it (not the one that reads it)
 * @param names all node names
 */
record BlockGraph(
        Map<String, DiskState> disks,
        Map<String, String> activeNodes,
        Map<Path, String> formatNodes,
        Set<String> names) {
    private static final Pattern OURS = Pattern.compile("(.+)\\.([0-9]+)");

    static String firstNode(String diskId) {
        return diskId + ".0";
    }

    static String device(String diskId) {
        return "dev-" + diskId;
    }

    static BlockGraph read(Monitor monitor, VmDefinition vm) throws HypervisorException {
        Map<Path, String> formatNodes = new HashMap<>();
        Set<String> names = new HashSet<>();
        for (QmpValue node : monitor.call("query-named-block-nodes", Map.of("flat", true))) {
            String name = node.path("node-name").asText();
            names.add(name);
            if (ImageNode.interprets(node)) {
                formatNodes.put(Path.of(node.path("file").asText()), name);
            }
        }
        Map<String, DiskState> disks = new HashMap<>();
        Map<String, String> active = new HashMap<>();
        QmpValue devices = monitor.call("query-block");
        Map<String, QmpValue> followed = new HashMap<>();
        for (VmDefinition.Disk disk : vm.disks()) {
            QmpValue inserted = inserted(devices, disk.id())
                    .orElseThrow(() -> new HypervisorException(
                            Kind.REFUSED,
                            "the process of " + vm.name() + " has no disk " + disk.id()
                                    + "; it was started from another definition, so restart the machine"));
            String node = inserted.path("node-name").asText();
            QmpValue top = inserted.path("image");
            if (node.equals(CopyNodes.top(disk.id()))) {
                node = belowQuorum(monitor, disk.id(), followed);
                top = followed.get(node).path("image");
            }
            List<Path> layers = new ArrayList<>();
            for (QmpValue image = top; image.isObject(); image = image.path("backing-image")) {
                layers.add(Path.of(image.path("filename").asText()));
            }
            long size = top.path("virtual-size").asLong();
            disks.put(disk.id(), new DiskState(disk.id(), layers, size));
            active.put(disk.id(), node);
        }
        return new BlockGraph(Map.copyOf(disks), Map.copyOf(active), Map.copyOf(formatNodes), Set.copyOf(names));
    }

    /** All files and block devices that the process has open as images. */
    static List<Path> files(Monitor monitor) throws HypervisorException {
        List<Path> files = new ArrayList<>();
        for (QmpValue node : monitor.call("query-named-block-nodes", Map.of("flat", true))) {
            String file = node.path("file").asText();
            if (ImageNode.reads(node) && file.startsWith("/")) {
                files.add(Path.of(file));
            }
        }
        return files;
    }

    /** The layer of a disk that is, or can be, copied to another node. Fills in what all nodes are. */
    private static String belowQuorum(Monitor monitor, String diskId, Map<String, QmpValue> nodes)
            throws HypervisorException {
        if (nodes.isEmpty()) {
            for (QmpValue node : monitor.call("query-named-block-nodes")) {
                nodes.put(node.path("node-name").asText(), node);
            }
        }
        return CopyNodes.read(monitor)
                .layer(diskId)
                .filter(nodes::containsKey)
                .orElseThrow(() -> new HypervisorException(
                        Kind.REFUSED, "disk " + diskId + " is on its way back to an epoch; wait a moment"));
    }

    private static Optional<QmpValue> inserted(QmpValue devices, String diskId) {
        for (QmpValue device : devices) {
            String path = device.path("qdev").asText() + "/";
            if (path.startsWith(device(diskId) + "/") || path.contains("/" + device(diskId) + "/")) {
                return Optional.of(device.path("inserted")).filter(QmpValue::isObject);
            }
        }
        return Optional.empty();
    }

    /** A node name for one more layer of a disk that is not in use. */
    String nextNode(String diskId) {
        long highest = names.stream()
                .map(OURS::matcher)
                .filter(Matcher::matches)
                .filter(m -> m.group(1).equals(diskId))
                .mapToLong(m -> Long.parseLong(m.group(2)))
                .max()
                .orElse(0);
        return diskId + "." + (highest + 1);
    }

    /** The node of a layer that belongs to a disk. */
    String node(String diskId, Path layer) throws HypervisorException {
        String node = formatNodes.get(layer);
        if (node == null || !disks.get(diskId).layers().contains(layer)) {
            throw new HypervisorException(
                    Kind.REFUSED,
                    "disk " + diskId + " has no layer " + layer + " open; its layers are "
                            + disks.get(diskId).layers());
        }
        return node;
    }

    /** Nodes of ours that no disk uses: left by somebody who was interrupted. Upper ones first. */
    List<String> leftovers() {
        Set<Path> used =
                disks.values().stream().flatMap(d -> d.layers().stream()).collect(Collectors.toSet());
        return formatNodes.entrySet().stream()
                .filter(e -> !used.contains(e.getKey()))
                .map(Map.Entry::getValue)
                .filter(n -> OURS.matcher(n).matches())
                .sorted((a, b) -> Long.compare(number(b), number(a)))
                .toList();
    }

    private static long number(String node) {
        return Long.parseLong(node.substring(node.lastIndexOf('.') + 1));
    }
}
