package dev.holdfast.agent.journal;

import dev.holdfast.coordinator.protocol.JournalEntry;
import dev.holdfast.coordinator.protocol.Name;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * One operation on machines of this node, as the journal keeps it. Immutable.
 *
 * @param id unique for ever; names the file
 * @param kind what it is for
 * @param state how far it has come
 * @param vms the machines of this node that it touches, at least one
 * @param round present for the node's part in a round: the round, its epoch, and the report once it voted
 * @param processes what ran the machines, as far as it matters for the replay
 * @param since when it began, by the node's wall clock; for people only
 * @param detail free text for the replay of a local operation (the snapshot's name, say), may be empty
 */
public record Operation(
        Name id,
        OperationKind kind,
        OperationState state,
        List<Name> vms,
        Optional<JournalEntry> round,
        List<JournaledProcess> processes,
        Instant since,
        String detail) {

    /** @throws IllegalArgumentException if it touches no machine */
    public Operation {
        vms = List.copyOf(vms);
        processes = List.copyOf(processes);
        if (vms.isEmpty()) {
            throw new IllegalArgumentException("the operation " + id + " touches no machine");
        }
    }

    /** A local operation that begins. */
    public static Operation local(Name id, OperationKind kind, Name vm, Instant since, String detail) {
        return new Operation(id, kind, OperationState.INTENT, List.of(vm), Optional.empty(), List.of(), since, detail);
    }

    /** The same in another state. */
    public Operation in(OperationState now) {
        return new Operation(id, kind, now, vms, round, processes, since, detail);
    }

    /** The same with the processes that run its machines. */
    public Operation withProcesses(List<JournaledProcess> running) {
        return new Operation(id, kind, state, vms, round, running, since, detail);
    }
}
