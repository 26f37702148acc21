package dev.holdfast.agent.hypervisor.libvirt;

import dev.holdfast.agent.virsh.KeptVirsh;
import java.time.Duration;
import java.util.function.Function;
import java.util.function.LongSupplier;

/**
 * How a domain gets to libvirtd. Immutable.
 *
 * @param settings where it is
 * @param virsh another virsh, which nobody else uses; its answers take that long at most
 * @param nanoClock monotonic nanoseconds
 */
record Connections(LibvirtSettings settings, Function<Duration, KeptVirsh> virsh, LongSupplier nanoClock) {}
