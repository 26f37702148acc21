package dev.holdfast.coordinator.schedule;

import com.cronutils.model.CronType;
import com.cronutils.model.definition.CronDefinition;
import com.cronutils.model.definition.CronDefinitionBuilder;
import com.cronutils.model.time.ExecutionTime;
import com.cronutils.parser.CronParser;
import dev.holdfast.coordinator.port.Schedules.Rhythm;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.Optional;

/** The moments of a rhythm. Immutable. */
public final class Timetable {

    private static final CronDefinition CRONTAB = CronDefinitionBuilder.instanceDefinitionFor(CronType.UNIX);

    private interface Moments {
        Optional<Instant> after(Instant moment);

        Optional<Instant> upTo(Instant moment);
    }

    private final Moments moments;

    private Timetable(Moments moments) {
        this.moments = moments;
    }

    /** @throws IllegalArgumentException if it is no cron expression, or never comes; the message is meant for the user */
    public static Timetable of(Rhythm rhythm) {
        return new Timetable(rhythm.match(every -> new Regular(every.period()), Timetable::cron));
    }

    private static Moments cron(Rhythm.Cron cron) {
        try {
            return new AsCronSays(
                    ExecutionTime.forCron(new CronParser(CRONTAB)
                            .parse(nickname(cron.expression()))
                            .validate()),
                    cron.zone());
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "\"%s\" is no cron expression (%s); use five fields as in crontab(5): minute, hour, day of month, month, day of week, as in \"0 3 * * *\", or @hourly, @daily, @weekly, @monthly"
                            .formatted(cron.expression(), e.getMessage()),
                    e);
        }
    }

    /** The library's own nicknames are not part of its definition of UNIX cron. */
    private static String nickname(String expression) {
        return switch (expression) {
            case "@hourly" -> "0 * * * *";
            case "@daily", "@midnight" -> "0 0 * * *";
            case "@weekly" -> "0 0 * * 0";
            case "@monthly" -> "0 0 1 * *";
            default -> expression;
        };
    }

    /** The first moment after another. */
    public Optional<Instant> after(Instant moment) {
        return moments.after(moment);
    }

    /** The last moment that is not after another. */
    Optional<Instant> upTo(Instant moment) {
        return moments.upTo(moment);
    }

    private record Regular(Duration period) implements Moments {
        @Override
        public Optional<Instant> after(Instant moment) {
            return upTo(moment).map(last -> last.plus(period));
        }

        @Override
        public Optional<Instant> upTo(Instant moment) {
            long millis = period.toMillis();
            return Optional.of(Instant.ofEpochMilli(Math.floorDiv(moment.toEpochMilli(), millis) * millis));
        }
    }

    private record AsCronSays(ExecutionTime times, ZoneId zone) implements Moments {
        @Override
        public Optional<Instant> after(Instant moment) {
            return times.nextExecution(moment.atZone(zone)).map(ZonedDateTime::toInstant);
        }

        @Override
        public Optional<Instant> upTo(Instant moment) {
            // The library looks strictly before.
            return times.lastExecution(moment.plusNanos(1).atZone(zone)).map(ZonedDateTime::toInstant);
        }
    }
}
