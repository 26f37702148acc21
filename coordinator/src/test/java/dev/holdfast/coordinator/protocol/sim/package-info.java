/**
 * A simulated world around the real machines: nodes with a journal, a virtual machine and a guard each, a linearizable
 * store, a lossy network, leaders that do not know they were replaced. Everything that happens is one {@code Move}; walks
 * pick moves by a seed, the checker tries them all. Deterministic, single-threaded, no wall clock.
 */
@NullMarked
package dev.holdfast.coordinator.protocol.sim;

import org.jspecify.annotations.NullMarked;
