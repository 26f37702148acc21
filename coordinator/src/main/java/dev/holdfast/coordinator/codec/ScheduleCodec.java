package dev.holdfast.coordinator.codec;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.holdfast.coordinator.port.Schedules.Entry;
import dev.holdfast.coordinator.port.Schedules.Progress;
import dev.holdfast.coordinator.port.Schedules.Result;
import dev.holdfast.coordinator.port.Schedules.Rhythm;
import dev.holdfast.coordinator.port.Schedules.Schedule;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.Optional;

/** A schedule and how far it has come as JSON bytes, in the manner of {@link RecordCodec}. Stateless and thread-safe. */
public final class ScheduleCodec {

    private static final String FORMAT = "schedule";

    private ScheduleCodec() {}

    /** The record of a schedule. */
    public static byte[] encode(Schedule schedule, Progress progress) {
        ObjectNode json = Json.document(FORMAT, RecordCodec.VERSION)
                .put("group", schedule.group().value())
                .put("keepLast", schedule.keepLast());
        schedule.rhythm()
                .match(
                        every -> json.put("every", every.period().toString()),
                        cron -> json.put("cron", cron.expression())
                                .put("zone", cron.zone().getId()));
        json.set("options", SpecMapping.writeOptions(schedule.options()));
        json.put("due", progress.due().toString())
                .put("result", progress.result().name())
                .put("text", progress.text())
                .put("missed", progress.missed());
        progress.taken().ifPresent(taken -> json.put("taken", taken.toString()));
        return Json.bytes(json);
    }

    /** Reads what {@link #encode} wrote. */
    public static Entry decode(byte[] bytes, int version) throws CodecException {
        Fields json = Json.read(bytes, FORMAT, RecordCodec.VERSION);
        try {
            Schedule schedule = new Schedule(
                    json.name("group"),
                    rhythm(json),
                    Math.toIntExact(json.number("keepLast")),
                    json.object("options", SpecMapping::readOptions));
            Optional<Instant> taken = json.has("taken") ? Optional.of(json.instant("taken")) : Optional.empty();
            Progress progress = new Progress(
                    json.instant("due"),
                    json.choice("result", Result.class),
                    json.text("text"),
                    json.number("missed"),
                    taken);
            return new Entry(schedule, progress, version);
        } catch (IllegalArgumentException | ArithmeticException | DateTimeException refused) {
            throw new CodecException(
                    "a schedule record holds a value that cannot be: " + refused.getMessage(), refused);
        }
    }

    private static Rhythm rhythm(Fields json) throws CodecException {
        if (json.has("every")) {
            Duration period = json.duration("every");
            return new Rhythm.Every(period);
        }
        return new Rhythm.Cron(json.text("cron"), ZoneId.of(json.text("zone")));
    }
}
