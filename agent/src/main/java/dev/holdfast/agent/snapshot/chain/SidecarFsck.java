package dev.holdfast.agent.snapshot.chain;

import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.json.DurableFile;
import dev.holdfast.coordinator.protocol.CheckpointRecord;
import dev.holdfast.coordinator.protocol.Part;
import dev.holdfast.coordinator.protocol.VmReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * Writes the sidecar of a part of a checkpoint anew from what the catalogue knows, if that is missing or cannot be read. Without
 * its sidecar nobody has kept the part's layers from being merged into each other, so that they have to be proven what they were:
 * frozen files, or their storage's copies of such, that have the size they had then and were not written since. What the catalogue does not know, the sidecar does
 * not say: what the machine was made of, digests of layers. One operation at a time for a chain, as everywhere.
 */
public final class SidecarFsck {
    private static final String DISK = "disk:";
    private static final String MEMORY = "memory";
    private static final String SIDECAR = ".json";
    private static final long NANOS_PER_SECOND = 1_000_000_000L;

    /** The machine's file system may date by a coarser clock than the one that dated the capture. */
    private static final Duration COARSE = Duration.ofSeconds(5);

    private final ChainDirectory chain;

    /** @param chain which the part is in */
    public SidecarFsck(ChainDirectory chain) {
        this.chain = chain;
    }

    /** Takes the digest of a file. */
    public interface Digest {
        /** In hexadecimal. */
        String of(Path file) throws IOException;
    }

    /**
     * Writes the sidecar if there is none that can be read; one that cannot goes to {@code lost/}.
     *
     * @param checkpoint as the catalogue has it
     * @param report the machine's in it
     * @return whether there was a reason to
     * @throws ChainException it is not certain that the part's files are what they were
     */
    public boolean restore(CheckpointRecord checkpoint, VmReport report, Digest digest, ChainExecutor executor)
            throws IOException {
        Path sidecar = chain.sidecarFile(checkpoint.name());
        Path pending = chain.pendingFile(checkpoint.name());
        if (isReadable(sidecar) || isReadable(pending)) {
            return false;
        }
        List<SnapshotRecord.DiskPart> disks = disks(report);
        Optional<SnapshotRecord.MemoryPart> memory = memory(report, digest);
        SnapshotRecord record = new SnapshotRecord(
                checkpoint.name(),
                report.vm(),
                checkpoint.round().value(),
                memory.isPresent() ? SnapshotRecord.Kind.FULL : SnapshotRecord.Kind.DISKS,
                Instant.ofEpochSecond(0, report.frozenAtNanos()),
                checkpoint.description(),
                checkpoint.parent(),
                Optional.of(checkpoint.group()),
                disks,
                memory,
                Optional.of(new SnapshotRecord.CaptureFacts(
                        report.frozenAtNanos(),
                        report.capturedAtNanos(),
                        report.thawedAtNanos(),
                        report.pauseNanos(),
                        report.method(),
                        report.quiesce(),
                        report.hypervisor())),
                Optional.empty());
        synchronized (ChainDirectory.SIDECARS) {
            executor.moveToLost(sidecar);
            executor.moveToLost(pending);
            ChainDirectory.SIDECARS.write(sidecar, record);
        }
        DurableFile.flushDirectory(chain.snapshotFiles());
        return true;
    }

    private static boolean isReadable(Path sidecar) {
        try {
            return !ChainDirectory.SIDECARS.read(sidecar).disks().isEmpty();
        } catch (IOException e) {
            return false;
        }
    }

    private List<SnapshotRecord.DiskPart> disks(VmReport report) throws IOException {
        SortedMap<Layer, Optional<Layer>> backing = chain.backing();
        Set<Layer> others = new HashSet<>(chain.head().layers().values());
        for (Path file : ChainDirectory.list(chain.snapshotFiles())) {
            String name = file.getFileName().toString();
            if (name.endsWith(SIDECAR) && !name.startsWith(".") && isReadable(file)) {
                others.addAll(ChainDirectory.SIDECARS.read(file).named());
            }
        }
        List<SnapshotRecord.DiskPart> disks = new ArrayList<>();
        for (Part part : report.parts()) {
            if (part.role().startsWith(DISK)) {
                String disk = part.role().substring(DISK.length());
                Layer layer = layerOrCopy(layer(disk, part), backing.keySet(), others, part, report);
                requireBelow(layer, backing);
                if (others.contains(layer)) {
                    throw new ChainException("layers/%s is written, or another snapshot's, by now".formatted(layer));
                }
                requireUnchanged(layer, part, report);
                disks.add(new SnapshotRecord.DiskPart(disk, layer.fileName(), ""));
            }
        }
        if (disks.size() != chain.head().layers().size()) {
            throw new ChainException("the catalogue names disks %s of it, the machine has %s"
                    .formatted(disks, chain.head().layers().keySet()));
        }
        return disks;
    }

