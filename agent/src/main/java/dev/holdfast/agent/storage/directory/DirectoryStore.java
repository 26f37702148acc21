package dev.holdfast.agent.storage.directory;

import dev.holdfast.agent.files.OwnFile;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.process.BoundedProcess.Ended;
import dev.holdfast.agent.storage.Commands;
import dev.holdfast.agent.storage.ImageStore;
import dev.holdfast.agent.storage.StorageException;
import dev.holdfast.agent.storage.StorageException.Kind;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Raw files in the directories of machines. A copy is a file beside the others that shares its blocks with the original ({@code cp
 * --reflink=always}), whole as soon as it has its name. Whether a file system can do that is tried, not looked up. Thread-safe.
 */
public final class DirectoryStore implements ImageStore {
    /** How the names of files begin that are there for as long as a trial. */
    public static final String TRIAL = ".trial-";

    private static final String RAW = ".raw";
    private static final int TRIAL_BYTES = 4096;
    private static final Duration TRIAL_BOUND = Duration.ofSeconds(5);
    /** Some 20 microseconds for each piece that the image is in: three million of them take a minute. */
    private static final Duration COPY = Duration.ofMinutes(10);
    /** What the file system notes for a copy: at most 64 bytes for each piece, of 64 KiB on average. */
    private static final int NOTED_SHARE = 1024;

    private static final Pattern PIECES = Pattern.compile(": ([0-9]{1,12}) extents? found");

    private final Commands commands;
    private final Function<Name, Optional<Path>> layers;

    /**
     * @param commands of this node
     * @param layers the directory of a machine's images, in which every name is Holdfast's; empty if there is none
     */
    public DirectoryStore(Commands commands, Function<Name, Optional<Path>> layers) {
        this.commands = commands;
        this.layers = layers;
    }

    @Override
    public Optional<Site> site(Path image) throws StorageException {
        if (!Files.isRegularFile(image)) {
            return Optional.empty();
        }
        try {
            FileStore fileSystem = Files.getFileStore(image);
            Optional<String> refusal = trial(image.toRealPath().getParent());
            String words = "file on " + fileSystem.type()
                    + refusal.map(", not cloned: "::concat).orElse("");
            // Whoever sees the chain sees the copies, which lie in it.
            Optional<Way> best = refusal.isEmpty() ? Optional.of(Way.CLONE) : Optional.empty();
            return Optional.of(new Site(image, best, words, Files.size(image), true, true));
        } catch (IOException e) {
            throw failed(image + " cannot be looked at: " + e, e);
        }
    }

