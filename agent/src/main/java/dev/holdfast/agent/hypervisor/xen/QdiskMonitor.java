package dev.holdfast.agent.hypervisor.xen;

import dev.holdfast.agent.hypervisor.DiskState;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
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
 * The QEMU that shows one domain its disks. It has two QMP sockets: that of libxl is left to xl, which needs it to plug and to save; ours
 * is the other one, which xentop asks now and then: it is given back after each use. One thread.
 *
 * @param vm the machine as it is defined
 * @param monitor of that QEMU
 */
record QdiskMonitor(VmDefinition vm, QmpMonitor monitor) implements AutoCloseable {
    private static final Duration CONNECT = Duration.ofSeconds(10);
    /** As if it were its partition of that number: so QEMU calls a disk that xl has given as a whole. */
    private static final String WHOLE = "0";

    /** @throws HypervisorException UNKNOWN if it does not answer: that of a domain that ends goes before it */
    static QdiskMonitor connect(XenSettings settings, VmDefinition vm, DomainIdentity domain, LongSupplier nanoClock)
            throws HypervisorException {
        Path socket = settings.monitors().resolve("qmp-libxenstat-" + domain.id());
        try {
            QmpClient client = QmpClient.connect(socket, CONNECT, nanoClock);
            return new QdiskMonitor(
                    vm, new QmpMonitor(client, "the disks' QEMU of " + vm.name(), domain::isAlive, nanoClock));
        } catch (QmpException e) {
            throw new HypervisorException(
                    Kind.UNKNOWN,
                    "the QEMU that shows %s (%s) its disks does not answer; does xentop or another program hold it? %s"
                            .formatted(vm.name(), domain.label(), e.getMessage()),
                    e);
        }
    }

    /** Per disk id what {@code query-block} tells of what is inserted there. */
    private Map<String, QmpValue> inserted() throws HypervisorException {
        Map<String, QmpValue> byDevice = new HashMap<>();
        for (QmpValue drive : monitor.call("query-block", Map.of())) {
            String path = drive.path("qdev").asText();
            if (!path.isEmpty()) {
                QmpValue device = monitor.call("qom-get", Map.of("path", path, "property", "vdev"));
                byDevice.put(device.asText(), drive.path("inserted"));
            }
        }
        Map<String, QmpValue> byId = new HashMap<>();
        for (int i = 0; i < vm.disks().size(); i++) {
            QmpValue inserted = byDevice.get(XlConfiguration.device(i) + WHOLE);
            if (inserted == null) {
                throw new HypervisorException(
                        Kind.REFUSED,
                        "%s was started without a disk %s (%s), which is defined; restart the machine"
                                .formatted(vm.name(), vm.disks().get(i).id(), XlConfiguration.device(i)));
            }
            byId.put(vm.disks().get(i).id(), inserted);
        }
        return byId;
    }

    /** As they are open, in the order of the definition. */
    List<DiskState> disks() throws HypervisorException {
        Map<String, QmpValue> inserted = inserted();
        List<DiskState> disks = new ArrayList<>();
        for (VmDefinition.Disk disk : vm.disks()) {
            disks.add(LayerNodes.disk(disk.id(), inserted.get(disk.id()).path("image")));
        }
        return disks;
    }

    /** Per disk id the node that the guest writes to. */
    Map<String, String> activeNodes() throws HypervisorException {
        Map<String, String> nodes = new HashMap<>();
        inserted().forEach((id, drive) -> nodes.put(id, drive.path("node-name").asText()));
        return nodes;
    }

    BlockMonitor blocks() {
        return monitor;
    }

    @Override
    public void close() {
        monitor.client().close();
    }
}
