package dev.holdfast.agent.service;

import dev.holdfast.agent.config.CheckpointSettings;
import dev.holdfast.agent.config.Quantity;
import dev.holdfast.agent.control.Arguments;
import dev.holdfast.agent.control.CommandTable;
import dev.holdfast.agent.control.ControlCommand;
import dev.holdfast.agent.control.ControlException;
import dev.holdfast.agent.control.ErrorCode;
import dev.holdfast.agent.control.Progress;
import dev.holdfast.agent.control.reply.Done;
import dev.holdfast.agent.control.reply.ScheduleList;
import dev.holdfast.coordinator.port.Catalogue;
import dev.holdfast.coordinator.port.Schedules;
import dev.holdfast.coordinator.port.Schedules.Entry;
import dev.holdfast.coordinator.port.Schedules.Rhythm;
import dev.holdfast.coordinator.port.Schedules.Schedule;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundOptions;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import dev.holdfast.coordinator.protocol.RoundOptions.Quiesce;
import dev.holdfast.coordinator.schedule.Timetable;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneId;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** {@code schedule.*}. Thread-safe. */
public final class ScheduleCommands {

    private static final int MOST_KEPT = 10_000;

    private final CheckpointSettings settings;
    private final Schedules schedules;
    private final Catalogue catalogue;
    private final InstantSource clock;

    /**
     * @param settings durations unless the caller says otherwise
     * @param schedules what there is
     * @param catalogue the groups there are
     * @param clock what comes next
     */
    public ScheduleCommands(
            CheckpointSettings settings, Schedules schedules, Catalogue catalogue, InstantSource clock) {
        this.settings = settings;
        this.schedules = schedules;
        this.catalogue = catalogue;
        this.clock = clock;
    }

    /** Adds the handlers. */
    public void register(CommandTable table) {
        table.register(ControlCommand.SCHEDULE_LIST, this::list)
                .register(ControlCommand.SCHEDULE_SET, this::set)
                .register(ControlCommand.SCHEDULE_REMOVE, this::remove);
    }

    private Object list(Arguments arguments, Progress progress) throws ControlException, InterruptedException {
        Optional<Name> wanted = arguments.optionalName("group");
        return new ScheduleList(rows(wanted));
    }

    private List<ScheduleList.Row> rows(Optional<Name> wanted) throws ControlException, InterruptedException {
        Instant now = clock.instant();
        return Failures.told(() -> schedules.entries().stream()
                .filter(entry ->
                        wanted.isEmpty() || wanted.get().equals(entry.schedule().group()))
                .map(entry -> describe(entry, now))
                .toList());
    }

    private static ScheduleList.Row describe(Entry entry, Instant now) {
        Schedule schedule = entry.schedule();
        return new ScheduleList.Row(
                schedule.group(),
                schedule.rhythm()
                        .match(
                                every -> "every " + Quantity.text(every.period()),
                                cron -> cron.expression() + " " + cron.zone().getId()),
                schedule.keepLast(),
                Timetable.of(schedule.rhythm()).after(now).map(Instant::toString),
                entry.progress().result() == Schedules.Result.NONE
                        ? ""
                        : entry.progress().due().toString(),
                entry.progress().result().name().toLowerCase(Locale.ROOT),
                entry.progress().text(),
                entry.progress().missed());
    }

    private Object set(Arguments arguments, Progress progress) throws ControlException, InterruptedException {
        Name group = arguments.name("group");
        Schedule schedule = read(group, arguments);
        Failures.told(() -> catalogue.group(group))
                .orElseThrow(() -> new ControlException(
                        ErrorCode.NOT_FOUND,
                        "there is no group " + group,
                        "",
                        "'holdfast group list' shows what there is"));
        Failures.done(() -> schedules.set(schedule, clock.instant()));
        return new ScheduleList(rows(Optional.of(group)));
    }

    private Schedule read(Name group, Arguments arguments) throws ControlException {
        long keep = arguments.number("keep_last", 0, MOST_KEPT).orElse(0L);
        try {
            Rhythm rhythm = rhythm(arguments);
            Timetable.of(rhythm);
            RoundOptions options = new RoundOptions(
                            arguments.duration("deadline").orElse(settings.deadline()),
                            settings.prepareTimeout(),
                            settings.drainTimeout(),
                            arguments.duration("max_pause").orElse(Duration.ZERO),
                            arguments.choice("method", CaptureMethod.class).orElse(CaptureMethod.AUTO),
                            arguments.choice("quiesce", Quiesce.class).orElse(Quiesce.NO),
                            false,
                            arguments.text("description").orElse(""))
                    .withDegraded(arguments.flag("allow_degraded"));
            return new Schedule(group, rhythm, Math.toIntExact(keep), options);
        } catch (DateTimeException e) {
            throw ControlException.of(
                    ErrorCode.BAD_REQUEST, "zone: " + e.getMessage() + "; use one as in Europe/Berlin, or UTC");
        } catch (IllegalArgumentException e) {
            throw ControlException.of(ErrorCode.BAD_REQUEST, String.valueOf(e.getMessage()));
        }
    }

    private static Rhythm rhythm(Arguments arguments) throws ControlException {
        Optional<Duration> every = arguments.duration("every");
        Optional<String> cron = arguments.text("cron");
        if (every.isPresent() == cron.isPresent()) {
            throw ControlException.of(
                    ErrorCode.BAD_REQUEST, "say when: either --every TIME, as in 6h, or --cron \"0 3 * * *\"");
        }
        if (every.isPresent()) {
            return new Rhythm.Every(every.get());
        }
        return new Rhythm.Cron(
                cron.orElseThrow(), ZoneId.of(arguments.text("zone").orElse("UTC")));
    }

    private Object remove(Arguments arguments, Progress progress) throws ControlException, InterruptedException {
        Name group = arguments.name("group");
        if (!Failures.told(() -> schedules.remove(group))) {
            throw new ControlException(
                    ErrorCode.NOT_FOUND,
                    "there is no schedule for " + group,
                    "",
                    "'holdfast schedule list' shows what there is");
        }
        return new Done("checkpoints of " + group + " are no longer taken by themselves; those there are stay");
    }
}
