package dev.holdfast.agent.control.reply;

import dev.holdfast.coordinator.protocol.Name;
import java.util.List;
import java.util.Optional;

/**
 * The answer to {@code schedule.list}.
 *
 * @param schedules by group
 */
public record ScheduleList(List<Row> schedules) {

    /** Copies the list. */
    public ScheduleList {
        schedules = List.copyOf(schedules);
    }

    /**
     * A group's schedule. Times are ISO 8601.
     *
     * @param group the group
     * @param when as it was set: {@code every 6h}, or the cron expression and its zone
     * @param keepLast how many are kept; 0 for all
     * @param next when it comes next
     * @param last what was due last
     * @param result what came of that: {@code none}, {@code begun}, {@code taken}, {@code skipped}, {@code failed}, {@code missed}
     * @param text the checkpoint, or why there is none
     * @param missed how many were missed since it was set
     */
    public record Row(
            Name group,
            String when,
            int keepLast,
            Optional<String> next,
            String last,
            String result,
            String text,
            long missed) {}
}
