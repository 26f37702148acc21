package dev.holdfast.agent.snapshot.chain;

import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.json.DurableFile;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * A copy of another node's chain while it is made. It lies where the chain will be, because layers name each other by that
 * path, but has no head, so that no machine can start from it; {@code arriving.json} says which move it belongs to. It
 * becomes the chain by one rename. What has a mark and no head is worth nothing and may be removed by whoever finds it. Not
 * thread-safe.
 */
public final class ArrivingChain {
    static final String MARK = "arriving.json";
    private static final String BEFORE = ".replaced-by-move";
    /** A disk that is nearly full is no place for a machine. */
    private static final long SPARE = 64L << 20;

    private static final DurableFile<Mark> MARKS = new DurableFile<>("arriving-chain", 1, Mark.class);

    private final Path path;
    private final String operation;

    private ArrivingChain(Path path, String operation) {
        this.path = path;
        this.operation = operation;
    }

    record Mark(String operation, Freight freight) {}

    /**
     * Makes room for a copy. Removes what an earlier attempt left; a chain whose machine has moved away is set beside until
     * the copy is the chain.
     *
     * @param path the chain's directory as the definition has it
     * @throws ChainException there is something else, or no room; nothing was changed
     */
    public static ArrivingChain begin(Path path, String operation, Freight freight) throws IOException {
        Files.createDirectories(path.toAbsolutePath().getParent());
        Path real = path.toAbsolutePath().getParent().toRealPath().resolve(path.getFileName());
        if (!real.toString().equals(freight.directory())) {
            throw new ChainException("the chain is %s on the other node and would be %s here; layers name each other by"
                            .formatted(freight.directory(), real)
                    + " their whole paths, so both must be the same, without symbolic links");
        }
        remove(real);
        boolean aside = MovedChain.at(real).note().isPresent();
        if (!aside && !ChainDirectory.list(real).isEmpty()) {
            throw new ChainException(real
                    + " is not empty, and a copy never replaces what is there; if nothing in it is needed, remove it");
        }
        ArrivingChain chain = new ArrivingChain(real, operation);
        long usable = Files.getFileStore(real.getParent()).getUsableSpace();
        if (usable < freight.bytes() + SPARE) {
            throw new ChainException("the file system of %s has room for %d MiB, and %d MiB are needed"
                    .formatted(real, usable >> 20, (freight.bytes() + SPARE) >> 20));
        }
        if (aside) {
            Path beside = beside(real);
            deleteTree(beside);
            Files.move(real, beside, StandardCopyOption.ATOMIC_MOVE);
        }
        ChainDirectory made = chain.unchecked();
        for (Path directory :
                List.of(made.path(), made.layers(), made.generations(), made.snapshotFiles(), made.lost())) {
            Files.createDirectories(directory);
        }
        MARKS.write(real.resolve(MARK), new Mark(operation, freight));
        DurableFile.flushDirectory(real.getParent());
        return chain;
    }

    /** The copy that a move has begun, if it is still there, with or without its head. */
    public static Optional<ArrivingChain> find(Path path, String operation) throws IOException {
        Path mark = path.resolve(MARK);
        return Files.exists(mark) && MARKS.read(mark).operation().equals(operation)
                ? Optional.of(new ArrivingChain(path.toRealPath(), operation))
                : Optional.empty();
    }

    /** Whether no machine can ever have run from what is at a path on this node: there is nothing, or a copy without head. */
    public static boolean isWorthNothing(Path path) throws IOException {
        return ChainDirectory.list(path).isEmpty()
                || Files.exists(path.resolve(MARK)) && !Files.exists(path.resolve("head"), LinkOption.NOFOLLOW_LINKS);
    }

    private ChainDirectory unchecked() {
        return ChainDirectory.unchecked(path);
    }

    private Freight freight() throws IOException {
        return MARKS.read(path.resolve(MARK)).freight();
    }

    /**
     * Where a part is to be written.
     *
     * @throws ChainException it is none of this copy
     */
    public Path file(String part) throws IOException {
        if (freight().parts().stream().noneMatch(expected -> expected.path().equals(part))) {
            throw new ChainException("\"" + part + "\" is not among what was announced");
        }
        return path.resolve(part);
    }

