package dev.holdfast.agent.round;

import dev.holdfast.agent.cluster.MemberParts;
import dev.holdfast.agent.control.reply.Verification.State;
import dev.holdfast.agent.journal.OperationKind;
import dev.holdfast.agent.snapshot.SnapshotException;
import dev.holdfast.agent.snapshot.SnapshotRequest;
import dev.holdfast.agent.snapshot.Verification;
import dev.holdfast.agent.snapshot.VmSnapshots;
import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.coordinator.engine.RoundRefusedException;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.RoundOptions;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What other nodes ask of this node's machines as members of groups, outside of rounds. Thread-safe.
 *
 * @param parts the machines' chains
 */
public record NodeMembers(NodeParts parts) implements MemberParts {

    @Override
    public Forecast preflight(RoundKind kind, Name vm, Name checkpoint, RoundOptions options) {
        List<String> problems = new ArrayList<>();
        parts.inTheWay(vm).ifPresent(problems::add);
        try {
            ManagedVm machine = parts.machine(vm);
            return switch (kind) {
                case CHECKPOINT -> capture(machine, checkpoint, options, problems);
                case REVERT -> RevertForecast.of(vm, parts.open(machine), checkpoint, problems);
            };
        } catch (SnapshotException e) {
            problems.add(e.because().text());
            return PauseForecast.none(vm, options.method(), problems);
        }
    }

    private Forecast capture(ManagedVm machine, Name checkpoint, RoundOptions options, List<String> problems)
            throws SnapshotException {
        CaptureMethod method = CheckpointPart.method(machine, options);
        if (options.quiesce() == RoundOptions.Quiesce.REQUIRE) {
            CheckpointPart.cannotQuiesce(machine).ifPresent(problems::add);
        }
        SnapshotRequest request = new SnapshotRequest(
                        "preflight", checkpoint, Optional.empty(), method, options.deadline(), "")
                .withDegraded(options.allowDegraded());
        return PauseForecast.of(machine.name(), parts.open(machine), request, problems);
    }

    @Override
    public List<String> ties(Name vm, RoundOptions options) throws RoundRefusedException {
        try {
            ManagedVm machine = parts.machine(vm);
            requireChain(machine);
            boolean memory = CheckpointPart.method(machine, options) != CaptureMethod.DISK_ONLY;
            return parts.open(machine).ties(parts.node(), memory);
        } catch (SnapshotException e) {
            throw new RoundRefusedException(e.because());
        }
    }

    /** @throws RoundRefusedException why it can be no member as it is defined, whether it answers or not */
    private void requireChain(ManagedVm machine) throws RoundRefusedException {
        if (machine.definition().hasChain()) {
            return;
        }
        try {
            parts.open(machine);
        } catch (SnapshotException e) {
            boolean later = e.because().kind() == Refusal.Kind.BUSY;
            throw new RoundRefusedException(
                    later ? e.because() : Refusal.preflight(e.because().text()));
        }
    }

    @Override
    public void delete(Name vm, Name checkpoint) throws RoundRefusedException {
        try {
            parts.alone(vm, OperationKind.CHECKPOINT_DELETE, (operation, snapshots) -> {
                boolean there = snapshots.list().stream()
                        .anyMatch(info -> info.snapshot().name().equals(checkpoint));
                if (there) {
                    snapshots.delete(operation, checkpoint, (done, total) -> {});
                }
                return there;
            });
        } catch (SnapshotException e) {
            throw new RoundRefusedException(e.because());
        }
    }

    @Override
    public List<Checked> verify(Name vm, Name checkpoint) throws RoundRefusedException {
        try {
            return parts.reading(vm, (operation, snapshots) -> verified(snapshots, checkpoint));
        } catch (SnapshotException e) {
            throw new RoundRefusedException(e.because());
        }
    }

    private static List<Checked> verified(VmSnapshots snapshots, Name checkpoint) throws SnapshotException {
        Verification found = snapshots.verify(checkpoint, (done, total) -> {});
        String chain = snapshots.chain().path().toString();
        if (found.isGood()) {
            return List.of(new Checked("snapshot", chain, State.INTACT, String.join("; ", found.unread())));
        }
        List<Checked> rows = new ArrayList<>();
        found.problems().forEach(text -> rows.add(new Checked("snapshot", chain, State.DAMAGED, text)));
        found.unreadable().forEach(text -> rows.add(new Checked("memory", chain, State.UNREADABLE, text)));
        return rows;
    }
}
