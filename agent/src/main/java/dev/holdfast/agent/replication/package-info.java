/**
 * Replicated machines of one node: carries out what {@link dev.holdfast.coordinator.replication} decides, as primary and as standby.
 *
 * <p>Each machine has one thread on which its state changes and effects are carried out in order, and a second one for what takes
 * long on a primary: copying disks, sending epochs. Nothing here decides who may run a machine.
 */
@NullMarked
package dev.holdfast.agent.replication;

import org.jspecify.annotations.NullMarked;
