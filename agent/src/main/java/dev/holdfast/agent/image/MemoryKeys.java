package dev.holdfast.agent.image;

import dev.holdfast.coordinator.port.ImageKeys;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The keys for memory images that a node has: with one it writes, with all it reads. Immutable, thread-safe. */
public final class MemoryKeys {
    private static final Logger LOG = LoggerFactory.getLogger(MemoryKeys.class);

    /** Images are written as they are. */
    public static final MemoryKeys NONE = new MemoryKeys(Optional.empty(), Map.of());

    private final Optional<MemoryKey> writing;
    private final Map<String, MemoryKey> byId;

    private MemoryKeys(Optional<MemoryKey> writing, Map<String, MemoryKey> byId) {
        this.writing = writing;
        this.byId = Map.copyOf(byId);
    }

    /**
     * Reads the keys.
     *
     * @param current file of the key for new images; without it they are not encrypted
     * @param old files of further keys, for images that are there; one that is no key is left out, with a warning in the log
     * @throws IOException the current file is no key; the message says what to do
     */
    public static MemoryKeys read(Optional<Path> current, List<Path> old) throws IOException {
        TreeMap<String, MemoryKey> byId = new TreeMap<>();
        Optional<MemoryKey> writing = Optional.empty();
        if (current.isPresent()) {
            writing = Optional.of(MemoryKey.read(current.get()));
            byId.put(writing.get().id(), writing.get());
        }
        for (Path file : old) {
            try {
                MemoryKey key = MemoryKey.read(file);
                byId.put(key.id(), key);
            } catch (IOException e) {
                LOG.warn(
                        "an old key for memory images is left out ({}): this node cannot go back to checkpoints and snapshots"
                                + " whose memory was encrypted with {}, and fsck names them; put the file right and restart"
                                + " the agent, or remove it from checkpoint.old_memory_key_files",
                        e instanceof FileSystemException ? e.toString() : e.getMessage(),
                        file);
            }
        }
        return new MemoryKeys(writing, byId);
    }

    /** The key for new images; empty if they are not encrypted. */
    public Optional<MemoryKey> writing() {
        return writing;
    }

    Optional<MemoryKey> find(String id) {
        return Optional.ofNullable(byId.get(id));
    }

    /** Whether there is none: no encrypted image can be read either. */
    public boolean isEmpty() {
        return byId.isEmpty();
    }

    /** What other nodes are told of them. */
    public ImageKeys told() {
        SortedSet<Name> ids = byId.keySet().stream().map(Name::new).collect(Collectors.toCollection(TreeSet::new));
        return new ImageKeys(writing.map(key -> new Name(key.id())), ids);
    }

    @Override
    public String toString() {
        return "MemoryKeys" + byId.keySet();
    }
}
