package dev.holdfast.agent.hypervisor.block;

import dev.holdfast.agent.hypervisor.DiskState;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.qmp.QmpValue;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The layers that a program has open, each of which is a node with a name. Stateless.
 *
 * @param monitor of the program
 */
public record LayerNodes(BlockMonitor monitor) {
    private static final String LISTED = "query-named-block-nodes";
    private static final Map<String, Boolean> WITHOUT_BACKING = Map.of("flat", true);

    /** The node of a layer. @throws HypervisorException REFUSED if it is not open */
    public String of(Path layer) throws HypervisorException {
        for (QmpValue node : monitor.call(LISTED, WITHOUT_BACKING)) {
            if (ImageNode.interprets(node) && node.path("file").asText().equals(layer.toString())) {
                return node.path("node-name").asText();
            }
        }
        throw new HypervisorException(Kind.REFUSED, "the layer " + layer + " is not open");
    }

    /** Closes those that no disk is made of. */
    public void closeAllBut(List<DiskState> disks) throws HypervisorException {
        Set<Path> used = new HashSet<>();
        disks.forEach(disk -> used.addAll(disk.layers()));
        for (QmpValue node : monitor.call(LISTED, WITHOUT_BACKING)) {
            if (ImageNode.interprets(node)
                    && !used.contains(Path.of(node.path("file").asText()))) {
                close(node.path("node-name").asText());
            }
        }
    }

    /** One that is gone or in use by now is as it should be. */
    void close(String node) throws HypervisorException {
        monitor.accepts("blockdev-del", Map.of("node-name", node));
    }

    /** What they are called. */
    Set<String> names() throws HypervisorException {
        Set<String> names = new HashSet<>();
        for (QmpValue node : monitor.call(LISTED, WITHOUT_BACKING)) {
            names.add(node.path("node-name").asText());
        }
        return names;
    }

    /** A disk from its uppermost image, as {@code query-named-block-nodes} or {@code query-block} tells of it. */
    public static DiskState disk(String id, QmpValue top) {
        List<Path> layers = new ArrayList<>();
        for (QmpValue image = top; image.isObject(); image = image.path("backing-image")) {
            layers.add(Path.of(image.path("filename").asText()));
        }
        return new DiskState(id, layers, top.path("virtual-size").asLong());
    }
}
