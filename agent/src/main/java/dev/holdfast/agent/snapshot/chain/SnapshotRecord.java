package dev.holdfast.agent.snapshot.chain;

import dev.holdfast.agent.hypervisor.GuestHardware;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * A snapshot of one machine, as its sidecar keeps it: all that is needed to go back to it without any store. Immutable.
 *
 * @param name unique among the machine's snapshots
 * @param vm the machine
 * @param operation who made it: a round's id or an id of the agent's own
 * @param kind what it consists of
 * @param createdAt the instant of the freeze by the node's clock
 * @param description free text, may be empty
 * @param parent the snapshot before it on its timeline when it was made
 * @param group the group whose checkpoint it is a part of, if any
 * @param disks a layer for each disk: what it read at that instant
 * @param memory the memory image, if there is one
 * @param capture how it was taken; empty for a branch
 * @param hardware what the machine was made of: memory loads only into the same
 */
public record SnapshotRecord(
        Name name,
        Name vm,
        String operation,
        Kind kind,
        Instant createdAt,
        String description,
        Optional<Name> parent,
        Optional<Name> group,
        List<DiskPart> disks,
        Optional<MemoryPart> memory,
        Optional<CaptureFacts> capture,
        Optional<Hardware> hardware) {

    /** {@link CaptureFacts#quiesce} of a guest whose file systems were flushed and held still. */
    public static final String QUIESCED = "done";

    /** What a snapshot consists of. */
    public enum Kind {
        /** Disks and memory of one instant. */
        FULL,
        /** Disks only. */
        DISKS,
        /** The disks of a timeline that a revert left. */
        BRANCH
    }

    /**
     * One disk of a snapshot.
     *
     * @param disk its id
     * @param layer the file's name in {@code layers/}
     * @param sha256 digest of the file in hexadecimal; empty if it was not taken, or is void since layers were merged
     */
    public record DiskPart(String disk, String layer, String sha256) {

        /** The layer. */
        public Layer asLayer() {
            return Layer.parse(layer);
        }
    }

    /**
     * The memory image.
     *
     * @param file its name in {@code snapshots/}
     * @param bytes its size
     * @param sha256 its digest in hexadecimal
     */
    public record MemoryPart(String file, long bytes, String sha256) {}

    /**
     * How it was taken. Instants are nanoseconds since 1970 by the node's clock.
     *
     * @param frozenAtNanos when the processors had stopped
     * @param capturedAtNanos when the disks were cut
     * @param thawedAtNanos when it ran again; equal to the capture if it was left paused
     * @param pauseNanos how long it stood still by the monotonic clock
     * @param method the method that was used
     * @param quiesce what came of the request to flush file systems: {@code no}, {@code done}, {@code failed: why}
     * @param hypervisor name and version of what ran it
     */
    public record CaptureFacts(
            long frozenAtNanos,
            long capturedAtNanos,
            long thawedAtNanos,
            long pauseNanos,
            CaptureMethod method,
            String quiesce,
            String hypervisor) {}

    /**
     * What a machine is made of, as far as memory depends on it.
     *
     * @param machine machine type with its version
     * @param accelerator kvm or tcg
     * @param cpu processor model, empty for the default
     * @param cpus number of processors
     * @param memoryBytes size of its memory
     * @param devices disks and network cards in the order of their addresses
     */
    public record Hardware(
            String machine, String accelerator, String cpu, int cpus, long memoryBytes, List<String> devices) {

        /** Copies the list. */
        public Hardware {
            devices = List.copyOf(devices);
        }

        /** As a sidecar keeps it. */
        public static Hardware of(GuestHardware seen) {
            return new Hardware(
                    seen.machine(), seen.accelerator(), seen.cpu(), seen.cpus(), seen.memoryBytes(), seen.devices());
        }
    }

    /** Copies the list. */
    public SnapshotRecord {
        disks = List.copyOf(disks);
    }

    /** The layers as a generation, which they are no head of. */
    public Generation layers() {
        TreeMap<String, Layer> layers = new TreeMap<>();
        disks.forEach(part -> layers.put(part.disk(), part.asLayer()));
        return new Generation(1, layers);
    }

    /** The layers that it names. */
    public Set<Layer> named() {
        return new TreeSet<>(layers().layers().values());
    }

    /** The same with one layer in place of another; that disk's digest is void. */
    public SnapshotRecord repointed(Layer from, Layer to) {
        return withDisks(disks.stream()
                .map(part -> part.asLayer().equals(from) ? new DiskPart(part.disk(), to.fileName(), "") : part)
                .toList());
    }

    /** The same with void digests for the layers whose file has changed. */
    public SnapshotRecord withoutDigest(Layer changed) {
        return withDisks(disks.stream()
                .map(part -> part.asLayer().equals(changed) ? new DiskPart(part.disk(), part.layer(), "") : part)
                .toList());
    }

    /** The same with the digest of a layer, if it names that. */
    SnapshotRecord withDigest(Layer layer, String sha256) {
        return withDisks(disks.stream()
                .map(part -> part.asLayer().equals(layer) ? new DiskPart(part.disk(), part.layer(), sha256) : part)
                .toList());
    }

    /** The same as a snapshot of the machine alone; the description says what it was. */
    SnapshotRecord released() {
        String was = group.map(of -> "was a part of " + of + "@" + name).orElse("");
        return new SnapshotRecord(
                name,
                vm,
                operation,
                kind,
                createdAt,
                description.isEmpty() ? was : description + " (" + was + ")",
                parent,
                Optional.empty(),
                disks,
                memory,
                capture,
                hardware);
    }

    private SnapshotRecord withDisks(List<DiskPart> changed) {
        return new SnapshotRecord(
                name, vm, operation, kind, createdAt, description, parent, group, changed, memory, capture, hardware);
    }
}
