package dev.holdfast.coordinator.schedule;

import dev.holdfast.coordinator.port.Schedules.Entry;
import dev.holdfast.coordinator.port.Schedules.Progress;
import dev.holdfast.coordinator.port.Schedules.Result;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/** What is to be done about a schedule now. Pure. */
public final class Agenda {

    /**
     * How late a checkpoint may be begun: long enough for a change of the leader, short enough that nobody is surprised by one
     * in the middle of the day that was meant for the night.
     */
    public static final Duration GRACE = Duration.ofMinutes(1);

    private static final int MOST_COUNTED = 10_000;

    /**
     * What to note, and whether to begin.
     *
     * @param progress to be noted first
     * @param begin take the checkpoint that is due
     */
    public record Step(Progress progress, boolean begin) {}

    private Agenda() {}

    /** Empty if nothing is due. */
    public static Optional<Step> look(Entry entry, Instant now) {
        Timetable times = Timetable.of(entry.schedule().rhythm());
        Progress before = entry.progress();
        Optional<Instant> newest = times.upTo(now).filter(due -> due.isAfter(before.due()));
        return newest.map(due -> step(before, due, times, now));
    }

    private static Step step(Progress before, Instant due, Timetable times, Instant now) {
        long skippedOver = between(times, before.due(), due);
        boolean inTime = Duration.between(due, now).compareTo(GRACE) <= 0;
        long missed = before.missed() + skippedOver + (inTime ? 0 : 1);
        return inTime
                ? new Step(new Progress(due, Result.BEGUN, "", missed, before.taken()), true)
                : new Step(
                        new Progress(
                                due,
                                Result.MISSED,
                                "no leader could take it at its time; see the log of the agents",
                                missed,
                                before.taken()),
                        false);
    }

    /** How many moments lie strictly between; counted up to a bound. */
    private static long between(Timetable times, Instant from, Instant to) {
        long count = 0;
        Optional<Instant> each = times.after(from);
        while (each.isPresent() && each.get().isBefore(to) && count < MOST_COUNTED) {
            count++;
            each = times.after(each.get());
        }
        return count;
    }
}