    /** Why files in a directory cannot share blocks; empty if they can. */
    private Optional<String> trial(Path directory) {
        try {
            Path trial = Files.createTempFile(directory, TRIAL, ".tmp");
            Path copy = trial.resolveSibling(trial.getFileName() + "-copy");
            try {
                Files.write(trial, new byte[TRIAL_BYTES]);
                Ended ended = commands.run(cloning(trial, copy), TRIAL_BOUND);
                return ended.status() == 0 ? Optional.empty() : Optional.of(reason(ended));
            } finally {
                Files.deleteIfExists(copy);
                Files.deleteIfExists(trial);
            }
        } catch (IOException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
    }

    /**
     * What it says against a trial is told to people, without what stands before it in English. A copy says when what is in it was written: that
     * is how its place is known if its name is lost.
     */
    private static List<String> cloning(Path from, Path to) {
        return List.of(
                "env",
                "LC_ALL=C",
                "cp",
                "--reflink=always",
                "--preserve=timestamps",
                "--",
                from.toString(),
                to.toString());
    }

    /** Without the names of the two files, which say nothing to the reader. */
    private static String reason(Ended ended) {
        return ended.output().replaceFirst("(?s).*: ", "");
    }

    @Override
    public Outlook outlook(Site site, Copying how) throws StorageException {
        Site now = site(site.image())
                .orElseThrow(() -> refused(
                        site.image() + " is not there any more; see what has become of it with \"holdfast fsck\""));
        try {
            FileStore fileSystem = Files.getFileStore(site.image());
            long bytes = Math.max(TRIAL_BYTES, now.bytes() / NOTED_SHARE);
            Outlook.Room room = new Outlook.Room(
                    "file system " + fileSystem.name() + " (" + fileSystem.type() + ")", fileSystem.getUsableSpace());
            return new Outlook(bytes, room, obstacles(now, how), List.of());
        } catch (IOException e) {
            throw failed("the room beside " + site.image() + " cannot be told: " + e, e);
        }
    }

    private static List<String> obstacles(Site site, Copying how) {
        if (how.way() != Way.CLONE) {
            return List.of(
                    "%s is a file, which is copied as %s only; change \"keep\"".formatted(site.image(), Way.CLONE));
        }
        if (site.best().isEmpty()) {
            return List.of(
                    "%s cannot share its blocks with a copy (%s); make room if that is what it lacks, or use keep = \"layer\", or another file system"
                            .formatted(site.image(), site.words()));
        }
        return List.of();
    }

    @Override
    public Path copy(Site site, Copying how, CopyName name, Progress progress) throws StorageException {
        if (how.way() != Way.CLONE) {
            throw refused(obstacles(site, how).get(0));
        }
        progress.at(0, site.bytes());
        if (!Files.exists(whole(name), LinkOption.NOFOLLOW_LINKS)) {
            take(site.image(), name, COPY);
        }
        Path copy = settle(name);
        progress.at(site.bytes(), site.bytes());
        return copy;
    }

    private Path whole(CopyName name) throws StorageException {
        return layers.apply(name.vm())
                .orElseThrow(
                        () -> refused("there is no directory for copies of " + name.vm() + "; is it defined here?"))
                .resolve(fileName(name));
    }

    /**
     * The first half of {@link #copy}, for an image that is written again as soon as this returns: the copy is of this moment, and not
     * durable. When this fails, nothing is left of it, or {@link #remove} removes it.
     */
    public void take(Path image, CopyName name, Duration bound) throws StorageException {
        Path copy = whole(name);
        Path half = copy.resolveSibling(halfName(name));
        try {
            OwnFile.replace(half).close();
            Ended ended = commands.run(cloning(image, half), bound);
            if (ended.status() != 0) {
                throw new IOException(ended.output());
            }
        } catch (IOException e) {
            throw withoutRest(
                    List.of(half), failed("%s cannot be copied to %s: %s".formatted(image, copy, e.getMessage()), e));
        }
    }

    /** The second half: the copy is durable, and has its name. Again: does nothing. Minutes. */
    public Path settle(CopyName name) throws StorageException {
        Path copy = whole(name);
        if (Files.exists(copy, LinkOption.NOFOLLOW_LINKS)) {
            return copy;
        }
        Path half = copy.resolveSibling(halfName(name));
        try {
            flush(half, StandardOpenOption.WRITE);
            Files.move(half, copy, StandardCopyOption.ATOMIC_MOVE);
            flush(copy.resolveSibling(""), StandardOpenOption.READ);
            return copy;
        } catch (IOException e) {
            throw withoutRest(List.of(half, copy), failed("%s cannot be made durable: %s".formatted(copy, e), e));
        }
    }

    /** In how many pieces an image is, which is what the time of a copy goes with. Reads only; 5 s. */
    public long pieces(Path image) throws StorageException {
        try {
            Ended ended = commands.run(List.of("env", "LC_ALL=C", "filefrag", "--", image.toString()), TRIAL_BOUND);
            Matcher matcher = PIECES.matcher(ended.output());
            if (ended.status() != 0 || !matcher.find()) {
                throw new IOException(ended.output());
            }
            return Long.parseLong(matcher.group(1));
        } catch (IOException e) {
            throw failed("in how many pieces %s is cannot be told: %s".formatted(image, e.getMessage()), e);
        }
    }

    /** What failed, once nothing of it is left. */
    private static StorageException withoutRest(List<Path> files, StorageException failure) {
        try {
            for (Path file : files) {
                Files.deleteIfExists(file);
            }
            return failure;
        } catch (IOException e) {
            return new StorageException(
                    Kind.UNKNOWN, failure.getMessage() + "; and its rest cannot be removed: " + e, failure);
        }
    }

    @Override
    public Health health(Path image) {
        if (Files.isRegularFile(image)) {
            return new Health(Health.State.GOOD, image + " is there");
        }
        return new Health(Health.State.ABSENT, "there is no file " + image);
    }

    /** Files are open to whoever may read them. */
    @Override
    public boolean open(Path image) {
        return health(image).state() != Health.State.ABSENT;
    }

    @Override
    public void close(Path image) {}

    @Override
    public void remove(CopyName name) throws StorageException {
        Optional<Path> directory = layers.apply(name.vm()).filter(Files::isDirectory);
        if (directory.isEmpty()) {
            return;
        }
        try {
            boolean half = Files.deleteIfExists(directory.get().resolve(halfName(name)));
            boolean whole = Files.deleteIfExists(directory.get().resolve(fileName(name)));
            if (half || whole) {
                flush(directory.get(), StandardOpenOption.READ);
            }
        } catch (IOException e) {
            throw new StorageException(Kind.UNKNOWN, "the copy " + name + " cannot be removed: " + e, e);
        }
    }

    @Override
    public Set<CopyName> copies(Name vm) throws StorageException {
        Optional<Path> directory = layers.apply(vm).filter(Files::isDirectory);
        if (directory.isEmpty()) {
            return Set.of();
        }
        Set<CopyName> copies = new HashSet<>();
        try (Stream<Path> files = Files.list(directory.get())) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                String name = file.getFileName().toString();
                String layer = name.endsWith(RAW) ? name.substring(0, name.length() - RAW.length()) : "";
                if (CopyName.isLayer(layer)) {
                    copies.add(new CopyName(vm, layer));
                }
            }
        } catch (IOException e) {
            throw failed(directory.get() + " cannot be listed: " + e, e);
        }
        return copies;
    }

    private static String fileName(CopyName name) {
        return name.layer() + RAW;
    }

    private static String halfName(CopyName name) {
        return "." + fileName(name) + ".tmp";
    }

    private static void flush(Path path, StandardOpenOption how) throws IOException {
        try (FileChannel channel = FileChannel.open(path, how)) {
            channel.force(true);
        }
    }

    private static StorageException refused(String message) {
        return new StorageException(Kind.REFUSED, message);
    }

    private static StorageException failed(String message, IOException cause) {
        return new StorageException(Kind.FAILED, message, cause);
    }
}
