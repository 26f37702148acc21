/**
 * Local snapshots of one machine: taking them in the phases that a round needs or at one go, going back to them, removing
 * them. Everything about files is in {@link dev.holdfast.agent.snapshot.chain}; everything about processes is behind {@link
 * dev.holdfast.agent.hypervisor.Hypervisor}; here they meet.
 *
 * <p>Threads: one at a time for a machine. The caller admits one operation for a machine and guarantees that this node owns
 * its chain (it runs the machine, or holds its claim). Machines are independent of each other.
 */
@NullMarked
package dev.holdfast.agent.snapshot;

import org.jspecify.annotations.NullMarked;
