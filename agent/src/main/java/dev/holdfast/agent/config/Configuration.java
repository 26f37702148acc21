package dev.holdfast.agent.config;

import dev.holdfast.coordinator.protocol.Name;
import java.util.List;
import java.util.Optional;

/**
 * The whole configuration of a node. Immutable.
 *
 * @param node what {@code holdfast.toml} says
 * @param vms the machines, by name
 * @param broken files that should define one and do not, by path: they keep no other machine from being looked after
 */
public record Configuration(NodeSettings node, List<VmSettings> vms, List<BrokenDefinition> broken) {

    /** Copies the lists. */
    public Configuration {
        vms = List.copyOf(vms);
        broken = List.copyOf(broken);
    }

    /** The machine of that name. */
    public Optional<VmSettings> vm(Name name) {
        return vms.stream().filter(vm -> vm.name().equals(name)).findFirst();
    }

    /** Whether a machine has a live copy on another node. */
    public boolean isReplicated(Name name) {
        return vm(name).flatMap(VmSettings::replication).isPresent();
    }
}
