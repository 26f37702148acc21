package dev.holdfast.agent.config;

import dev.holdfast.agent.hypervisor.PortRange;
import java.time.Duration;
import java.util.Optional;

/**
 * Table {@code [migration]}: machines that move to another node while they run, unless the command says otherwise. Immutable.
 *
 * @param bandwidth key {@code bandwidth}, default {@code 1G}, 16 KiB to 1 TiB: bytes a second at most. Too small: a guest that
 *     writes faster than that is slowed down, and may never get over. Too large: checkpoints and guests find the network full
 * @param downtime key {@code downtime}, default {@code 300ms}, 1 ms to 1 min: the guest is stopped when what is left fits into
 *     that time. Too small: busy guests never get over. Too large: they stand still for that long
 * @param timeout key {@code timeout}, default {@code 10m}, 1 s to 24 h: for all of it; then the guest stays where it is
 * @param ports key {@code ports}, {@code "49152-49215"}: where this node waits for machines that come; by default the kernel
 *     chooses. A machine takes one port while it moves: with fewer than move at once, some are refused
 */
public record MigrationSettings(long bandwidth, Duration downtime, Duration timeout, Optional<PortRange> ports) {}
