/** {@code deploy/bench.sh scale}: many simulated agents with the real protocol, a real store and, for some, the real channel. */
@NullMarked
package dev.holdfast.coordinator.scale;

import org.jspecify.annotations.NullMarked;
