package dev.holdfast.agent.hypervisor.block;

import dev.holdfast.agent.hypervisor.DiskState;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** The layers that take the writes after a cut: opened while the guest runs, put on top by one transaction. One thread. */
public final class Overlays {
    /** The node of each new layer, by that of the one below it. */
    private final Map<String, String> opened = new TreeMap<>();

    /** The name of a disk's node of that number; each layer that is put on top has the next one. */
    public static String node(String diskId, int number) {
        return diskId + "." + number;
    }

    /**
     * Opens them, and flushes what is below, so that little is left to flush at the standstill.
     *
     * @param disks as they are open
     * @param active per disk id the node that the guest writes to
     * @param files per disk id the new layer
     */
    public void open(BlockMonitor monitor, List<DiskState> disks, Map<String, String> active, Map<String, Path> files)
            throws HypervisorException {
        Set<String> nodes = new LayerNodes(monitor).names();
        for (DiskState disk : disks) {
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
            while (nodes.contains(node(disk.id(), number))) {
                number++;
            }
            String node = node(disk.id(), number);
            Map<String, Object> layer = ImageNode.options(node, file);
            // Or the layer below would be opened once more, which is in use.
            layer.put("backing", null);
            monitor.call("blockdev-add", layer);
            opened.put(active.get(disk.id()), node);
        }
    }

    /** All disks change over at once, or none does. */
    public void cut(BlockMonitor monitor, Duration bound) throws HypervisorException {
        List<Map<String, Object>> actions = new ArrayList<>();
        opened.forEach((below, overlay) ->
                actions.add(Map.of("type", "blockdev-snapshot", "data", Map.of("node", below, "overlay", overlay))));
        monitor.call("transaction", Map.of("actions", actions), bound);
    }

    /** Whether there is anything to {@link #close}. */
    public boolean areOpen() {
        return !opened.isEmpty();
    }

    /** Closes what was opened. Only while it is not in use. */
    public void close(BlockMonitor monitor) throws HypervisorException {
        for (String node : opened.values()) {
            new LayerNodes(monitor).close(node);
        }
        opened.clear();
    }
}
