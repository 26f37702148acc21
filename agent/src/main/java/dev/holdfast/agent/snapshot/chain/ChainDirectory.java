package dev.holdfast.agent.snapshot.chain;

import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.hypervisor.ImageLink;
import dev.holdfast.agent.json.DurableFile;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Reads a chain directory. Keeps nothing in memory: each answer is what the files say at that moment, which another agent or
 * a person may have changed. Not thread-safe against changes of the chain.
 */
public final class ChainDirectory {
    /** How the names of chain directories end. */
    public static final String SUFFIX = ".holdfast";

    static final DurableFile<Intent> INTENTS = new DurableFile<>("chain-intent", 1, Intent.class);
    static final DurableFile<SnapshotRecord> SIDECARS = new DurableFile<>("snapshot", 1, SnapshotRecord.class);

    private static final String SIDECAR = ".json";

    private final Path path;

    private ChainDirectory(Path path) {
        this.path = path;
    }

    /**
     * Opens a chain.
     *
     * @throws ChainException if the directory or one of its parts is missing
     */
    public static ChainDirectory open(Path path) throws IOException {
        if (!Files.isDirectory(path)) {
            throw new ChainException(
                    "the directory " + path + " is missing; is its file system mounted? If the disk was"
                            + " never under Holdfast, import it first");
        }
        // Layers name each other by absolute paths without links, and hypervisors are asked for the same names.
        ChainDirectory chain = new ChainDirectory(path.toRealPath());
        if (!chain.path.getFileName().toString().endsWith(SUFFIX)) {
            throw new ChainException(chain.path + " is no chain of layers: its name does not end in " + SUFFIX);
        }
        for (Path part : List.of(chain.layers(), chain.generations(), chain.snapshotFiles())) {
            if (!Files.isDirectory(part)) {
                throw new ChainException("the directory " + part + " is missing; restore it from a copy");
            }
        }
        chain.lastHead();
        return chain;
    }

    /** A chain that is being made: nothing is checked. */
    static ChainDirectory unchecked(Path path) {
        return new ChainDirectory(path.toAbsolutePath().normalize());
    }

    /**
     * The chain directory that a disk's path in a definition goes through.
     *
     * @param disk the disk's id
     * @param diskPath as {@code /srv/web.holdfast/head/d0}, or with {@code .qcow2} at its end
     * @throws ChainException if the path has another form, saying which
     */
    public static Path locate(String disk, Path diskPath) throws ChainException {
        Path head = diskPath.getParent();
        Path directory = head == null ? null : head.getParent();
        boolean fits = head != null
                && directory != null
                && directory.getFileName() != null
                && directory.getFileName().toString().endsWith(SUFFIX)
                && head.getFileName().toString().equals(HeadLink.NAME)
                && isNameOf(disk, diskPath.getFileName().toString());
        if (!fits) {
            throw new ChainException(
                    ("the path of disk %s is %s, which does not go through a chain of layers; snapshots"
                                    + " need a path like /srv/NAME%s/head/%s (or head/%s, for an image of any form): import"
                                    + " the disk")
                            .formatted(disk, diskPath, SUFFIX, ImageForm.QCOW2.fileName(disk), disk));
        }
        return directory;
    }

    /** Whoever names a form other than that of all new layers would find nothing after the next cut. */
    private static boolean isNameOf(String disk, String name) {
        return name.equals(disk) || name.equals(ImageForm.QCOW2.fileName(disk));
    }

    /** The directory, absolute. */
    public Path path() {
        return path;
    }

    /** Where a layer's file is. */
    public Path file(Layer layer) {
        return layers().resolve(layer.fileName());
    }

    /** A layer's image. */
    public LayerFile image(Layer layer) {
        return new LayerFile(this, layer);
    }

    /** The newest data of a disk, by a path that goes through the head. */
    public Path headFile(String disk) {
        return ImageLink.complete(path.resolve(HeadLink.NAME).resolve(disk));
    }

    /** Where a snapshot's memory is, or would be. */
    public Path memoryFile(Name snapshot) {
        return snapshotFiles().resolve(snapshot + ".memory");
    }

    /** Where a snapshot's sidecar is, or would be. */
    public Path sidecarFile(Name snapshot) {
        return snapshotFiles().resolve(snapshot + SIDECAR);
    }

    /** Where a sidecar waits for the decision. */
    public Path pendingFile(Name snapshot) {
        return snapshotFiles().resolve(snapshot + SIDECAR + ".pending");
    }

