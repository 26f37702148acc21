package dev.holdfast.agent.inspection;

import dev.holdfast.agent.fsck.Repair;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.journal.OperationKind;
import dev.holdfast.agent.snapshot.SnapshotException;
import dev.holdfast.agent.snapshot.VmSnapshots;
import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.CheckpointRecord;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.VmReport;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Carries out one repair on this node, alone for its machine and after another look: what was found may be gone by now, or may
 * never have been. A path is only ever compared with what the look finds. Blocks. Thread-safe.
 */
final class NodeRepair {

    private static final Logger LOG = LoggerFactory.getLogger(NodeRepair.class);

    private final NodeTools node;
    private final NodeLook look;

    NodeRepair(NodeTools node, NodeLook look) {
        this.node = node;
        this.look = look;
    }

    /** Whether there was a reason. @throws SnapshotException it was refused, or failed */
    boolean carryOut(Repair repair) throws SnapshotException {
        Name vm = repair.vm();
        Path file = Path.of(repair.subject());
        boolean done = switch (repair.act()) {
            case THAW -> mark(vm, machine -> node.freezes().thaw(machine, repair.subject()));
            case UNMARK -> mark(vm, machine -> node.freezes().unmark(machine, repair.subject()));
            case FINISH -> node.parts().recover(vm, node.leftIntents().on(vm)).isPresent();
            case MEND_HEAD -> !node.apart().test(vm) && node.parts().mendHead(vm, look.written(machine(vm)));
            case PUT_BACK -> mend(vm, (fsck, executor) -> fsck.putBack(file));
            case RESTORE -> restore(vm, repair.subject());
            case PUBLISH -> mend(vm, (fsck, executor) -> fsck.publish(new Name(repair.subject()), executor));
            case RELEASE -> mend(vm, (fsck, executor) -> fsck.release(new Name(repair.subject())));
            case QUARANTINE ->
                !isOpen(machine(vm), file) && mend(vm, (fsck, executor) -> fsck.moveAway(file, executor));
            case FREE, ACKNOWLEDGE -> false; // Nothing of a node's.
            case EMPTY_LOST ->
                mend(vm, (fsck, executor) -> {
                    fsck.emptyLost(executor);
                    return true;
                });
        };
        LOG.info("fsck: {}: {} {}: {}", vm, repair.act(), repair.subject(), done ? "done" : "no reason to any more");
        return done;
    }

    private boolean mend(Name vm, VmSnapshots.Mending mending) throws SnapshotException {
        return node.parts().alone(vm, OperationKind.FSCK, (operation, snapshots) -> snapshots.mend(mending));
    }

    private boolean restore(Name vm, String subject) throws SnapshotException {
        String[] words = subject.split("@", 2);
        if (words.length != 2 || node.apart().test(vm)) {
            return false;
        }
        try {
            Optional<CheckpointRecord> checkpoint = node.catalogue()
                    .checkpoint(new Name(words[0]), new Name(words[1]))
                    .filter(found -> found.state() == CheckpointRecord.State.COMPLETE);
            Optional<VmReport> report = checkpoint.flatMap(found ->
                    found.vms().stream().filter(each -> each.vm().equals(vm)).findFirst());
            return report.isPresent()
                    && node.parts()
                            .alone(
                                    vm,
                                    OperationKind.FSCK,
                                    (operation, snapshots) -> snapshots.restore(checkpoint.get(), report.get()));
        } catch (StoreUnreachableException e) {
            throw new SnapshotException(Refusal.failed(String.valueOf(e.getMessage())), e);
        }
    }

    private ManagedVm machine(Name vm) throws SnapshotException {
        return node.vms()
                .find(vm)
                .orElseThrow(() -> new SnapshotException(
                        Refusal.preflight(node.vms().unreadable().missing(vm))));
    }

    /** A file that a process has open is needed, whatever the chain says. */
    private boolean isOpen(ManagedVm vm, Path file) throws SnapshotException {
        return look.open(vm).stream().anyMatch(disk -> disk.layers().contains(file));
    }

    private interface Marking {
        boolean isDone(ManagedVm vm) throws IOException, HypervisorException;
    }

    private boolean mark(Name vm, Marking marking) throws SnapshotException {
        try {
            return marking.isDone(machine(vm));
        } catch (IOException | HypervisorException e) {
            throw new SnapshotException(Refusal.failed(String.valueOf(e.getMessage())), e);
        }
    }
}
