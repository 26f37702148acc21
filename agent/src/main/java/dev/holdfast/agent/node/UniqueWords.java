package dev.holdfast.agent.node;

import java.time.InstantSource;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/** Words that nobody else in the cluster makes: the time, so that they sort, and 40 random bits. Thread-safe. */
public final class UniqueWords implements Supplier<String> {

    private static final int RADIX = 36;
    private static final int RANDOM_BITS = 40;

    private final InstantSource clock;
    private final RandomGenerator random;

    /**
     * @param clock sorts the words
     * @param random makes them unique; thread-safe
     */
    public UniqueWords(InstantSource clock, RandomGenerator random) {
        this.clock = clock;
        this.random = random;
    }

    @Override
    public String get() {
        long noise = random.nextLong() >>> (Long.SIZE - RANDOM_BITS);
        return Long.toString(clock.millis(), RADIX) + "-" + Long.toString(noise, RADIX);
    }
}
