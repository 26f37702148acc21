package dev.holdfast.agent.snapshot.chain;

import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.json.DurableFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The chain of a machine whose disks stay where their owner has them: a directory beside the first of them, whose head leads to links to the
 * images and never moves. Its other layers are copies of those. They are called raw, because nobody here looks into them: what is in them
 * is what is in the image. Stateless.
 */
public final class ForeignChain {
    private static final int FIRST = 1;

    private ForeignChain() {}

    /** Where it is, or would be. @throws IllegalArgumentException the machine has no disks */
    public static Path locate(VmDefinition definition) {
        if (definition.disks().isEmpty()) {
            throw new IllegalArgumentException(definition.name() + " has no disks");
        }
        return definition.disks().get(0).path().resolveSibling(definition.name() + ChainDirectory.SUFFIX);
    }

    /** Whether anything has been kept there yet, or was to be. */
    public static boolean isThere(VmDefinition definition) {
        return !definition.disks().isEmpty() && Files.isDirectory(locate(definition));
    }

    /** Whether something is, or was, done to it that has not ended. Cheap. */
    public static boolean isLeft(VmDefinition definition) {
        return isThere(definition) && Files.exists(locate(definition).resolve("intent.json"));
    }

    /**
     * Opens it; makes it, if it is not there.
     *
     * @throws ChainException its disks are not there, not in one file system, or others than those that it was made for
     */
    public static ChainDirectory open(VmDefinition definition, DiskImages images, InstantSource clock)
            throws IOException {
        Path path = locate(definition);
        SortedMap<String, Path> disks = new TreeMap<>();
        for (VmDefinition.Disk disk : definition.disks()) {
            requireBeside(disk.path(), path);
            disks.put(disk.id(), disk.path());
        }
        if (!Files.exists(path.resolve("head"), LinkOption.NOFOLLOW_LINKS)) {
            make(path, disks, images, clock);
        }
        ChainDirectory chain = ChainDirectory.open(path);
        requireSame(chain, disks);
        return chain;
    }

    private static void requireBeside(Path disk, Path chain) throws IOException {
        if (!Files.isRegularFile(disk)) {
            throw new ChainException(disk
                    + " is missing, or is no file; Holdfast keeps copies of files only, on the node that has them");
        }
        if (!Files.getFileStore(disk).equals(Files.getFileStore(chain.resolveSibling("")))) {
            throw new ChainException(
                    "%s and %s are on different file systems; copies share their blocks with what they are copied from: move the disk"
                            .formatted(disk, chain));
        }
    }

    private static void make(Path path, SortedMap<String, Path> disks, DiskImages images, InstantSource clock)
            throws IOException {
        ChainDirectory chain =
                ChainDirectory.unchecked(path.resolveSibling("").toRealPath().resolve(path.getFileName()));
        for (Path directory : List.of(chain.layers(), chain.generations(), chain.snapshotFiles(), chain.lost())) {
            Files.createDirectories(directory);
        }
        SortedMap<String, Layer> layers = new TreeMap<>();
        for (var disk : disks.entrySet()) {
            Layer layer = new Layer(disk.getKey(), FIRST, ImageForm.RAW);
            Files.deleteIfExists(chain.file(layer));
            Files.createSymbolicLink(chain.file(layer), disk.getValue());
            layers.put(disk.getKey(), layer);
        }
        new ChainExecutor(chain, images, LiveDisks.NONE, clock, ChainExecutor.Removal.QUARANTINE, Progress.NONE)
                .run(List.of(
                        new ChainStep.FlushLayers(),
                        new ChainStep.MakeGeneration(new Generation(FIRST, layers)),
                        new ChainStep.MoveHead(FIRST),
                        new ChainStep.FlushHead()));
        DurableFile.flushDirectory(chain.path().getParent());
    }

    private static void requireSame(ChainDirectory chain, SortedMap<String, Path> disks) throws IOException {
        SortedMap<String, Path> then = new TreeMap<>();
        for (Layer layer : chain.head().layers().values()) {
            then.put(layer.disk(), Files.readSymbolicLink(chain.file(layer)));
        }
        if (!then.equals(disks)) {
            throw new ChainException(
                    "%s was made for the disks %s, and the definition names %s; correct that, or move the directory away with the snapshots in it"
                            .formatted(chain.path(), then, disks));
        }
    }
}
