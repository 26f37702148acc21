/** Replicated machines on this node: carries out what {@link dev.holdfast.coordinator.replication} decides. */
@NullMarked
package dev.holdfast.agent.replication;

import org.jspecify.annotations.NullMarked;
