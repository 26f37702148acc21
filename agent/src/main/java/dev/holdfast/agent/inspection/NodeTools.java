package dev.holdfast.agent.inspection;

import dev.holdfast.agent.journal.OperationJournal;
import dev.holdfast.agent.journal.VmClaims;
import dev.holdfast.agent.round.LeftIntents;
import dev.holdfast.agent.round.NodeParts;
import dev.holdfast.agent.snapshot.SnapshotException;
import dev.holdfast.agent.vm.VmRegistry;
import dev.holdfast.coordinator.port.Catalogue;
import dev.holdfast.coordinator.port.DecisionLog;
import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundId;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * What an inspection of a node needs of the node.
 *
 * @param self its name
 * @param vms its machines
 * @param parts their chains
 * @param claims what is under way on them
 * @param journal its operations
 * @param leftIntents what becomes of changes that were cut short
 * @param runDirectory of each machine
 * @param apart machines of which each node has disks of its own
 * @param thawed told of a machine whose freeze was ended here, so that the guard looks anew
 * @param catalogue what checkpoints consist of
 * @param rounds the records of rounds
 * @param makesTrue the decisions that this node has read and is making true
 * @param clock tells whether the bound of a freeze has passed
 */
public record NodeTools(
        Name self,
        VmRegistry vms,
        NodeParts parts,
        VmClaims claims,
        OperationJournal journal,
        LeftIntents leftIntents,
        Function<Name, Path> runDirectory,
        Predicate<Name> apart,
        Consumer<Name> thawed,
        Catalogue catalogue,
        DecisionLog rounds,
        MakesTrue makesTrue,
        InstantSource clock) {

    /** Tells what is made true at the moment. Thread-safe; waits for some seconds at most. */
    public interface MakesTrue {
        /** @throws SnapshotException the answer did not come in time */
        Map<RoundId, Decision> tell() throws SnapshotException;
    }
}
