/** The machines of this node: their definitions, their processes, and who may touch them. */
@NullMarked
package dev.holdfast.agent.vm;

import org.jspecify.annotations.NullMarked;
