package dev.holdfast.agent;

import dev.holdfast.agent.faults.FaultPoints;
import java.time.Instant;
import java.time.InstantSource;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/**
 * Time, randomness and the end of the process: everything that is not the same twice. Only {@link HoldfastMain} has the real
 * ones.
 *
 * @param clock wall clock; only reports
 * @param nanoClock monotonic clock
 * @param random thread-safe
 * @param identities makes random identities
 * @param software version of Holdfast
 * @param fatal ends the process at once: a machine of the protocol has found a contradiction, and the guard must thaw
 * @param faults what a test wants to go wrong; nothing, otherwise
 */
public record Platform(
        InstantSource clock,
        LongSupplier nanoClock,
        RandomGenerator random,
        Supplier<String> identities,
        String software,
        Consumer<Throwable> fatal,
        FaultPoints faults) {

    private static final long NANOS_PER_SECOND = 1_000_000_000L;

    long wallNanos() {
        Instant now = clock.instant();
        return now.getEpochSecond() * NANOS_PER_SECOND + now.getNano();
    }
}
