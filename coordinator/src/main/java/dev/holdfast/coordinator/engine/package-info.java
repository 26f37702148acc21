/**
 * Drives the pure machines: one thread takes events from one mailbox, hands each to its machine, and starts the effects
 * in the order the machine returned them. Threads and what each alone may touch:
 *
 * <ul>
 *   <li>{@code holdfast-engine}: all machine states, the latest views, timers' registry. Never blocks.
 *   <li>{@code holdfast-store}: calls to the decision log. Blocks for the store's time-out.
 *   <li>{@code holdfast-journal}: journal writes. Blocks for a flush.
 *   <li>{@code holdfast-round-ID}: the snapshotter's phases of one round, one after the other.
 *   <li>{@code holdfast-thaw}: {@code thawNow}, so that nothing that hangs can delay it.
 * </ul>
 */
@NullMarked
package dev.holdfast.coordinator.engine;

import org.jspecify.annotations.NullMarked;