    /** Bytes that can still be written into this file system. */
    public long usableBytes() throws IOException {
        return Files.getFileStore(path).getUsableSpace();
    }

    /** The layer of this chain that a path names, if it does. */
    public Optional<Layer> layerAt(Path file) {
        Path parent = file.getParent();
        return parent != null && parent.equals(layers())
                ? Layer.fromFileName(file.getFileName().toString())
                : Optional.empty();
    }

    /**
     * What the head points to.
     *
     * @throws ChainException if it is missing or points to something else than a generation, naming the file
     */
    public Generation head() throws IOException {
        return generation(pointer().generation());
    }

    /** What the head points to, or did before it was set aside: for those who start nothing. */
    public Generation lastHead() throws IOException {
        return generation(pointer().lastGeneration());
    }

    /** Whether the head is set aside, so that nothing can start from it. */
    public boolean isHeadAside() throws IOException {
        return pointer().isAside();
    }

    /** The size in bytes that each disk has for the guest. */
    public SortedMap<String, Long> diskBytes() throws IOException {
        SortedMap<String, Long> sizes = new TreeMap<>();
        for (Layer layer : head().layers().values()) {
            sizes.put(layer.disk(), image(layer).virtualBytes());
        }
        return sizes;
    }

    /** A generation that was made before. */
    public Generation generation(int number) throws IOException {
        Path directory = generations().resolve(Generation.directoryName(number));
        TreeMap<String, Layer> layers = new TreeMap<>();
        for (Path link : list(directory)) {
            if (ImageForm.saidBy(link).isEmpty()) {
                throw new ChainException(link + " does not belong there; move it away");
            }
            Path target = Files.readSymbolicLink(link);
            Layer layer = Layer.fromFileName(target.getFileName().toString())
                    .filter(each -> each.linkName().equals(link.getFileName().toString()))
                    .orElseThrow(() -> new ChainException(
                            link + " points to " + target + ", which is no layer of a chain of that disk and form"));
            if (layers.put(layer.disk(), layer) != null) {
                throw new ChainException(
                        directory + " has two links for disk " + layer.disk() + "; run \"holdfast fsck\"");
            }
        }
        if (layers.isEmpty()) {
            throw new ChainException("the generation " + directory + " is empty, so that the machine has no disks");
        }
        return new Generation(number, layers);
    }

    /** A number that no generation and no layer has ever had. */
    public int nextNumber() throws IOException {
        int highest = lastGeneration();
        for (Path directory : List.of(layers(), lost())) {
            highest = namesIn(directory).stream().mapToInt(Layer::number).reduce(highest, Math::max);
        }
        return highest + 1;
    }

    /** The layers in a directory of a chain, by their names alone: nothing there need be readable. */
    public static List<Layer> namesIn(Path directory) throws IOException {
        return list(directory).stream()
                .flatMap(file -> Layer.fromFileName(file.getFileName().toString()).stream())
                .toList();
    }

    /** The highest number that a generation has; 0 if there is none. */
    int lastGeneration() throws IOException {
        int highest = 0;
        for (Path generation : list(generations())) {
            String name = generation.getFileName().toString();
            highest = Math.max(highest, name.matches("[0-9]{6,9}") ? Integer.parseInt(name) : 0);
        }
        return highest;
    }

