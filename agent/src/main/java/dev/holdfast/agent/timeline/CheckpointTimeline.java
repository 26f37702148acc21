package dev.holdfast.agent.timeline;

import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/**
 * The instants of a checkpoint, ready to be drawn. Immutable.
 *
 * @param title what it is, for the headline
 * @param lanes one for each machine, at least one
 */
public record CheckpointTimeline(String title, List<Lane> lanes) {

    /** @throws IllegalArgumentException if there is nothing to draw */
    public CheckpointTimeline {
        lanes = List.copyOf(lanes);
        if (lanes.isEmpty()) {
            throw new IllegalArgumentException("a timeline needs at least one machine");
        }
    }

    /**
     * One machine. Instants are nanoseconds after the first freeze of the group, as far as the nodes' clocks agree.
     *
     * @param vm the machine
     * @param node where it ran
     * @param frozenAtNanos when its processors had stopped
     * @param capturedAtNanos when its disks were cut
     * @param thawedAtNanos when it ran again, not before it was frozen
     * @param uncertaintyNanos bound of the node's clock error, -1 if unknown
     */
    public record Lane(
            String vm,
            String node,
            long frozenAtNanos,
            long capturedAtNanos,
            long thawedAtNanos,
            long uncertaintyNanos) {

        /** @throws IllegalArgumentException if it was thawed before it was frozen */
        public Lane {
            if (thawedAtNanos < frozenAtNanos) {
                throw new IllegalArgumentException(vm + " was thawed before it was frozen");
            }
        }

        /** How long it stood still. */
        public long pauseNanos() {
            return thawedAtNanos - frozenAtNanos;
        }

        String label() {
            return vm + " on " + node;
        }
    }

    /** When the last machine had stopped: the cut begins. */
    public long cutBeginsNanos() {
        return lanes.stream().mapToLong(Lane::frozenAtNanos).max().orElse(0);
    }

    /** When the first machine ran again: the cut ends. Before the beginning if the clocks disagree that much. */
    public long cutEndsNanos() {
        return lanes.stream().mapToLong(Lane::thawedAtNanos).min().orElse(0);
    }

    /** How far the freezes lie apart. */
    public long skewNanos() {
        return cutBeginsNanos()
                - lanes.stream().mapToLong(Lane::frozenAtNanos).min().orElse(0);
    }

    /** The machine that stood still longest. */
    public Lane longest() {
        return lanes.stream().max(Comparator.comparingLong(Lane::pauseNanos)).orElseThrow();
    }

    long endNanos() {
        return lanes.stream().mapToLong(Lane::thawedAtNanos).max().orElse(0);
    }

    long beginNanos() {
        return lanes.stream().mapToLong(Lane::frozenAtNanos).min().orElse(0);
    }

    /** What the picture says, in a sentence. */
    String summary() {
        long uncertainty =
                lanes.stream().mapToLong(Lane::uncertaintyNanos).max().orElse(-1);
        boolean known = lanes.stream().allMatch(lane -> lane.uncertaintyNanos() >= 0);
        String error = known ? "clock error up to " + millis(uncertainty) : "clock error unknown";
        String cut = cutEndsNanos() >= cutBeginsNanos()
                ? "all still for " + millis(cutEndsNanos() - cutBeginsNanos())
                : "the clocks disagree by more than the cut lasted";
        return "%s; skew %s (%s); longest pause %s (%s)"
                .formatted(
                        cut,
                        millis(skewNanos()),
                        error,
                        millis(longest().pauseNanos()),
                        longest().vm());
    }

    /** Milliseconds with three significant digits: {@code 0.042 ms}, {@code 12.3 ms}, {@code 1520 ms}. */
    public static String millis(long nanos) {
        double value = nanos / 1e6;
        double size = Math.abs(value);
        String form = size >= 100 ? "%.0f ms" : size >= 10 ? "%.1f ms" : size >= 1 ? "%.2f ms" : "%.3f ms";
        return String.format(Locale.ROOT, form, value);
    }
}
