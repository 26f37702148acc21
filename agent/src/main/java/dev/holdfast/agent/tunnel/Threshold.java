package dev.holdfast.agent.tunnel;

import dev.holdfast.agent.hypervisor.PortRange;
import java.io.IOException;
import java.net.BindException;
import java.util.Optional;

/**
 * Where this node opens its doors. Immutable.
 *
 * @param address of this node
 * @param ports those that a firewall lets through; empty for any
 */
public record Threshold(String address, Optional<PortRange> ports) {
    /** @throws IOException also when no port is free, with what to do */
    public Door open(Secret secret, Door.Visitors visitors) throws IOException {
        if (ports.isEmpty()) {
            return Door.open(address, secret, visitors);
        }
        try {
            return Door.open(address, ports.get().first(), ports.get().last(), secret, visitors);
        } catch (BindException e) {
            throw new IOException(
                    ("no port of migration.ports, %s, is free on %s (%s): each machine that comes and each standby takes"
                                    + " one")
                            .formatted(ports.get(), address, e.getMessage()),
                    e);
        }
    }
}
