package dev.holdfast.coordinator.zookeeper;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.curator.framework.CuratorFramework;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.KeeperException.Code;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.OpResult;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Stat;
import org.apache.zookeeper.proto.CreateRequest;
import org.jspecify.annotations.Nullable;

/**
 * Single operations on the present connection: one attempt, bounded, never repeated. Uses the asynchronous calls of
 * ZooKeeper's own client, because only they can be bounded. Thread-safe; must not be called on ZooKeeper's event thread.
 */
final class Wire {

    /** Content and version of a node. */
    record Data(byte[] bytes, Stat stat) {
        int version() {
            return stat.getVersion();
        }
    }

    /** What became of a multi. */
    sealed interface Outcome {

        /** All of it was done. */
        record Done() implements Outcome {}

        /**
         * Nothing was done.
         *
         * @param index which operation was refused
         * @param code why
         */
        record Failed(int index, Code code) implements Outcome {
            boolean is(int operation, Code reason) {
                return index == operation && code == reason;
            }
        }

        /** All of it or nothing was done, or will be. */
        record Unknown(String why) implements Outcome {}
    }

    private interface Call<T> {
        void start(ZooKeeper client, CompletableFuture<T> result);
    }

    private final CuratorFramework curator;
    private final List<ACL> oursAlone;

    Wire(CuratorFramework curator, Credentials ours) {
        this.curator = curator;
        this.oursAlone = ours.oursAlone();
    }

    /** The node's content, empty if there is none. */
    Optional<Data> get(String path, Duration bound) throws KeeperException, InterruptedException {
        return get(path, Optional.empty(), bound);
    }

    /** The same, and its next change is told; of a node that is not there nothing is. */
    Optional<Data> get(String path, Optional<Watcher> changes, Duration bound)
            throws KeeperException, InterruptedException {
        return orEmpty(
                path,
                bound,
                (client, result) -> client.getData(
                        path,
                        changes.orElse(null),
                        (rc, p, ctx, bytes, stat) -> complete(result, rc, p, new Data(bytes(bytes), stat)),
                        null));
    }

    private static byte[] bytes(byte @Nullable [] data) {
        return data == null ? new byte[0] : data;
    }

    /** The contents of several nodes by their paths, in one request. Those that are not there are left out. */
    Map<String, Data> getAll(List<String> paths, Duration bound) throws KeeperException, InterruptedException {
        List<Op> reads = paths.stream().map(Op::getData).toList();
        List<OpResult> results = call(
                paths.get(0),
                bound,
                (client, result) -> client.multi(
                        reads,
                        (rc, p, ctx, found) -> complete(result, found == null ? rc : Code.OK.intValue(), p, found),
                        null));
        Map<String, Data> there = new LinkedHashMap<>();
        for (int index = 0; index < results.size(); index++) {
            if (results.get(index) instanceof OpResult.GetDataResult read) {
                there.put(paths.get(index), new Data(bytes(read.getData()), read.getStat()));
            } else {
                Code why = Code.get(((OpResult.ErrorResult) results.get(index)).getErr());
                if (why != Code.NONODE) {
                    throw KeeperException.create(why, paths.get(index));
                }
            }
        }
        return there;
    }

    /** The names of a node's children, empty if there is no such node: then no change is told. */
    Optional<List<String>> children(String path, Optional<Watcher> changes, Duration bound)
            throws KeeperException, InterruptedException {
        return orEmpty(
                path,
                bound,
                (client, result) -> client.getChildren(
                        path, changes.orElse(null), (rc, p, ctx, names) -> complete(result, rc, p, names), null));
    }

    /** Who may do what with a node, empty if there is none. */
    Optional<List<ACL>> acl(String path, Duration bound) throws KeeperException, InterruptedException {
        return orEmpty(
                path,
                bound,
                (client, result) ->
                        client.getACL(path, new Stat(), (rc, p, ctx, acl, stat) -> complete(result, rc, p, acl), null));
    }

    /** Closes a node to everybody but this cluster's credentials. */
    void close(String path, Duration bound) throws KeeperException, InterruptedException {
        this.<Stat>call(
                path,
                bound,
                (client, result) ->
                        client.setACL(path, oursAlone, -1, (rc, p, ctx, stat) -> complete(result, rc, p, stat), null));
    }

