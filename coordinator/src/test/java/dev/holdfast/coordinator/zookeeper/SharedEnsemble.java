package dev.holdfast.coordinator.zookeeper;

import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Three servers for all tests that leave them as they found them; each test makes a cluster of its own in them. */
final class SharedEnsemble {

    static final Credentials CREDENTIALS = new Credentials("holdfast", "correct-horse");

    /** As long may a process of a busy machine stand still before a test fails for it; a call waits as long for its answer. */
    static final Duration SESSION = Duration.ofSeconds(10);

    private static final AtomicInteger CLUSTERS = new AtomicInteger();
    private static @Nullable Ensemble ensemble;

    private SharedEnsemble() {}

    static synchronized Ensemble get() {
        Ensemble running = ensemble;
        if (running == null) {
            try {
                running = Ensemble.start(3);
            } catch (IOException failed) {
                throw new UncheckedIOException(failed);
            }
            ensemble = running;
            Ensemble last = running;
            Runtime.getRuntime().addShutdownHook(new Thread(() -> {
                try {
                    last.close();
                } catch (IOException left) {
                    throw new UncheckedIOException(left);
                }
            }));
        }
        return running;
    }

    /** The name of a cluster that no other test has. */
    static Name cluster() {
        return new Name("c" + CLUSTERS.incrementAndGet());
    }

    static StoreSettings settings(String connect, Name cluster, String node) {
        return StoreSettings.of(connect, cluster, new Name(node), CREDENTIALS, SESSION);
    }

    /** A node's connection, with a memory of its own. */
    static ZooKeeperStore open(Name cluster, String node) {
        return open(settings(get().connect(), cluster, node), new Memory());
    }

    static ZooKeeperStore open(StoreSettings settings, StoreMemory memory) {
        return ZooKeeperStore.open(settings, memory, () -> UUID.randomUUID().toString(), System::nanoTime);
    }

    /** Remembers in memory. */
    static final class Memory implements StoreMemory {
        final AtomicReference<Optional<StoreIdentity>> kept = new AtomicReference<>(Optional.empty());

        @Override
        public Optional<StoreIdentity> recall() {
            return kept.get();
        }

        @Override
        public void keep(StoreIdentity identity) {
            kept.set(Optional.of(identity));
        }
    }
}
