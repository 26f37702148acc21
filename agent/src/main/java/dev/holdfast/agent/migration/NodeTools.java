package dev.holdfast.agent.migration;

import dev.holdfast.agent.cluster.Peers;
import dev.holdfast.agent.hypervisor.Hypervisor;
import dev.holdfast.agent.hypervisor.PortRange;
import dev.holdfast.agent.journal.OperationJournal;
import dev.holdfast.agent.journal.VmClaims;
import dev.holdfast.agent.vm.VmRegistry;
import dev.holdfast.coordinator.protocol.Name;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * What a node needs for machines that come and go.
 *
 * @param self this node
 * @param vms its machines
 * @param hypervisor what runs them
 * @param claims who holds them
 * @param journal remembers who owns a machine that moves
 * @param peers the other nodes
 * @param runDirectory of each machine
 * @param stateDirectory what outlives the host
 * @param ports on which machines are waited for; empty for any
 * @param clock stamps the journal, for people
 * @param nanoClock the monotonic clock
 * @param changed told when a machine has come or gone
 */
public record NodeTools(
        Name self,
        VmRegistry vms,
        Hypervisor hypervisor,
        VmClaims claims,
        OperationJournal journal,
        Supplier<Peers> peers,
        Function<Name, Path> runDirectory,
        Path stateDirectory,
        Optional<PortRange> ports,
        InstantSource clock,
        LongSupplier nanoClock,
        Runnable changed) {}
