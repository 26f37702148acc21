package dev.holdfast.agent.control.reply;

import dev.holdfast.coordinator.protocol.Name;
import java.util.List;

/**
 * The answer to a {@code dry_run} of {@code checkpoint.create}, {@code checkpoint.revert} or {@code snapshot.create} that would
 * not be refused; refusals are errors with all reasons in them.
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
     * @param method how its memory would be captured, or was
     * @param pauseNanos expected pause; -1 if it is not known, as that of a revert
     * @param bytes expected size; of a revert the RAM that the old memory takes beside the running machine
     * @param freeBytes room there is for that
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
