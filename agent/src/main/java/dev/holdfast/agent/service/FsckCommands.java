package dev.holdfast.agent.service;

import dev.holdfast.agent.control.Arguments;
import dev.holdfast.agent.control.CommandTable;
import dev.holdfast.agent.control.ControlCommand;
import dev.holdfast.agent.control.ControlException;
import dev.holdfast.agent.control.Progress;
import dev.holdfast.agent.control.reply.FsckReport;
import dev.holdfast.agent.journal.OperationJournal;
import dev.holdfast.agent.journal.OperationKind;
import dev.holdfast.agent.round.NodeParts;
import dev.holdfast.agent.snapshot.SnapshotException;
import dev.holdfast.agent.snapshot.chain.ChainFsck;
import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.agent.vm.VmRegistry;
import dev.holdfast.coordinator.protocol.Name;
import java.util.ArrayList;
import java.util.List;

/** {@code node.fsck}: the chains and the journal of this node. Thread-safe. */
public final class FsckCommands {

    private final Name self;
    private final VmRegistry vms;
    private final NodeParts parts;
    private final OperationJournal journal;

    /**
     * @param self this node
     * @param vms its machines
     * @param parts their chains
     * @param journal its operations
     */
    public FsckCommands(Name self, VmRegistry vms, NodeParts parts, OperationJournal journal) {
        this.self = self;
        this.vms = vms;
        this.parts = parts;
        this.journal = journal;
    }

    /** Adds the handler. */
    public void register(CommandTable table) {
        table.register(ControlCommand.NODE_FSCK, this::fsck);
    }

    private Object fsck(Arguments arguments, Progress progress) throws ControlException {
        boolean repair = arguments.flag("repair");
        boolean emptyLost = arguments.flag("empty_lost");
        List<FsckReport.Row> rows = new ArrayList<>();
        for (ManagedVm vm : vms.all()) {
            try {
                rows.addAll(rows(vm.name(), look(vm.name(), repair, emptyLost)));
            } catch (SnapshotException e) {
                rows.add(new FsckReport.Row(vm.name(), "problem", e.because().text()));
            }
        }
        vms.unreadable()
                .files()
                .forEach(file -> rows.add(new FsckReport.Row(
                        file.vm().orElse(self),
                        "problem",
                        "its definition cannot be read, its chain was not looked at: " + file.because())));
        journal.unreadable().forEach(text -> rows.add(new FsckReport.Row(self, "problem", text)));
        return new FsckReport(rows);
    }

    private ChainFsck.Findings look(Name vm, boolean repair, boolean emptyLost) throws SnapshotException {
        if (!repair && !emptyLost) {
            return parts.reading(vm, (operation, snapshots) -> snapshots.look());
        }
        return parts.alone(vm, OperationKind.FSCK, (operation, snapshots) -> snapshots.repair(emptyLost));
    }

    private static List<FsckReport.Row> rows(Name vm, ChainFsck.Findings findings) {
        List<FsckReport.Row> rows = new ArrayList<>();
        findings.problems().forEach(text -> rows.add(new FsckReport.Row(vm, "problem", text)));
        findings.leftovers().forEach(file -> rows.add(new FsckReport.Row(vm, "leftover", file.toString())));
        findings.lost().forEach(file -> rows.add(new FsckReport.Row(vm, "lost", file.toString())));
        return rows;
    }
}
