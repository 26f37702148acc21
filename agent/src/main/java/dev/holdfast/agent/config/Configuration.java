package dev.holdfast.agent.config;

import dev.holdfast.coordinator.protocol.Name;
import java.util.List;
import java.util.Optional;

/**
 * The whole configuration of a node. Immutable.
 *
 * @param node what {@code holdfast.toml} says
 * @param vms the machines, by name
 */
public record Configuration(NodeSettings node, List<VmSettings> vms) {

    /** Copies the list. */
    public Configuration {
        vms = List.copyOf(vms);
    }

    /** The machine of that name. */
    public Optional<VmSettings> vm(Name name) {
        return vms.stream().filter(vm -> vm.name().equals(name)).findFirst();
    }
}
