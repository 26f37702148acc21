/** The guard against real QEMU processes, and its client. */
@NullMarked
package dev.holdfast.agent.guard;

import org.jspecify.annotations.NullMarked;
