package dev.holdfast.coordinator.zookeeper;

import dev.holdfast.coordinator.port.Leadership;
import dev.holdfast.coordinator.protocol.Epoch;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.awaitility.Awaitility;

/** Remembers what an election told. */
final class Elections implements Leadership.Listener {

    final AtomicReference<Optional<Epoch>> office = new AtomicReference<>(Optional.empty());
    final List<String> told = new CopyOnWriteArrayList<>();
    final AtomicInteger storeBack = new AtomicInteger();

    @Override
    public void onElected(Epoch epoch) {
        told.add("elected " + epoch);
        office.set(Optional.of(epoch));
    }

    @Override
    public void onDeposed() {
        told.add("deposed");
        office.set(Optional.empty());
    }

    @Override
    public void onStoreBack() {
        storeBack.incrementAndGet();
    }

    Epoch awaitElected() {
        Awaitility.await()
                .atMost(Duration.ofMinutes(1))
                .pollInterval(Duration.ofMillis(10))
                .until(() -> office.get().isPresent());
        return office.get().orElseThrow();
    }

    void awaitDeposed() {
        Awaitility.await()
                .atMost(Duration.ofMinutes(1))
                .pollInterval(Duration.ofMillis(10))
                .until(() -> office.get().isEmpty());
    }
}
