package dev.holdfast.coordinator.port;

import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundOptions;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** When groups are checkpointed by themselves, and what came of it. One schedule a group. Methods block. Thread-safe. */
public interface Schedules {

    /** When: at fixed intervals, or as cron has it. */
    sealed interface Rhythm {

        /** Handles each kind. */
        <T> T match(Function<Every, T> every, Function<Cron, T> cron);

        /** @param period counted from 1970-01-01T00:00Z, so that all nodes agree; at least a second */
        record Every(Duration period) implements Rhythm {
            /** @throws IllegalArgumentException if it is shorter than a second; the message is meant for the user */
            public Every {
                if (period.compareTo(Duration.ofSeconds(1)) < 0) {
                    throw new IllegalArgumentException("the interval must be at least 1s");
                }
            }

            @Override
            public <T> T match(Function<Every, T> every, Function<Cron, T> cron) {
                return every.apply(this);
            }
        }

        /**
         * @param expression five fields as in crontab(5), or {@code @hourly}, {@code @daily}, {@code @weekly}, ...
         * @param zone whose clock it is read by
         */
        record Cron(String expression, ZoneId zone) implements Rhythm {
            @Override
            public <T> T match(Function<Every, T> every, Function<Cron, T> cron) {
                return cron.apply(this);
            }
        }
    }

    /**
     * What shall be done.
     *
     * @param group whose machines
     * @param rhythm when
     * @param keepLast how many of the checkpoints that this schedule has taken are kept; 0 for all
     * @param options how each is taken
     */
    record Schedule(Name group, Rhythm rhythm, int keepLast, RoundOptions options) {
        /** @throws IllegalArgumentException if a value is out of range */
        public Schedule {
            if (keepLast < 0) {
                throw new IllegalArgumentException("the number of checkpoints to keep must not be negative");
            }
        }
    }

    /** What came of a run. */
    enum Result {
        /** None was due yet. */
        NONE,
        /** It was begun; who began it did not live to tell the end, or it goes on. */
        BEGUN,
        TAKEN,
        /** Not taken on purpose: paused, maintenance, a member that does not run. */
        SKIPPED,
        FAILED,
        /** Nobody was there to take it in time. */
        MISSED
    }

    /**
     * How far a schedule has come.
     *
     * @param due the newest moment that was dealt with; no earlier one is looked at again
     * @param result what came of it
     * @param text the checkpoint's name, or why there is none
     * @param missed how many were missed since the schedule was set
     * @param taken when the newest was taken, if any
     */
    record Progress(Instant due, Result result, String text, long missed, Optional<Instant> taken) {

        /** Where a new schedule begins. */
        public static Progress from(Instant now) {
            return new Progress(now, Result.NONE, "", 0, Optional.empty());
        }
    }

    /**
     * A schedule as it was read.
     *
     * @param version of the record, for {@link #note}
     */
    record Entry(Schedule schedule, Progress progress, int version) {}

    /** All there are, by group. */
    List<Entry> entries() throws StoreUnreachableException;

    /** Makes or replaces a group's schedule; counting begins anew. */
    void set(Schedule schedule, Instant now) throws StoreUnreachableException;

    /** @return false if there was none */
    boolean remove(Name group) throws StoreUnreachableException;

    /**
     * Notes how far a schedule has come.
     *
     * @param read what the note is based on
     * @param reign of the leader that notes
     * @return what is noted now; empty if the schedule was changed meanwhile, the reign is over, or nobody can tell whether it was
     *     noted
     */
    Optional<Entry> note(Entry read, Progress progress, Epoch reign) throws StoreUnreachableException;
}
