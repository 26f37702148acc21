package dev.holdfast.agent.snapshot;

import dev.holdfast.agent.hypervisor.Hypervisor;
import dev.holdfast.agent.snapshot.chain.DiskImages;
import dev.holdfast.agent.storage.ImageStore;
import dev.holdfast.agent.storage.ImageStores;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * What snapshots of all machines share. Immutable.
 *
 * @param hypervisor starts processes
 * @param images changes images that no process has open
 * @param watch lets a machine run again when we do not
 * @param clock wall clock, for reports
 * @param nanoClock monotonic clock
 * @param maxDepth how many layers a disk may have before unnamed ones are merged, 2 to 200; default 16. Too small: every
 *     snapshot copies data. Too large: reads go through many files
 * @param storage what copies raw images by itself
 * @param recorded what the cluster knows of memory images
 */
public record SnapshotTools(
        Hypervisor hypervisor,
        DiskImages images,
        FreezeWatch watch,
        InstantSource clock,
        LongSupplier nanoClock,
        int maxDepth,
        ImageStore storage,
        RecordedMemory recorded) {
    /** Layers of a disk before unnamed ones are merged. */
    public static final int DEFAULT_MAX_DEPTH = 16;

    private static final long NANOS_PER_SECOND = 1_000_000_000L;

    /** On storage that copies nothing. */
    public SnapshotTools(
            Hypervisor hypervisor,
            DiskImages images,
            FreezeWatch watch,
            InstantSource clock,
            LongSupplier nanoClock,
            int maxDepth) {
        this(hypervisor, images, watch, clock, nanoClock, maxDepth, new ImageStores(List.of()));
    }

    /** With nothing recorded. */
    public SnapshotTools(
            Hypervisor hypervisor,
            DiskImages images,
            FreezeWatch watch,
            InstantSource clock,
            LongSupplier nanoClock,
            int maxDepth,
            ImageStore storage) {
        this(hypervisor, images, watch, clock, nanoClock, maxDepth, storage, RecordedMemory.NONE);
    }

    /** The same, with what the cluster has recorded. */
    public SnapshotTools with(RecordedMemory known) {
        return new SnapshotTools(hypervisor, images, watch, clock, nanoClock, maxDepth, storage, known);
    }

    /** What to add to the monotonic clock to get the wall clock now, in nanoseconds since 1970. */
    public long wallMinusNano() {
        Instant now = clock.instant();
        return now.getEpochSecond() * NANOS_PER_SECOND + now.getNano() - nanoClock.getAsLong();
    }
}
