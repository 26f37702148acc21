package dev.holdfast.agent.doctor;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Judges what becomes of the raw disks of a node's machines when a snapshot has frozen them. Pure. */
public final class StorageDiagnosis {
    private static final String SUBJECT = "disks";

    private StorageDiagnosis() {}

    /**
     * A disk.
     *
     * @param vm its machine
     * @param id its id
     * @param copied whether its storage copies its image
     * @param obstacle why it does not, if somebody may want that it does
     */
    public record Disk(String vm, String id, boolean copied, Optional<String> obstacle) {}

    /** All that was looked at, whether well or not. */
    public static List<Check> of(String node, List<Disk> disks) {
        List<Check> checks = new ArrayList<>();
        for (Disk disk : disks) {
            disk.obstacle()
                    .ifPresent(obstacle -> checks.add(Check.warning(
                            node,
                            SUBJECT,
                            "disk %s of %s stays on its layers after a snapshot: %s"
                                    .formatted(disk.id(), disk.vm(), obstacle),
                            "no snapshot is lost by it; keep = \"layer\" in its definition says that it is meant so")));
        }
        long copied = disks.stream().filter(Disk::copied).count();
        if (copied > 0) {
            checks.add(Check.ok(node, SUBJECT, "raw disks that are copied after a snapshot: " + copied));
        }
        return checks;
    }
}
