package dev.holdfast.coordinator.zookeeper;

import dev.holdfast.coordinator.codec.CodecException;
import dev.holdfast.coordinator.codec.ReplicationCodec;
import dev.holdfast.coordinator.port.ReplicaStore;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.ReplicationRecord;
import dev.holdfast.coordinator.replication.ReplicationRecord.Stored;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.function.Consumer;
import org.apache.curator.framework.CuratorFramework;
import org.apache.zookeeper.KeeperException.Code;
import org.apache.zookeeper.Op;

/** A znode for each replicated machine. Several threads ask, so that no machine waits for many others. Thread-safe. */
final class ZooKeeperReplicaStore implements ReplicaStore, AutoCloseable {

    /** More would not make a silent store answer; each waits for its bound then. */
    private static final int THREADS = 4;

    private final StoreSession session;
    private final Schema schema;
    private final ReplicaWatch watch;
    private final ScheduledThreadPoolExecutor workers = Workers.several("replicas", THREADS);

    ZooKeeperReplicaStore(StoreSession session, CuratorFramework curator) {
        this.session = session;
        this.schema = session.schema();
        this.watch = new ReplicaWatch(this, session, curator);
    }

    @Override
    public CompletionStage<Optional<Stored>> read(Name vm) {
        CompletableFuture<Optional<Stored>> answer = new CompletableFuture<>();
        workers.execute(() -> {
            try {
                answer.complete(decoded(vm, session.newest(schema.replica(vm))));
            } catch (StoreUnreachableException silent) {
                answer.completeExceptionally(silent);
            }
        });
        return ended(answer, new StoreUnreachableException("the store is closed: this agent ends"));
    }

    /** Blocks. What the server says that this node is connected to, which may not be the newest. */
    Optional<Stored> seen(Name vm) throws StoreUnreachableException {
        return decoded(vm, session.get(schema.replica(vm)));
    }

    private static Optional<Stored> decoded(Name vm, Optional<Wire.Data> data) throws StoreUnreachableException {
        if (data.isEmpty()) {
            return Optional.empty();
        }
        try {
            Wire.Data found = data.get();
            return Optional.of(new Stored(ReplicationCodec.decode(vm, found.bytes()), found.version()));
        } catch (CodecException unreadable) {
            throw new StoreUnreachableException(
                    "the record of the replicated machine " + vm + " cannot be read: " + unreadable.getMessage(),
                    unreadable);
        }
    }

    @Override
    public CompletionStage<WriteOutcome> write(Name vm, int version, ReplicationRecord next) {
        if (version < ReplicationRecord.NO_VERSION) {
            throw new IllegalArgumentException("no record has the version " + version);
        }
        CompletableFuture<WriteOutcome> answer = new CompletableFuture<>();
        byte[] data = ReplicationCodec.encode(vm, next);
        workers.execute(() -> answer.complete(written(schema.replica(vm), version, data)));
        if (workers.isShutdown()) {
            answer.complete(new WriteOutcome.Unknown("this agent ends"));
        }
        return answer;
    }

    private WriteOutcome written(String path, int version, byte[] data) {
        boolean create = version == ReplicationRecord.NO_VERSION;
        Op operation = create ? StoreSession.create(path, data) : Op.setData(path, data, version);
        try {
            Wire.Outcome outcome = session.multi(List.of(operation));
            boolean noParent = create && outcome instanceof Wire.Outcome.Failed failed && failed.is(0, Code.NONODE);
            if (noParent) {
                // A store that an older version has set up.
                session.ensure(schema.replicas(), new byte[0]);
                outcome = session.multi(List.of(operation));
            }
            return outcome(outcome, version);
        } catch (StoreUnreachableException silent) {
            return new WriteOutcome.Unknown(String.valueOf(silent.getMessage()));
        }
    }

    private static WriteOutcome outcome(Wire.Outcome outcome, int version) {
        if (outcome instanceof Wire.Outcome.Done) {
            // A new node's version is 0, and each write raises it by one.
            return new WriteOutcome.Written(version + 1);
        }
        if (outcome instanceof Wire.Outcome.Failed failed) {
            return switch (failed.code()) {
                case BADVERSION, NODEEXISTS, NONODE -> new WriteOutcome.Refused();
                default -> new WriteOutcome.Unknown("the store said " + failed.code());
            };
        }
        return new WriteOutcome.Unknown(outcome.toString());
    }

    @Override
    public Watch watch(Name vm, Consumer<Optional<Stored>> changed) {
        return watch.add(vm, changed);
    }

    private <T> CompletionStage<T> ended(CompletableFuture<T> answer, StoreUnreachableException closed) {
        if (workers.isShutdown()) {
            answer.completeExceptionally(closed);
        }
        return answer;
    }

    @Override
    public void close() {
        watch.close();
        workers.shutdownNow();
    }
}
