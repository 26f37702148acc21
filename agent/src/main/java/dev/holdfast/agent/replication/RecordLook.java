package dev.holdfast.agent.replication;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Copy;
import dev.holdfast.coordinator.replication.Following;
import dev.holdfast.coordinator.replication.Leading;
import dev.holdfast.coordinator.replication.Life;
import dev.holdfast.coordinator.replication.Protected;
import dev.holdfast.coordinator.replication.Reason;
import dev.holdfast.coordinator.replication.ReplicaEvent;
import dev.holdfast.coordinator.replication.ReplicaState;
import dev.holdfast.coordinator.replication.ReplicationRecord;
import dev.holdfast.coordinator.replication.ReplicationRecord.Stored;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Has a primary read its record anew when the record was seen to say something else than it takes for written: a write whose answer was
 * lost has taken effect after all, or another copy has begun a life; and a standby rest that has left the set. What was seen may be old, so what is read counts. The machine's
 * thread.
 */
final class RecordLook {
    private final RecordBook record;
    private final SerialThread thread;
    private final Supplier<ReplicaState> state;
    private final Consumer<ReplicaEvent> events;
    /** The copy of this node that was seen in the set last. */
    private Optional<Copy> listed = Optional.empty();
    /** Looks come each second, and a silent store takes longer to be silent: they would queue before what somebody waits for. */
    private boolean reading;

    RecordLook(RecordBook record, SerialThread thread, Supplier<ReplicaState> state, Consumer<ReplicaEvent> events) {
        this.record = record;
        this.thread = thread;
        this.state = state;
        this.events = events;
    }

    void look() {
        if (reading) {
            return;
        }
        Optional<Stored> seen = record.last();
        ReplicaState now = state.get();
        if (seen.isPresent() && now instanceof Leading leading && differs(seen.get(), leading)) {
            readAsPrimary(leading);
        } else if (seen.isPresent() && now instanceof Following following && following.epoch() > 0) {
            lookAsStandby(seen.get().record(), following);
        }
    }

    /** A standby that has left the set, and whose primary could not tell it so, keeps its disks for a person, and nothing else. */
    private void lookAsStandby(ReplicationRecord seen, Following following) {
        if (seen.inSync().contains(following.copy())) {
            listed = Optional.of(following.copy());
        } else if (isLeft(seen, following)) {
            read(answer -> {
                boolean same =
                        state.get() instanceof Following now && now.copy().equals(following.copy());
                if (same
                        && answer instanceof ReplicaEvent.RecordRead read
                        && isLeft(read.stored().record(), following)) {
                    events.accept(new ReplicaEvent.RetireAsked());
                }
            });
        }
    }

    /** Not before its first epoch was recorded: until then the set does not know it yet. */
    private boolean isLeft(ReplicationRecord said, Following following) {
        return !said.inSync().contains(following.copy())
                && (said.generation() > following.generation()
                        || said.generation() == following.generation() && listed.equals(Optional.of(following.copy())));
    }

    private void readAsPrimary(Leading leading) {
        read(answer -> {
            // Not what was true before a write of its own.
            if (answer instanceof ReplicaEvent.RecordRead && state.get().equals(leading)) {
                events.accept(answer);
            }
        });
    }

    private void read(Consumer<ReplicaEvent> then) {
        reading = true;
        record.read(answer -> thread.execute(() -> {
            reading = false;
            then.accept(answer);
        }));
    }

    private static boolean differs(Stored seen, Leading leading) {
        Life life = leading.lead();
        ReplicationRecord said = seen.record();
        Optional<Copy> peer = leading instanceof Protected guarded ? Optional.of(guarded.peer()) : Optional.empty();
        return seen.version() > life.version()
                && (!said.primary().equals(Optional.of(life.copy()))
                        || said.generation() > life.generation()
                        || peer.filter(copy -> !said.inSync().contains(copy)).isPresent());
    }

    /** Whether the record names this node's copy as the one that runs. Fails if the store does not answer. */
    CompletableFuture<Boolean> isRecorded(Name self, BooleanSupplier known) {
        CompletableFuture<Boolean> answer = new CompletableFuture<>();
        record.read(read -> thread.execute(() -> {
            boolean given = known.getAsBoolean() && !(state.get() instanceof Leading);
            if (read instanceof ReplicaEvent.RecordRead told) {
                Optional<Copy> runs = told.stored().record().primary();
                answer.complete(
                        !given && runs.filter(copy -> copy.node().equals(self)).isPresent());
            } else if (read instanceof ReplicaEvent.RecordAbsent) {
                answer.complete(false);
            } else {
                answer.completeExceptionally(new IOException(Reason.STORE_SILENT.text()));
            }
        }));
        return answer;
    }
}
