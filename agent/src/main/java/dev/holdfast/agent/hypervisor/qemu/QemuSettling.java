package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.Settling;
import dev.holdfast.agent.hypervisor.block.CommitJob;
import dev.holdfast.agent.qmp.QmpValue;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** By a commit of the active layer, which QEMU follows up until it is told to turn. One thread. */
final class QemuSettling implements Settling {
    private final QemuVm vm;
    private final String diskId;
    private final Path home;
    private final CommitJob job;
    private String source = "";

    QemuSettling(QemuVm vm, String diskId, Path home) {
        this.vm = vm;
        this.diskId = diskId;
        this.home = home;
        this.job = new CommitJob(vm.monitor(), vm.definition(), diskId);
    }

    @Override
    public void begin() throws HypervisorException {
        BlockGraph graph = BlockGraph.read(vm.monitor(), vm.definition());
        List<Path> layers = graph.disks().get(diskId).layers();
        if (layers.size() != 2 || !layers.get(1).equals(home)) {
            throw new HypervisorException(
                    Kind.REFUSED, "disk %s has %s open, not one layer on %s".formatted(diskId, layers, home));
        }
        // It opens the lower one once more, to write.
        vm.lendLayers();
        source = graph.activeNodes().get(diskId);
        job.start(Map.of("device", source, "base-node", graph.node(diskId, home)));
    }

    @Override
    public Advance look() throws HypervisorException {
        return job.look();
    }

    /** The job's own word may be a tenth of a second old; what it has not copied yet is in its bitmap at once. */
    @Override
    public boolean isEven() throws HypervisorException {
        if (unwritten() > 0) {
            job.wake();
            return false;
        }
        Advance now = job.look();
        return now.follows() && now.done() >= now.total();
    }

    /** Bytes of the layer that were written since they were copied. The bitmap of a job is the one without a name. */
    private long unwritten() throws HypervisorException {
        long bytes = 0;
        for (QmpValue node : vm.monitor().call("query-named-block-nodes", Map.of("flat", true))) {
            if (node.path("node-name").asText().equals(source)) {
                for (QmpValue bitmap : node.path("dirty-bitmaps")) {
                    bytes += bitmap.path("name").asText().isEmpty()
                            ? bitmap.path("count").asLong()
                            : 0;
                }
            }
        }
        return bytes;
    }

    @Override
    public void pivot(Duration bound) throws HypervisorException {
        job.complete(bound);
        Path written = BlockGraph.read(vm.monitor(), vm.definition())
                .disks()
                .get(diskId)
                .active();
        if (!written.equals(home)) {
            throw new HypervisorException(Kind.FAILED, "disk %s writes %s, not %s".formatted(diskId, written, home));
        }
    }

    @Override
    public void end() throws HypervisorException {
        job.end();
        vm.closeLeftovers();
    }
}
