package dev.holdfast.agent.control.reply;

import dev.holdfast.coordinator.protocol.CheckpointRecord;
import dev.holdfast.coordinator.protocol.Name;
import java.util.List;
import java.util.Optional;

/**
 * The answer to {@code checkpoint.list}.
 *
 * @param checkpoints by group and age
 */
public record CheckpointList(List<Row> checkpoints) {

    /** Copies the list. */
    public CheckpointList {
        checkpoints = List.copyOf(checkpoints);
    }

    /**
     * One checkpoint in short; the fields are those of {@link CheckpointDetails}.
     *
     * @param vms how many members it has
     */
    public record Row(
            Name group,
            Name name,
            String created,
            String state,
            Optional<String> parent,
            String description,
            int vms,
            long maxPauseNanos,
            long skewNanos,
            long bytes) {

        /** The short form of a record of the catalogue. */
        public static Row of(CheckpointRecord record) {
            CheckpointDetails details = CheckpointDetails.of(record);
            return new Row(
                    details.group(),
                    details.name(),
                    details.created(),
                    details.state(),
                    details.parent(),
                    details.description(),
                    details.vms().size(),
                    details.maxPauseNanos(),
                    details.skewNanos(),
                    details.bytes());
        }
    }
}
