/** Replicated machines of one node. */
@NullMarked
package dev.holdfast.agent.replication;

import org.jspecify.annotations.NullMarked;
