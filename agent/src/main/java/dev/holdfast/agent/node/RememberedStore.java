package dev.holdfast.agent.node;

import dev.holdfast.agent.json.DurableFile;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.zookeeper.StoreIdentity;
import dev.holdfast.coordinator.zookeeper.StoreMemory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** Remembers the store in {@code store.json} of the state directory. Thread-safe. */
public final class RememberedStore implements StoreMemory {

    /** What the file holds. */
    record Remembered(String identity, long epoch, long zxid) {}

    private static final DurableFile<Remembered> FILE = new DurableFile<>("known-store", 1, Remembered.class);

    private final Path file;

    /** @param stateDirectory must exist */
    public RememberedStore(Path stateDirectory) {
        this.file = stateDirectory.resolve("store.json");
    }

    @Override
    public synchronized Optional<StoreIdentity> recall() throws IOException {
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        Remembered remembered = FILE.read(file);
        return Optional.of(new StoreIdentity(remembered.identity(), new Epoch(remembered.epoch()), remembered.zxid()));
    }

    @Override
    public synchronized void keep(StoreIdentity identity) throws IOException {
        FILE.write(file, new Remembered(identity.identity(), identity.epoch().value(), identity.zxid()));
    }
}
