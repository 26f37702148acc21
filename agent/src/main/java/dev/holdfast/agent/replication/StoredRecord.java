package dev.holdfast.agent.replication;

import dev.holdfast.coordinator.port.ReplicaStore;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.ReplicaEvent;
import dev.holdfast.coordinator.replication.ReplicationRecord;
import dev.holdfast.coordinator.replication.ReplicationRecord.Stored;
import java.util.Optional;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The record of one machine in the cluster's store. Thread-safe. */
public final class StoredRecord implements RecordBook, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(StoredRecord.class);

    private final ReplicaStore store;
    private final Name machine;
    private final ReplicaStore.Watch watch;
    private volatile Optional<Stored> last = Optional.empty();
    private volatile boolean absent;

    /** @param store of the cluster */
    public StoredRecord(ReplicaStore store, Name machine) {
        this.store = store;
        this.machine = machine;
        this.watch = store.watch(machine, this::seen);
    }

    private void seen(Optional<Stored> record) {
        last = record;
        absent = record.isEmpty();
    }

    @Override
    public void read(Consumer<ReplicaEvent> answer) {
        store.read(machine).whenComplete((record, failure) -> {
            if (record == null) {
                LOG.info("{}: its record cannot be read: {}", machine, String.valueOf(failure));
                answer.accept(new ReplicaEvent.StoreSilent());
                return;
            }
            seen(record);
            answer.accept(
                    record.<ReplicaEvent>map(ReplicaEvent.RecordRead::new).orElseGet(ReplicaEvent.RecordAbsent::new));
        });
    }

    @Override
    public void write(int version, ReplicationRecord next, Consumer<ReplicaEvent> answer) {
        store.write(machine, version, next)
                .thenAccept(outcome -> answer.accept(outcome.<ReplicaEvent>match(
                        written -> {
                            seen(Optional.of(new Stored(next, written.version())));
                            return new ReplicaEvent.RecordWritten(written.version());
                        },
                        refused -> new ReplicaEvent.RecordRefused(),
                        unknown -> {
                            LOG.info("{}: whether its record was changed is not known: {}", machine, unknown.why());
                            return new ReplicaEvent.RecordUnknown();
                        })));
    }

    @Override
    public Optional<Stored> last() {
        return last;
    }

    @Override
    public boolean isAbsent() {
        return absent;
    }

    @Override
    public void close() {
        watch.close();
    }
}
