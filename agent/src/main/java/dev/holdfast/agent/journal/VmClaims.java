package dev.holdfast.agent.journal;

import dev.holdfast.coordinator.protocol.Name;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Admits one operation at a time for each machine of this node (invariant I5). In memory; rebuilt from the journal at a
 * start. Thread-safe.
 */
public final class VmClaims {

    /**
     * Who holds a machine.
     *
     * @param vm the machine
     * @param operation the operation that holds it
     * @param kind what that is for
     */
    public record Holder(Name vm, Name operation, OperationKind kind) {
        /** For the user: what, why, and what to do. */
        public String text() {
            return "the machine " + vm + " is busy: " + kind.text() + " " + operation
                    + " has not ended; wait for it, or end it";
        }
    }

    private final Map<Name, Holder> holders = new TreeMap<>();

    /**
     * Claims all the machines for an operation, or none. Idempotent for one operation.
     *
     * @return who is in the way, or empty if the operation holds all of them now
     */
    public synchronized Optional<Holder> claim(Name operation, OperationKind kind, Collection<Name> vms) {
        for (Name vm : vms) {
            Holder holder = holders.get(vm);
            if (holder != null && !holder.operation().equals(operation)) {
                return Optional.of(holder);
            }
        }
        vms.forEach(vm -> holders.put(vm, new Holder(vm, operation, kind)));
        return Optional.empty();
    }

    /** Gives up everything an operation holds. Idempotent. */
    public synchronized void release(Name operation) {
        holders.values().removeIf(holder -> holder.operation().equals(operation));
    }

    /** Who holds a machine. */
    public synchronized Optional<Holder> holder(Name vm) {
        return Optional.ofNullable(holders.get(vm));
    }

    /** Everything that is held, by machine. */
    public synchronized List<Holder> holders() {
        return List.copyOf(holders.values());
    }

    /**
     * Claims again what the operations of the journal held. Those in doubt go first: an intent may have been written before
     * its operation was refused the machine, and must not keep it from one that is bound.
     *
     * @return the operations that do not hold their machines; they were never admitted
     */
    public List<Operation> restore(Collection<Operation> operations) {
        List<Operation> ordered = new ArrayList<>(operations);
        ordered.sort(
                Comparator.comparing((Operation operation) -> !operation.state().inDoubt())
                        .thenComparing(Operation::since)
                        .thenComparing(Operation::id));
        return ordered.stream()
                .filter(operation ->
                        claim(operation.id(), operation.kind(), operation.vms()).isPresent())
                .toList();
    }
}
