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
     * @param refusals why no snapshot of it is made now, or only with {@code --allow-degraded}
     * @param lingers whether its machine writes to a layer above a raw image although no snapshot needs that
     */
    public record Disk(
            String vm, String id, boolean copied, Optional<String> obstacle, List<String> refusals, boolean lingers) {
        public Disk {
            refusals = List.copyOf(refusals);
        }
    }

    /** All that was looked at, whether well or not. */
    public static List<Check> of(String node, List<Disk> disks) {
        List<Check> checks = new ArrayList<>();
        for (Disk disk : disks) {
            disk.refusals()
                    .forEach(refusal -> checks.add(Check.warning(
                            node,
                            SUBJECT,
                            "snapshots and checkpoints with disk %s of %s are refused now: %s"
                                    .formatted(disk.id(), disk.vm(), refusal),
                            "the machine runs on; once its storage is as it should be, there are checkpoints again")));
            disk.obstacle()
                    .ifPresent(obstacle -> checks.add(Check.warning(
                            node,
                            SUBJECT,
                            "disk %s of %s stays on its layers after a snapshot: %s"
                                    .formatted(disk.id(), disk.vm(), obstacle),
                            "no snapshot is lost by it; keep = \"layer\" in its definition says that it is meant so")));
        }
        disks.stream()
                .filter(Disk::lingers)
                .forEach(
                        disk -> checks.add(
                                Check.warning(
                                        node,
                                        SUBJECT,
                                        "disk %s of %s is still on a layer, and no snapshot needs its raw image: going back to that was given up, or is still to come"
                                                .formatted(disk.id(), disk.vm()),
                                        "the log of the agent says why (\"stay on their layers\"); it is tried again after the next snapshot or checkpoint, and"
                                                + " a snapshot that is made and deleted while the machine is stopped ends it (docs/storage.md)")));
        long copied = disks.stream().filter(Disk::copied).count();
        if (copied > 0) {
            checks.add(Check.ok(node, SUBJECT, "raw disks that are copied after a snapshot: " + copied));
        }
        return checks;
    }
}
