package dev.holdfast.agent.replication;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.coordinator.replication.Alone;
import dev.holdfast.coordinator.replication.Life;
import dev.holdfast.coordinator.replication.ReplicaEvent;
import dev.holdfast.coordinator.replication.ReplicationRecord;
import dev.holdfast.coordinator.replication.ReplicationRecord.Stored;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;

/**
 * Writes the life that begins with a revert: the next generation, and nobody in the set but this node's copy. An answer that is lost
 * is made up for by another write that names the same version. The machine's thread.
 */
final class NewLife {
    private static final int TRIES = 5;

    private final RecordBook record;
    private final SerialThread thread;
    private final Parking.Machine machine;
    private final CompletableFuture<Void> begun;
    private Optional<Life> before = Optional.empty();
    private int tries;

    /** @param begun done when the machine has taken it up */
    NewLife(RecordBook record, SerialThread thread, Parking.Machine machine, CompletableFuture<Void> begun) {
        this.record = record;
        this.thread = thread;
        this.machine = machine;
        this.begun = begun;
    }

    /** The machine is at rest, in this life. */
    void settled(Life life) {
        if (before.isEmpty()) {
            before = Optional.of(life);
            read();
        } else if (life.generation() > before.get().generation() && machine.state() instanceof Alone) {
            begun.complete(null);
        }
    }

    private void read() {
        record.read(answer -> thread.execute(() -> {
            if (answer instanceof ReplicaEvent.RecordRead read) {
                write(read.stored());
            } else {
                fail("the store does not answer");
            }
        }));
    }

    private void write(Stored stored) {
        Life old = before.orElseThrow();
        if (!stored.record().isPrimary(old.copy())) {
            fail("the record names another copy as the primary");
            return;
        }
        if (stored.record().generation() > old.generation()) {
            machine.post(new ReplicaEvent.Reverted(stored));
            return;
        }
        ReplicationRecord next =
                new ReplicationRecord(old.generation() + 1, Optional.of(old.copy()), new TreeSet<>(Set.of(old.copy())));
        record.write(
                stored.version(),
                next,
                answer -> thread.execute(() -> {
                    if (answer instanceof ReplicaEvent.RecordWritten written) {
                        machine.post(new ReplicaEvent.Reverted(new Stored(next, written.version())));
                    } else if (++tries < TRIES && !begun.isDone()) {
                        read();
                    } else {
                        fail("the store has not told whether it took the new generation");
                    }
                }));
    }

    private void fail(String why) {
        begun.completeExceptionally(
                new HypervisorException(Kind.FAILED, why + ", so that the standby could go on from before the revert"));
    }
}
