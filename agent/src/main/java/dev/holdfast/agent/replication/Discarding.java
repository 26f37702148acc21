package dev.holdfast.agent.replication;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Copy;
import dev.holdfast.coordinator.replication.CopyFacts;
import dev.holdfast.coordinator.replication.Discard;
import dev.holdfast.coordinator.replication.Following;
import dev.holdfast.coordinator.replication.Out;
import dev.holdfast.coordinator.replication.Proof;
import dev.holdfast.coordinator.replication.Reason;
import dev.holdfast.coordinator.replication.ReplicaEvent;
import dev.holdfast.coordinator.replication.ReplicaState;
import dev.holdfast.coordinator.replication.ReplicationRecord;
import dev.holdfast.coordinator.replication.ReplicationRecord.Stored;
import dev.holdfast.coordinator.replication.Verdict;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A person has decided that what other nodes have may be lost: the copy of this node counts from now on. It runs nothing. */
final class Discarding {
    private static final Logger LOG = LoggerFactory.getLogger(Discarding.class);

    private final Name self;
    private final RecordBook record;
    private final Fencing fencing;
    private final Executor worker;

    /** @param worker may be blocked for some seconds */
    Discarding(Name self, RecordBook record, Fencing fencing, Executor worker) {
        this.self = self;
        this.record = record;
        this.fencing = fencing;
        this.worker = worker;
    }

    private static Optional<CopyFacts> facts(ReplicaState state) {
        if (state instanceof Following following) {
            return Optional.of(new CopyFacts(
                    following.copy(), CopyFacts.Kind.STANDBY, following.generation(), following.epoch(), false));
        }
        return state instanceof Out out ? out.copy() : Optional.empty();
    }

    /** Judges and writes; what it answers is as for any wish. */
    CompletableFuture<Optional<Reason>> discard(ReplicaState state, Set<Name> nodes) {
        CompletableFuture<Optional<Reason>> answer = new CompletableFuture<>();
        Optional<CopyFacts> keep = facts(state);
        if (keep.isEmpty()) {
            answer.complete(Optional.of(state.life().isPresent() ? Reason.BUSY : Reason.NO_COPY));
            return answer;
        }
        record.read(read -> worker.execute(() -> {
            if (read instanceof ReplicaEvent.RecordRead known) {
                judge(Optional.of(known.stored()), keep.get(), nodes, answer);
            } else if (read instanceof ReplicaEvent.RecordAbsent) {
                judge(Optional.empty(), keep.get(), nodes, answer);
            } else {
                answer.complete(Optional.of(Reason.STORE_SILENT));
            }
        }));
        return answer;
    }

    private void judge(
            Optional<Stored> stored, CopyFacts keep, Set<Name> nodes, CompletableFuture<Optional<Reason>> answer) {
        Optional<ReplicationRecord> known = stored.map(Stored::record);
        Proof proof = known.flatMap(ReplicationRecord::primary)
                .map(Copy::node)
                .filter(node -> !node.equals(self))
                .map(fencing::proof)
                .orElseGet(Proof.Missing::new);
        Verdict verdict = Discard.judge(known, keep, nodes, proof);
        if (verdict instanceof Verdict.Refused refused) {
            answer.complete(Optional.of(refused.reason()));
            return;
        }
        ReplicationRecord next = ((Verdict.Allowed) verdict).next();
        LOG.warn("by a person's decision {} counts, and what {} had may be lost", keep, nodes);
        record.write(stored.map(Stored::version).orElse(ReplicationRecord.NO_VERSION), next, written -> {
            if (written instanceof ReplicaEvent.RecordUnknown) {
                lookAgain(next, answer);
            } else {
                answer.complete(
                        written instanceof ReplicaEvent.RecordWritten ? Optional.empty() : Optional.of(Reason.BUSY));
            }
        });
    }

    /** To find it proves that it has taken effect; to find something else proves nothing, and a person says it once more. */
    private void lookAgain(ReplicationRecord next, CompletableFuture<Optional<Reason>> answer) {
        record.read(read -> {
            boolean done = read instanceof ReplicaEvent.RecordRead known
                    && known.stored().record().equals(next);
            answer.complete(done ? Optional.empty() : Optional.of(Reason.STORE_SILENT));
        });
    }
}
