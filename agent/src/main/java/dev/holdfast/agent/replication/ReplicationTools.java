package dev.holdfast.agent.replication;

import dev.holdfast.agent.faults.FaultPoints;
import dev.holdfast.agent.hypervisor.replication.Replication;
import dev.holdfast.agent.snapshot.chain.DiskImages;
import dev.holdfast.agent.tunnel.Threshold;
import dev.holdfast.agent.vm.VmRegistry;
import dev.holdfast.coordinator.protocol.Name;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * What a node needs for its replicated machines.
 *
 * @param self this node
 * @param threshold of this node, where primaries call
 * @param vms its machines
 * @param replication what runs them
 * @param fencing who proves that another node is gone
 * @param images makes disks
 * @param runDirectory of each machine
 * @param stateDirectory what outlives the host
 * @param clock for people, and for the age of files
 * @param nanoClock the monotonic clock
 * @param freshIds never the same
 * @param fatal told of a bug in the rules
 * @param faults what a test wants to go wrong
 */
public record ReplicationTools(
        Name self,
        Threshold threshold,
        VmRegistry vms,
        Replication replication,
        Fencing fencing,
        DiskImages images,
        Function<Name, Path> runDirectory,
        Path stateDirectory,
        InstantSource clock,
        LongSupplier nanoClock,
        Supplier<Name> freshIds,
        Consumer<Throwable> fatal,
        FaultPoints faults) {}
