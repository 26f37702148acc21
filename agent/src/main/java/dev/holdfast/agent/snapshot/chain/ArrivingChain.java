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
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;

/**
 * A copy of another node's chain while it is made. It lies where the chain will be, because layers name each other by that
 * path, but has no head, so that no machine can start from it; {@code arriving.json} says which move it belongs to. It
 * becomes the chain by one rename. What has a mark and no head is worth nothing and may be removed by whoever finds it. Not
 * thread-safe.
 */
public final class ArrivingChain {
    static final String MARK = "arriving.json";
    /** A disk that is nearly full is no place for a machine. */
    private static final long SPARE = 64L << 20;

    private static final DurableFile<Mark> MARKS = new DurableFile<>("arriving-chain", 1, Mark.class);

    private static final Map<Path, Object> LOCKS = new ConcurrentHashMap<>();

    private final Path path;
    private final String operation;

    private ArrivingChain(Path path, String operation) {
        this.path = path;
        this.operation = operation;
    }

    record Mark(String operation, Freight freight) {}

    /**
     * Makes room for a copy. Removes what earlier attempts left; a chain whose machine has moved away is set beside until
     * the copy is the chain. Whatever it is cut off at, {@link #tidy} or the next attempt puts that right.
     *
     * @param path the chain's directory as the definition has it
     * @throws ChainException there is something else, or no room; nothing was changed
     */
    public static ArrivingChain begin(Path path, String operation, Freight freight) throws IOException {
        synchronized (lock(path)) {
            return beginAlone(path, operation, freight);
        }
    }

    /** {@link #tidy} is never in the middle of it. */
    private static Object lock(Path path) {
        return LOCKS.computeIfAbsent(path, any -> new Object());
    }

    private static ArrivingChain beginAlone(Path path, String operation, Freight freight) throws IOException {
        Path real = real(path);
        if (!real.toString().equals(freight.directory())) {
            throw new ChainException("the chain is %s on the other node and would be %s here; layers name each other by"
                            .formatted(freight.directory(), real)
                    + " their whole paths, so both must be the same, without symbolic links");
        }
        BesideChain beside = new BesideChain(real);
        if (DurableFile.isThere(real.resolve(MARK)) && isWorthNothing(real)) {
            beside.discard(real);
        }
        restore(beside);
        beside.sweep();
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
        Mark mark = new Mark(operation, freight);
        if (aside) {
            ChainDirectory fresh = make(beside.fresh(), mark);
            beside.replace();
            try {
                Files.move(fresh.path(), real, StandardCopyOption.ATOMIC_MOVE);
            } catch (IOException e) {
                beside.putBack();
                throw e;
            }
        } else {
            make(real, mark);
        }
        DurableFile.flushDirectory(real.getParent());
        return chain;
    }

    private static Path real(Path path) throws IOException {
        Path parent = path.toAbsolutePath().getParent();
        if (parent == null || !Files.isDirectory(parent)) {
            throw new ChainException("the directory " + parent + " is missing; is its storage mounted?");
        }
        return parent.toRealPath().resolve(path.getFileName());
    }

    /** The mark is first: what has none is taken for somebody's. */
    private static ChainDirectory make(Path path, Mark mark) throws IOException {
        ChainDirectory made = ChainDirectory.unchecked(path);
        Files.createDirectories(path);
        MARKS.write(path.resolve(MARK), mark);
        for (Path directory : List.of(made.layers(), made.generations(), made.snapshotFiles(), made.lost())) {
            Files.createDirectories(directory);
        }
        DurableFile.flushDirectory(path);
        return made;
    }

    /** An attempt that was cut off while it set a chain beside. */
    private static void restore(BesideChain beside) throws IOException {
        beside.discard(beside.fresh());
        beside.putBack();
    }

    /**
     * Puts right what a move to this node left half done whose entry in the journal is gone: a chain that was set beside is put
     * back, or is to be swept if its machine has another one. Any thread.
     *
     * @param path the chain's directory as the definition has it
     * @param idle whether no move to this node is under way; nothing is done otherwise
     */
    public static void tidy(Path path, BooleanSupplier idle) throws IOException {
        synchronized (lock(path)) {
            if (idle.getAsBoolean() && Files.isDirectory(path.toAbsolutePath().getParent())) {
                tidyAlone(real(path));
            }
        }
    }

    private static void tidyAlone(Path real) throws IOException {
        BesideChain beside = new BesideChain(real);
        if (DurableFile.isThere(ChainDirectory.unchecked(real).headLink())) {
            new ArrivingChain(real, "").keep();
        }
        restore(beside);
    }

    /** Removes what moves to this node have replaced or given up. May take minutes; any thread. */
    public static void sweep(Path path) throws IOException {
        if (Files.isDirectory(path.toAbsolutePath().getParent())) {
            new BesideChain(real(path)).sweep();
        }
    }

    /** The copy that a move has begun, if it is still there, with or without its head. */
    public static Optional<ArrivingChain> find(Path path, String operation) throws IOException {
        Path mark = path.resolve(MARK);
        return DurableFile.isThere(mark) && MARKS.read(mark).operation().equals(operation)
                ? Optional.of(new ArrivingChain(path.toRealPath(), operation))
                : Optional.empty();
    }

    /** Whether no machine can ever have run from what is at a path on this node: there is nothing, or a copy without head. */
    public static boolean isWorthNothing(Path path) throws IOException {
        return ChainDirectory.list(path).isEmpty()
                || DurableFile.isThere(path.resolve(MARK))
                        && !DurableFile.isThere(ChainDirectory.unchecked(path).headLink());
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
        layers.forEach((disk, layer) -> files.put(disk, generation(freight).resolve(layer.linkName())));
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

    /**
     * The move is over and this is the machine's chain: what was there before is to be swept. Takes no time; can be repeated.
     *
     * @throws ChainException it has no head. Nothing was changed
     */
    public void keep() throws IOException {
        if (!DurableFile.isThere(unchecked().headLink())) {
            throw new ChainException(path
                    + " has the newest disks of its machine and no head: the link \"head\" in it, to the last of its"
                    + " generations, is to be made by hand");
        }
        BesideChain beside = new BesideChain(path);
        beside.discard(beside.replaced());
        if (DurableFile.isThere(path.resolve(MARK))) {
            DurableFile.delete(path.resolve(MARK));
        }
    }

    /**
     * The move is over and no machine has run from this: it is to be swept, and what was there before comes back. Takes no time;
     * can be repeated.
     *
     * @throws ChainException it has a head. Nothing was changed
     */
    public void giveUp() throws IOException {
        if (DurableFile.isThere(unchecked().headLink())) {
            throw new ChainException(path + " has a head, and is not removed");
        }
        BesideChain beside = new BesideChain(path);
        if (DurableFile.isThere(path.resolve(MARK))) {
            beside.discard(path);
        }
        beside.putBack();
    }

    /** Which move it belongs to. */
    public String operation() {
        return operation;
    }
}
