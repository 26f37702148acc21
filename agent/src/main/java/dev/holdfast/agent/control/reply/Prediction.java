package dev.holdfast.agent.control.reply;

import dev.holdfast.coordinator.protocol.Name;
import java.util.List;

/**
 * The answer to a {@code dry_run} of {@code checkpoint.create} or {@code snapshot.create} that would not be refused;
 * refusals are errors with all reasons in them.
 *
 * @param vms the machines
 */
public record Prediction(List<Row> vms) {

    /** Copies the list. */
    public Prediction {
        vms = List.copyOf(vms);
    }

    /**
     * What is expected of one machine.
     *
     * @param vm the machine
     * @param node where it runs
     * @param method how its memory would be captured
     * @param pauseNanos expected pause
     * @param bytes expected size
     * @param freeBytes room there is where it would be written
     */
    public record Row(Name vm, Name node, String method, long pauseNanos, long bytes, long freeBytes) {
        /** The method of a capture of the disks alone. */
        static final String WITHOUT_MEMORY = "disk_only";

        /** Whether its memory would be kept; if not, a revert boots it. */
        public boolean hasMemory() {
            return !method.equals(WITHOUT_MEMORY);
        }
    }
}
