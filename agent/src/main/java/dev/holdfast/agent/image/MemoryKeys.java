package dev.holdfast.agent.image;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The keys for memory images that a node has: with one it writes, with all it reads. Immutable, thread-safe. */
public final class MemoryKeys {
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
     * @param old files of further keys, for images that are there
     * @throws IOException one of the files is no key; the message says what to do
     */
    public static MemoryKeys read(Optional<Path> current, List<Path> old) throws IOException {
        TreeMap<String, MemoryKey> byId = new TreeMap<>();
        Optional<MemoryKey> writing = Optional.empty();
        if (current.isPresent()) {
            writing = Optional.of(MemoryKey.read(current.get()));
            byId.put(writing.get().id(), writing.get());
        }
        for (Path file : old) {
            MemoryKey key = MemoryKey.read(file);
            byId.put(key.id(), key);
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

    @Override
    public String toString() {
        return "MemoryKeys" + byId.keySet();
    }
}
