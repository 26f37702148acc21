package dev.holdfast.agent.hypervisor.uml;

import dev.holdfast.agent.hypervisor.DiskState;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.ProcessIdentity;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.block.BlockMonitor;
import dev.holdfast.agent.hypervisor.block.LayerNodes;
import dev.holdfast.agent.hypervisor.block.QmpMonitor;
import dev.holdfast.agent.qmp.QmpClient;
import dev.holdfast.agent.qmp.QmpException;
import dev.holdfast.agent.qmp.QmpValue;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * The qemu-storage-daemon of one machine, which has its chains of layers open and shows each as a file. One thread at a time, {@link
 * #close} from any.
 *
 * @param client our connection
 * @param identity the process
 * @param nanoClock monotonic nanoseconds
 */
record StorageDaemon(QmpClient client, ProcessIdentity identity, LongSupplier nanoClock)
        implements BlockMonitor, AutoCloseable {
    static final Duration QUICK = Duration.ofSeconds(3);

    private static final String EXPORT = "export-";

    static StorageDaemon connect(Path socket, ProcessIdentity identity, LongSupplier nanoClock)
            throws HypervisorException {
        try {
            return new StorageDaemon(QmpClient.connect(socket, QUICK, nanoClock), identity, nanoClock);
        } catch (QmpException e) {
            throw new HypervisorException(
                    Kind.UNKNOWN,
                    "process %d, which has the disks open, does not answer at %s: %s"
                            .formatted(identity.pid(), socket, e.getMessage()),
                    e);
        }
    }

    static String export(String diskId) {
        return EXPORT + diskId;
    }

    boolean isAlive() {
        return client.isOpen() && identity.isAlive();
    }

    /** Per disk id the node that the guest writes to. */
    Map<String, String> activeNodes() throws HypervisorException {
        Map<String, String> nodes = new HashMap<>();
        for (QmpValue export : call("query-block-exports", Map.of())) {
            String id = export.path("id").asText();
            if (id.startsWith(EXPORT)) {
                nodes.put(
                        id.substring(EXPORT.length()), export.path("node-name").asText());
            }
        }
        return nodes;
    }

    /** The disks of a definition as they are open. */
    List<DiskState> disks(VmDefinition vm) throws HypervisorException {
        Map<String, QmpValue> images = new HashMap<>();
        for (QmpValue node : call("query-named-block-nodes", Map.of())) {
            images.put(node.path("node-name").asText(), node.path("image"));
        }
        Map<String, String> active = activeNodes();
        List<DiskState> disks = new ArrayList<>();
        for (VmDefinition.Disk disk : vm.disks()) {
            QmpValue top = images.get(active.getOrDefault(disk.id(), ""));
            if (top == null) {
                throw new HypervisorException(
                        Kind.REFUSED,
                        "%s was started without a disk %s; restart the machine".formatted(vm.name(), disk.id()));
            }
            disks.add(LayerNodes.disk(disk.id(), top));
        }
        return disks;
    }

    private QmpMonitor monitor() {
        return new QmpMonitor(client, "the disks' qemu-storage-daemon", identity::isAlive, nanoClock);
    }

    @Override
    public QmpValue call(String command, Map<String, ?> arguments) throws HypervisorException {
        return monitor().call(command, arguments);
    }

    @Override
    public QmpValue call(String command, Map<String, ?> arguments, Duration timeout) throws HypervisorException {
        return monitor().call(command, arguments, timeout);
    }

    @Override
    public boolean accepts(String command, Map<String, ?> arguments) throws HypervisorException {
        return monitor().accepts(command, arguments);
    }

    @Override
    public void close() {
        client.close();
    }
}