    private static Layer layer(String disk, Part part) throws ChainException {
        Path file = Path.of(part.path()).getFileName();
        return Optional.ofNullable(file)
                .flatMap(name -> Layer.fromFileName(name.toString()))
                .filter(layer -> layer.disk().equals(disk))
                .orElseThrow(() -> new ChainException(
                        "the catalogue names %s, which is no layer of disk %s".formatted(part.path(), disk)));
    }

    /**
     * What was frozen, or a copy of it: a copy has the time of what it was made of. The image itself may have been frozen and copied again
     * since, so that the newest of those counts that are not newer than the part.
     */
    private Layer layerOrCopy(Layer frozen, Set<Layer> all, Set<Layer> others, Part part, VmReport report)
            throws IOException {
        Layer newest = frozen;
        Instant latest = Instant.MIN;
        SortedSet<Layer> later = new TreeSet<>();
        for (Layer layer : all) {
            boolean copy = layer.disk().equals(frozen.disk()) && layer.of() == frozen.number();
            boolean increment = frozen.form() == ImageForm.RAW && layer.isIncrementOf(frozen);
            boolean timed = layer.form() == ImageForm.RAW || increment;
            if (timed && (copy || layer.equals(frozen)) && !others.contains(layer)) {
                Path file = chain.file(layer);
                Instant written = Files.getLastModifiedTime(file).toInstant();
                boolean fits = bytes(layer) == part.bytes()
                        && !written.isAfter(captured(report).plus(COARSE));
                // Of two that read the same the copy stays as it is.
                if (fits && (written.isAfter(latest) || copy && written.equals(latest))) {
                    newest = layer;
                    latest = written;
                } else if (increment && !fits) {
                    later.add(layer);
                }
            }
        }
        // A delete merges increments, which gives them another time: the part may be in one of those.
        if (newest.isIncrementOf(frozen) && !later.isEmpty() && later.last().number() > newest.number()) {
            throw new ChainException(
                    "layers/%s may hold it, or layers/%s, which was written since and which no snapshot names. If that is another snapshot's whose file is lost, too, it is found once that one is mended; run \"holdfast fsck --repair\" again"
                            .formatted(newest, later.last()));
        }
        return newest;
    }

    /** A part that is a copy was as long as the disk when it was frozen. */
    private long bytes(Layer layer) throws IOException {
        return layer.isCopy() ? chain.image(layer).virtualBytes() : Files.size(chain.file(layer));
    }

    private static Instant captured(VmReport report) {
        return Instant.ofEpochSecond(
                report.capturedAtNanos() / NANOS_PER_SECOND, report.capturedAtNanos() % NANOS_PER_SECOND);
    }

    private static void requireBelow(Layer layer, SortedMap<Layer, Optional<Layer>> backing) throws ChainException {
        Set<Layer> seen = new HashSet<>();
        Optional<Layer> next = Optional.of(layer);
        while (next.isPresent() && seen.add(next.get())) {
            if (!backing.containsKey(next.get())) {
                throw new ChainException(
                        "layers/%s is missing; it may have been merged into the one below".formatted(next.get()));
            }
            next = backing.get(next.get());
        }
    }

    private void requireUnchanged(Layer layer, Part part, VmReport report) throws IOException {
        Path file = chain.file(layer);
        if (layer.form().isDevice()) {
            throw new ChainException(file + " is a block device, which does not say when it was last written");
        }
        Instant written = Files.getLastModifiedTime(file).toInstant();
        if (bytes(layer) != part.bytes() || written.isAfter(captured(report).plus(COARSE))) {
            throw new ChainException(
                    "%s was written after the checkpoint (%s, %d bytes; it had %d), so that it may hold newer data"
                            .formatted(file, written, bytes(layer), part.bytes()));
        }
    }

    /** The image itself may be missing: then that is the next thing to put right. */
    private Optional<SnapshotRecord.MemoryPart> memory(VmReport report, Digest digest) throws IOException {
        for (Part part : report.parts()) {
            if (part.role().equals(MEMORY)) {
                Path image = chain.snapshotFiles().resolve(Path.of(part.path()).getFileName());
                try {
                    if (Files.size(image) != part.bytes() || !digest.of(image).equals(part.sha256())) {
                        throw new ChainException(image + " is not the memory that the catalogue knows");
                    }
                } catch (NoSuchFileException e) {
                    continue;
                }
            }
        }
        return report.parts().stream()
                .filter(part -> part.role().equals(MEMORY))
                .map(part -> new SnapshotRecord.MemoryPart(
                        String.valueOf(Path.of(part.path()).getFileName()), part.bytes(), part.sha256()))
                .findFirst();
    }
}
