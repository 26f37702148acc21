/** Pictures of a checkpoint: when each machine was frozen, captured and thawed, and the cut they have in common. */
@NullMarked
package dev.holdfast.agent.timeline;

import org.jspecify.annotations.NullMarked;
