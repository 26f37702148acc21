package dev.holdfast.coordinator.zookeeper;

import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.Epoch;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import org.apache.curator.framework.CuratorFramework;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.KeeperException.Code;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooDefs;

/**
 * Bounded operations on a store that is the one this cluster knows. Reads, and writes that may be repeated, are repeated
 * over a lost connection until the bound; a multi never is. Blocks for at most the settings' operation time-out (a second
 * more for a multi that had to wait for the connection first). Thread-safe; not to be called on ZooKeeper's event thread.
 */
final class StoreSession {

    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(25);
    private static final Duration SHORTEST_ATTEMPT = Duration.ofSeconds(1);
    /** An answer has at most a megabyte: these may have 200 kB each, which are more than two thousand machines of a node. */
    private static final int READ_TOGETHER = 5;

    private interface Attempt<T> {
        T run(Duration bound) throws KeeperException, InterruptedException;
    }

    private final StoreSettings settings;
    private final Schema schema;
    private final Wire wire;
    private final Trust trust;
    private final LongSupplier nanoClock;

    StoreSession(StoreSettings settings, CuratorFramework curator, Trust trust, LongSupplier nanoClock) {
        this.settings = settings;
        this.schema = new Schema(settings.cluster());
        this.wire = new Wire(curator, settings.credentials());
        this.trust = trust;
        this.nanoClock = nanoClock;
    }

    Schema schema() {
        return schema;
    }

    StoreSettings settings() {
        return settings;
    }

    Trust trust() {
        return trust;
    }

    /** Reads a node. */
    Optional<Wire.Data> get(String path) throws StoreUnreachableException {
        return repeated(path, bound -> wire.get(path, bound));
    }

    /** Reads several nodes by their paths, in few requests; those that are not there are left out. */
    Map<String, Wire.Data> getAll(List<String> paths) throws StoreUnreachableException {
        Map<String, Wire.Data> all = new LinkedHashMap<>();
        for (int from = 0; from < paths.size(); from += READ_TOGETHER) {
            List<String> some = paths.subList(from, Math.min(from + READ_TOGETHER, paths.size()));
            all.putAll(repeated(some.get(0), bound -> wire.getAll(some, bound)));
        }
        return all;
    }

    /** Reads a node as it was when this was called, or later. */
    Optional<Wire.Data> newest(String path) throws StoreUnreachableException {
        return newest(path, Optional.empty());
    }

    /** The same. @param changes told once, of the first change after what was read, if the node is there */
    Optional<Wire.Data> newest(String path, Optional<Watcher> changes) throws StoreUnreachableException {
        return repeated(path, bound -> {
            wire.sync(path, bound);
            return wire.get(path, changes, bound);
        });
    }

    /** The children of a node, empty if there is no such node. */
    List<String> children(String path) throws StoreUnreachableException {
        return childrenOf(path, Optional.empty()).orElse(List.of());
    }

    /**
     * The children of a node; empty only if there is no such node.
     *
     * @param changes told once, of the first child that comes or goes after what was read, if the node is there
     */
    Optional<List<String>> childrenOf(String path, Optional<Watcher> changes) throws StoreUnreachableException {
        return repeated(path, bound -> wire.children(path, changes, bound));
    }

    /**
     * Creates a node if it is not there.
     *
     * @return false if its parent is not there
     */
    boolean ensure(String path, byte[] data) throws StoreUnreachableException {
        return repeated(path, bound -> {
            try {
                wire.create(path, data, CreateMode.PERSISTENT, bound);
                return true;
            } catch (KeeperException.NodeExistsException already) {
                return true;
            } catch (KeeperException.NoNodeException noParent) {
                return false;
            }
        });
    }

    /** Creates a node with a number behind its name; may do so twice over a lost connection. */
    void append(String path, byte[] data) throws StoreUnreachableException {
        repeated(path, bound -> wire.create(path, data, CreateMode.PERSISTENT_SEQUENTIAL, bound));
    }

    /** All of it or nothing; never repeated. */
    Wire.Outcome multi(List<Op> operations) throws StoreUnreachableException {
        long end = end();
        trust.await(remaining(end));
        try {
            Duration left = remaining(end);
            return wire.multi(operations, left.compareTo(SHORTEST_ATTEMPT) < 0 ? SHORTEST_ATTEMPT : left);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            return new Wire.Outcome.Unknown("interrupted");
        }
    }

    /** The number of the present session. */
    long number() throws StoreUnreachableException {
        return repeated("session", bound -> wire.session());
    }

    /** An operation that creates a node. */
    static Op create(String path, byte[] data) {
        return Op.create(path, data, ZooDefs.Ids.CREATOR_ALL_ACL, CreateMode.PERSISTENT);
    }

    /** An operation that creates a node which goes away with this session. */
    static Op createEphemeral(String path, byte[] data) {
        return Op.create(path, data, ZooDefs.Ids.CREATOR_ALL_ACL, CreateMode.EPHEMERAL);
    }

    /** The check that a reign is still on. */
    Op checkEpoch(Epoch reign) {
        return Op.check(schema.epoch(), Math.toIntExact(reign.value()));
    }

    /** What to tell whoever asked when this node's credentials are refused. */
    StoreUnreachableException refused(String path) {
        return new StoreUnreachableException(refusedText(settings, path));
    }

    static String refusedText(StoreSettings settings, String path) {
        return ("ZooKeeper at %s refuses user \"%s\" on %s: the store was set up with other credentials. Copy the"
                        + " credentials file from a node that works, with mode 0600, and restart holdfastd")
                .formatted(settings.connect(), settings.credentials().user(), path);
    }

    static StoreUnreachableException unreachable(StoreSettings settings, String why) {
        String check = settings.tls().isPresent() ? "openssl s_client -connect HOST:PORT" : "echo srvr | nc HOST PORT";
        return new StoreUnreachableException(
                ("ZooKeeper at %s did not answer within %d ms (%s). Check that a majority of"
                                + " its servers runs and can be reached from this node: %s. Running machines"
                                + " are not affected")
                        .formatted(
                                settings.connect(), settings.operationTimeout().toMillis(), why, check));
    }

    private <T> T repeated(String path, Attempt<T> attempt) throws StoreUnreachableException {
        long end = end();
        trust.await(remaining(end));
        Code last = Code.OPERATIONTIMEOUT;
        while (!remaining(end).isZero()) {
            try {
                return attempt.run(remaining(end));
            } catch (KeeperException failed) {
                if (failed.code() == Code.NOAUTH) {
                    throw refused(path);
                }
                if (!passing(failed.code())) {
                    throw new StoreUnreachableException(
                            "ZooKeeper refused an operation on %s: %s. See its log".formatted(path, failed.code()),
                            failed);
                }
                last = failed.code();
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
                throw new StoreUnreachableException("interrupted while waiting for ZooKeeper", interrupted);
            }
            LockSupport.parkNanos(PAUSE_NANOS);
        }
        throw unreachable(settings, last.toString());
    }

    /** Whether the same operation may succeed a moment later. */
    static boolean passing(Code code) {
        return code == Code.CONNECTIONLOSS
                || code == Code.SESSIONEXPIRED
                || code == Code.SESSIONMOVED
                || code == Code.OPERATIONTIMEOUT
                || code == Code.REQUESTTIMEOUT
                || code == Code.THROTTLEDOP;
    }

    private long end() {
        return nanoClock.getAsLong() + settings.operationTimeout().toNanos();
    }

    private Duration remaining(long end) {
        return Duration.ofNanos(Math.max(0, end - nanoClock.getAsLong()));
    }
}