    /**
     * All parts are there: makes the images that take what is written, and everything but the head.
     *
     * @return per disk the image, by a path that goes through the generation
     */
    public Map<String, Path> complete(DiskImages images, InstantSource clock) throws IOException {
        Freight freight = freight();
        ChainDirectory chain = unchecked();
        for (Freight.Part part : freight.parts()) {
            Path file = path.resolve(part.path());
            if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS) || Files.size(file) != part.bytes()) {
                throw new ChainException(file + " has not come over whole");
            }
        }
        TreeMap<String, Layer> layers = new TreeMap<>();
        for (Freight.Active disk : freight.disks()) {
            Layer layer = Layer.parse(disk.layer());
            if (disk.backing().isEmpty()) {
                images.create(chain.file(layer), disk.virtualBytes());
            } else {
                images.createOverlay(chain.file(layer), chain.file(Layer.parse(disk.backing())));
            }
            layers.put(layer.disk(), layer);
        }
        ChainExecutor executor = new ChainExecutor(
                chain, images, LiveDisks.NONE, clock, ChainExecutor.Removal.QUARANTINE, Progress.NONE);
        executor.run(List.of(
                new ChainStep.FlushLayers(),
                new ChainStep.MakeGeneration(new Generation(freight.generation(), layers))));
        DurableFile.flushDirectory(chain.snapshotFiles());
        Map<String, Path> files = new TreeMap<>();
        layers.keySet().forEach(disk -> files.put(disk, generation(freight).resolve(ChainDirectory.imageName(disk))));
        return files;
    }

    private Path generation(Freight freight) {
        return path.resolve("generations").resolve(Generation.directoryName(freight.generation()));
    }

    /** Has what was written to its disks by now on stable storage. */
    public void flush() throws IOException {
        for (Freight.Active disk : freight().disks()) {
            try (FileChannel file =
                    FileChannel.open(unchecked().file(Layer.parse(disk.layer())), StandardOpenOption.READ)) {
                file.force(true);
            }
        }
    }

    /** It is the chain from now on. Durable on return; can be repeated. */
    public void own() throws IOException {
        Freight freight = freight();
        flush();
        Path temporary = path.resolve(".head.tmp");
        Files.deleteIfExists(temporary);
        Files.createSymbolicLink(
                temporary,
                Path.of("generations", generation(freight).getFileName().toString()));
        Files.move(temporary, unchecked().headLink(), StandardCopyOption.ATOMIC_MOVE);
        DurableFile.flushDirectory(path);
    }

    /** No machine has run from it, and none will. Durable on return; can be repeated. */
    public void disown() throws IOException {
        Files.deleteIfExists(unchecked().headLink());
        DurableFile.flushDirectory(path);
    }

    /** The move is over: what was there before goes, and if this did not become the chain, it goes itself. */
    public void settle() throws IOException {
        if (Files.exists(unchecked().headLink(), LinkOption.NOFOLLOW_LINKS)) {
            DurableFile.delete(path.resolve(MARK));
            deleteTree(beside(path));
        } else {
            remove(path);
            if (Files.exists(beside(path)) && !Files.exists(path)) {
                Files.move(beside(path), path, StandardCopyOption.ATOMIC_MOVE);
            }
        }
    }

    /** Which move it belongs to. */
    public String operation() {
        return operation;
    }

    private static Path beside(Path path) {
        return path.resolveSibling("." + path.getFileName() + BEFORE);
    }

    /** Removes what has a mark and no head. The mark goes last, so that one that was cut off can be repeated. */
    private static void remove(Path path) throws IOException {
        if (!Files.exists(path.resolve(MARK)) || !isWorthNothing(path)) {
            return;
        }
        for (Path part : ChainDirectory.list(path)) {
            if (!part.getFileName().toString().equals(MARK)) {
                deleteTree(part);
            }
        }
        deleteTree(path);
    }

    private static void deleteTree(Path path) throws IOException {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        try (Stream<Path> files = Files.walk(path)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