    /** Creates a node; returns its path. */
    String create(String path, byte[] data, CreateMode mode, Duration bound)
            throws KeeperException, InterruptedException {
        return call(
                path,
                bound,
                (client, result) -> client.create(
                        path, data, oursAlone, mode, (rc, p, ctx, created) -> complete(result, rc, p, created), null));
    }

    /** Writes a node; the version is -1 for any. */
    Stat set(String path, byte[] data, int version, Duration bound) throws KeeperException, InterruptedException {
        return call(
                path,
                bound,
                (client, result) ->
                        client.setData(path, data, version, (rc, p, ctx, stat) -> complete(result, rc, p, stat), null));
    }

    /** Waits until this connection's server has seen all that the leading server had when it was asked. */
    void sync(String path, Duration bound) throws KeeperException, InterruptedException {
        this.<String>call(
                path, bound, (client, result) -> client.sync(path, (rc, p, ctx) -> complete(result, rc, p, p), null));
    }

    /** Whatever creates a node gives it to this cluster's credentials alone. */
    private Op owned(Op operation) {
        return operation.toRequestRecord() instanceof CreateRequest create
                ? Op.create(create.getPath(), create.getData(), oursAlone, create.getFlags())
                : operation;
    }

    /** All of it or nothing. */
    Outcome multi(List<Op> operations, Duration bound) throws InterruptedException {
        try {
            return this.<Outcome>call(
                    "multi",
                    bound,
                    (client, result) -> client.multi(
                            operations.stream().map(this::owned).toList(),
                            (rc, p, ctx, results) -> result.complete(outcome(rc, results)),
                            null));
        } catch (KeeperException lost) {
            return new Outcome.Unknown(lost.code().toString());
        }
    }

    private static Outcome outcome(int rc, @Nullable List<OpResult> results) {
        if (rc == Code.OK.intValue()) {
            return new Outcome.Done();
        }
        if (results != null) {
            for (int index = 0; index < results.size(); index++) {
                // Operations before the refused one say OK, those behind it RUNTIMEINCONSISTENCY.
                if (results.get(index) instanceof OpResult.ErrorResult error
                        && error.getErr() != Code.OK.intValue()
                        && error.getErr() != Code.RUNTIMEINCONSISTENCY.intValue()) {
                    return new Outcome.Failed(index, Code.get(error.getErr()));
                }
            }
        }
        return new Outcome.Unknown(String.valueOf(Code.get(rc)));
    }

    /** The number of the present session. */
    long session() throws KeeperException {
        return client().getSessionId();
    }

    private <T> Optional<T> orEmpty(String path, Duration bound, Call<T> call)
            throws KeeperException, InterruptedException {
        try {
            return Optional.of(call(path, bound, call));
        } catch (KeeperException.NoNodeException none) {
            return Optional.empty();
        }
    }

    private <T> T call(String path, Duration bound, Call<T> call) throws KeeperException, InterruptedException {
        CompletableFuture<T> result = new CompletableFuture<>();
        call.start(client(), result);
        try {
            return result.get(Math.max(1, bound.toMillis()), TimeUnit.MILLISECONDS);
        } catch (TimeoutException late) {
            throw KeeperException.create(Code.OPERATIONTIMEOUT, path);
        } catch (ExecutionException failed) {
            if (failed.getCause() instanceof KeeperException refused) {
                throw KeeperException.create(refused.code(), path);
            }
            throw new IllegalStateException(failed.getCause());
        }
    }

    private static <T> void complete(CompletableFuture<T> result, int rc, String path, T value) {
        if (rc == Code.OK.intValue()) {
            result.complete(value);
        } else {
            result.completeExceptionally(KeeperException.create(Code.get(rc), path));
        }
    }

    private ZooKeeper client() throws KeeperException {
        try {
            return curator.getZookeeperClient().getZooKeeper();
        } catch (KeeperException lost) {
            throw lost;
        } catch (Exception unreachable) { // the signature of Curator; also thrown when it is closed
            throw KeeperException.create(Code.CONNECTIONLOSS);
        }
    }
}
