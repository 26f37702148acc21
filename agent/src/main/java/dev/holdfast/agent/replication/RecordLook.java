package dev.holdfast.agent.replication;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Copy;
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
 * lost has taken effect after all, or another copy has begun a life. What was seen may be old, so what is read counts. The machine's
 * thread.
 */
record RecordLook(RecordBook record, SerialThread thread, Supplier<ReplicaState> state, Consumer<ReplicaEvent> events) {

    void look() {
        if (!(state.get() instanceof Leading leading)
                || !record.last().map(seen -> differs(seen, leading)).orElse(false)) {
            return;
        }
        record.read(answer -> thread.execute(() -> {
            // Not what was true before a write of its own.
            if (answer instanceof ReplicaEvent.RecordRead && state.get().equals(leading)) {
                events.accept(answer);
            }
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
