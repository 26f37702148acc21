package dev.holdfast.agent.round;

import dev.holdfast.coordinator.protocol.Name;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;

/**
 * Notes when the steps of a freeze were taken, without writing anything down while it lasts. Thread-safe.
 *
 * <p>As text: {@code NAME=MICROSECONDS} for each step, {@code NAME:VM=MICROSECONDS} where it was one machine's, counted from
 * the first one noted.
 */
final class StepClock {

    private record Step(String name, long atNanos) {
        String since(long firstNanos) {
            return name + "=" + (atNanos - firstNanos) / 1_000;
        }
    }

    private final LongSupplier nanoClock;
    private final Queue<Step> steps = new ConcurrentLinkedQueue<>();

    /** @param nanoClock the monotonic clock */
    StepClock(LongSupplier nanoClock) {
        this.nanoClock = nanoClock;
    }

    void mark(String step) {
        steps.add(new Step(step, nanoClock.getAsLong()));
    }

    void mark(String step, Name vm) {
        mark(step, vm, nanoClock.getAsLong());
    }

    void mark(String step, Name vm, long atNanos) {
        steps.add(new Step(step + ":" + vm, atNanos));
    }

    @Override
    public String toString() {
        long first = steps.isEmpty() ? 0 : steps.element().atNanos();
        return steps.stream().map(step -> step.since(first)).collect(Collectors.joining(" "));
    }
}
