package dev.holdfast.agent.replication;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.replication.StandbyPlace;
import dev.holdfast.coordinator.replication.ReplicaEvent;
import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Waits, beside the running guest, until the disks of a promoted copy are on lasting storage alone. */
record Settling(Guest guest, StandbyPlace place, SerialThread thread, Executor worker, Consumer<ReplicaEvent> events) {
    private static final Logger LOG = LoggerFactory.getLogger(Settling.class);
    private static final Duration ROLL_BACK = Duration.ofMinutes(10);
    private static final Duration AGAIN = Duration.ofSeconds(2);

    void later(Duration delay) {
        thread.after(delay, () -> worker.execute(this::settle));
    }

    private void settle() {
        try {
            guest.settle(place, ROLL_BACK);
            events.accept(new ReplicaEvent.RolledBack());
        } catch (HypervisorException e) {
            if (!guest.isEnding()) {
                LOG.warn("the disks are not settled yet, which is tried again: {}", e.getMessage());
                later(AGAIN);
            }
        }
    }
}