    /** The change under way, if any. */
    public Optional<Intent> intent() throws IOException {
        try {
            return Optional.of(INTENTS.read(intentFile()));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    /** All snapshots. One unreadable sidecar makes this fail, naming it: its layers would look unused. */
    public SortedMap<Name, SnapshotRecord> snapshots() throws IOException {
        TreeMap<Name, SnapshotRecord> snapshots = new TreeMap<>();
        for (Path file : list(snapshotFiles())) {
            String name = file.getFileName().toString();
            if (name.endsWith(SIDECAR) && !name.startsWith(".")) {
                SnapshotRecord snapshot;
                try {
                    snapshot = SIDECARS.read(file);
                } catch (NoSuchFileException e) {
                    // Removed since the directory was read: whoever only looks does not wait for operations.
                    continue;
                }
                if (!name.equals(snapshot.name() + SIDECAR)) {
                    throw new ChainException(
                            file + " is the sidecar of " + snapshot.name() + "; give it its name back");
                }
                snapshots.put(snapshot.name(), snapshot);
            }
        }
        return Collections.unmodifiableSortedMap(snapshots);
    }

    /** A snapshot that waits for its decision. */
    public Optional<SnapshotRecord> pending(Name snapshot) throws IOException {
        try {
            return Optional.of(SIDECARS.read(pendingFile(snapshot)));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    /** Writes a sidecar under its pending name; durable on return. */
    public void writePending(SnapshotRecord snapshot) throws IOException {
        SIDECARS.write(pendingFile(snapshot.name()), snapshot);
    }

    /** Whether the file whose digest was taken is still as it was. */
    public interface Unchanged {
        boolean since() throws IOException;
    }

    /**
     * Keeps the digest of a frozen layer in the sidecar of the snapshot that it belongs to; durable on return. May be called
     * while a round makes another snapshot.
     *
     * @return false if the layer is being merged, has changed meanwhile, or the snapshot is gone: then nothing was written
     */
    public boolean recordDigest(Name snapshot, Layer layer, String sha256, Unchanged unchanged) throws IOException {
        synchronized (SIDECARS) {
            // A merge writes its intent first, and voids digests under this lock before it touches a layer.
            if (intent().filter(open -> open.kind() != Intent.Kind.CUT).isPresent() || !unchanged.since()) {
                return false;
            }
            Optional<SnapshotRecord> record = Optional.ofNullable(snapshots().get(snapshot));
            if (record.isEmpty()) {
                return false;
            }
            SnapshotRecord with = record.get().withDigest(layer, sha256);
            SIDECARS.write(sidecarFile(snapshot), with);
            return true;
        }
    }

    /**
     * Which layer stands on which.
     *
     * @throws ChainException if a layer stands on a file outside the chain, or a file there is no layer, naming it
     */
    public LayerGraph graph() throws IOException {
        return new LayerGraph(backing(), lastHead(), named());
    }

    /**
     * For what can be done with qcow2 images alone.
     *
     * @param what is done with them, as the subject of a sentence
     * @throws ChainException if there are others, naming one
     */
    public void requireQcow2(String what) throws IOException {
        for (Path file : list(layers())) {
            ImageForm form = ImageForm.of(file);
            if (form != ImageForm.QCOW2) {
                throw new ChainException(
                        "%s needs disks whose layers all are qcow2 images, and %s is none".formatted(what, file)
                                + "; import the disk again, as a copy (without --in-place)");
            }
        }
    }

    /** The layer below each layer. */
    SortedMap<Layer, Optional<Layer>> backing() throws IOException {
        TreeMap<Layer, Optional<Layer>> backing = new TreeMap<>();
        for (Path file : list(layers())) {
            if (file.getFileName().toString().startsWith(".")) {
                continue;
            }
            Layer layer = Layer.fromFileName(file.getFileName().toString())
                    .orElseThrow(() -> new ChainException(file + " is not a layer; move it out of " + layers()));
            try {
                backing.put(layer, image(layer).below());
            } catch (NoSuchFileException e) {
                // Merged and removed since the directory was read.
                continue;
            }
        }
        return backing;
    }

    /** The layers that each snapshot names. */
    SortedMap<Name, Set<Layer>> named() throws IOException {
        TreeMap<Name, Set<Layer>> named = new TreeMap<>();
        snapshots().forEach((name, snapshot) -> named.put(name, snapshot.named()));
        return named;
    }

    /** The graph, if it is whole. @throws ChainException with everything that is wrong */
    public LayerGraph wholeGraph() throws IOException {
        LayerGraph graph = graph();
        List<String> problems = graph.problems();
        if (!problems.isEmpty()) {
            throw new ChainException("the chain " + path + " is not whole: " + String.join("; ", problems)
                    + "; put the missing files back (look in " + lost() + "), then run \"holdfast fsck\"");
        }
        return graph;
    }

    public Path layers() {
        return path.resolve("layers");
    }

    Path generations() {
        return path.resolve("generations");
    }

    public Path snapshotFiles() {
        return path.resolve("snapshots");
    }

    public Path lost() {
        return path.resolve("lost");
    }

    Path headLink() {
        return path.resolve(HeadLink.NAME);
    }

    HeadLink pointer() {
        return new HeadLink(path);
    }

    Path intentFile() {
        return path.resolve("intent.json");
    }

    static List<Path> list(Path directory) throws IOException {
        if (!Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(directory)) {
            return new ArrayList<>(files.sorted().toList());
        }
    }
}
