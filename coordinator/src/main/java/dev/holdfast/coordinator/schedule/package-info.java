/**
 * When scheduled checkpoints are due. Pure: who asks says what time it is.
 */
@NullMarked
package dev.holdfast.coordinator.schedule;

import org.jspecify.annotations.NullMarked;
