package dev.holdfast.agent.journal;

import dev.holdfast.agent.json.DurableFile;
import dev.holdfast.agent.json.UnreadableFileException;
import dev.holdfast.coordinator.port.UnreadableEntryException;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The operations this node has begun and not ended: {@code <operation>.json} in one directory, each a
 * {@link DurableFile}. Blocks for a flush. Thread-safe.
 *
 * <p>A file that cannot be read stays where it is until its operation has ended, and is listed by {@link #unreadable()}; its name stays
 * taken, and the others load. What it was for is for {@code fsck} and a person to find out.
 */
public final class OperationJournal {
    private static final Logger LOG = LoggerFactory.getLogger(OperationJournal.class);
    private static final String SUFFIX = ".json";
    private static final DurableFile<Operation> FILE = new DurableFile<>("holdfast-operation", 1, Operation.class);

    private final Path directory;
    private final Map<Name, Operation> operations = new TreeMap<>();
    private final Map<Path, String> unreadable = new TreeMap<>();

    private OperationJournal(Path directory) {
        this.directory = directory;
    }

    /**
     * Reads the journal, and creates its directory (mode 0700) if there is none.
     *
     * @throws IOException if the directory cannot be used at all; never because of single files
     */
    public static OperationJournal open(Path directory) throws IOException {
        if (!Files.isDirectory(directory)) {
            Files.createDirectories(
                    directory, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        }
        OperationJournal journal = new OperationJournal(directory);
        // A rename of the life before may not be certain yet, and what is read here is believed.
        DurableFile.flushDirectory(directory);
        try (Stream<Path> files = Files.list(directory)) {
            files.filter(OperationJournal::isEntry).sorted().forEach(journal::load);
        }
        return journal;
    }

    /**
     * Writes or replaces an operation's entry; on stable storage when it returns.
     *
     * @throws IllegalStateException if the operation would go back, which is a bug
     * @throws UnreadableEntryException an entry of that name is there that cannot be read; it is left as it is
     * @throws IOException the old entry or the new one is there, not certainly on stable storage
     */
    public synchronized void write(Operation operation) throws IOException {
        Path file = file(operation.id());
        if (unreadable.containsKey(file)) {
            throw new UnreadableEntryException(
                    "what an earlier life promised is not known: the journal has an entry that cannot be read: "
                            + unreadable.get(file));
        }
        Operation before = operations.get(operation.id());
        if (before != null && !before.state().mayBecome(operation.state())) {
            throw new IllegalStateException("the operation " + operation.id() + " cannot go from " + before.state()
                    + " to " + operation.state());
        }
        FILE.write(file, operation);
        operations.put(operation.id(), operation);
    }

    /**
     * Removes the entry of an operation that has ended; certain when it returns. Idempotent. One that cannot be read is set aside as
     * {@code <operation>.json.damaged}: it would bind this node again if somebody restored it.
     */
    public synchronized void remove(Name operation) throws IOException {
        Path file = file(operation);
        if (unreadable.containsKey(file)) {
            Path aside = file.resolveSibling(file.getFileName() + ".damaged");
            Files.move(file, aside, StandardCopyOption.ATOMIC_MOVE);
            DurableFile.flushDirectory(directory);
            unreadable.remove(file);
            LOG.warn("the operation {} has ended; its entry that cannot be read is {} now", operation, aside);
            return;
        }
        DurableFile.delete(file);
        operations.remove(operation);
    }

    /** The entry of an operation that has not ended. */
    public synchronized Optional<Operation> find(Name operation) {
        return Optional.ofNullable(operations.get(operation));
    }

    /**
     * Whether an operation may not have ended: it has an entry, be it one that cannot be read. Nothing of such an operation
     * may be taken back, because it may be bound.
     */
    public synchronized boolean mayBeOpen(String operation) {
        String name = operation + SUFFIX;
        return operations.keySet().stream().anyMatch(id -> id.value().equals(operation))
                || unreadable.keySet().stream()
                        .anyMatch(file -> file.getFileName().toString().equals(name));
    }

    /** All entries that can be read, by name. */
    public synchronized List<Operation> operations() {
        return List.copyOf(operations.values());
    }

    /** What is wrong with the entries that cannot be read, one text for each. */
    public synchronized List<String> unreadable() {
        return new ArrayList<>(unreadable.values());
    }

    private void load(Path file) {
        try {
            Operation operation = FILE.read(file);
            if (file.equals(file(operation.id()))) {
                operations.put(operation.id(), operation);
            } else {
                unreadable.put(file, "the file " + file + " holds the operation " + operation.id() + ", not its own");
            }
        } catch (UnreadableFileException e) {
            unreadable.put(file, String.valueOf(e.getMessage()));
        } catch (IOException e) {
            unreadable.put(file, "the file " + file + " cannot be read: " + e);
        }
    }

    private Path file(Name operation) {
        return directory.resolve(operation.value() + SUFFIX);
    }

    /** Temporary files begin with a dot: a write that was never finished never counted. */
    private static boolean isEntry(Path file) {
        String name = file.getFileName().toString();
        return name.endsWith(SUFFIX) && !name.startsWith(".");
    }
}
