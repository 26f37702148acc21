/** Devices of DRBD. They are copied by the storage below them, on the node that has the role. */
@NullMarked
package dev.holdfast.agent.storage.drbd;

import org.jspecify.annotations.NullMarked;
