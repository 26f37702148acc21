package dev.holdfast.agent.inspection;

import dev.holdfast.agent.journal.OperationJournal;
import dev.holdfast.agent.journal.VmClaims;
import dev.holdfast.agent.round.LeftIntents;
import dev.holdfast.agent.round.NodeParts;
import dev.holdfast.agent.vm.VmRegistry;
import dev.holdfast.coordinator.port.Catalogue;
import dev.holdfast.coordinator.protocol.Name;
import java.nio.file.Path;
import java.time.InstantSource;
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
 * @param freezes ends freezes that nobody is at any more
 * @param catalogue what checkpoints consist of
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
        LeftFreezes freezes,
        Catalogue catalogue,
        InstantSource clock) {}
