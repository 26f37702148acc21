/**
 * A second process of a machine on another node that follows it, disks and memory, epoch by epoch: what a driver must be able
 * to do for that. Who may be the primary is decided elsewhere; nothing here lets a guest run that was not told to.
 */
@NullMarked
package dev.holdfast.agent.hypervisor.replication;

import org.jspecify.annotations.NullMarked;
