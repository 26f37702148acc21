/**
 * The QEMU Machine Protocol over a UNIX socket: commands, replies, events. Knows nothing of what the commands mean.
 * Source: QEMU's docs/interop/qmp-spec.
 */
@NullMarked
package dev.holdfast.agent.qmp;

import org.jspecify.annotations.NullMarked;
