/** Tests of the group channel: logic in one process, the channel itself in processes of its own. */
@NullMarked
package dev.holdfast.coordinator.group;

import org.jspecify.annotations.NullMarked;
