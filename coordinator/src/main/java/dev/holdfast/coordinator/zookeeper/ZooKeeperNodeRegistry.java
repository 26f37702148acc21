package dev.holdfast.coordinator.zookeeper;

import dev.holdfast.coordinator.codec.CodecException;
import dev.holdfast.coordinator.codec.RecordCodec;
import dev.holdfast.coordinator.port.NodeRegistry;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.Name;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.zookeeper.KeeperException.Code;
import org.apache.zookeeper.Op;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The nodes that are there, as ephemeral znodes, and those that were, as others. Thread-safe. */
final class ZooKeeperNodeRegistry implements NodeRegistry, AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(ZooKeeperNodeRegistry.class);
    private static final int ATTEMPTS = 20;
    private static final long AGAIN_MILLIS = 500;
    private static final int ANY_VERSION = -1;
    private static final byte[] NOTHING = {};

    private final StoreSession session;
    private final Schema schema;
    private final ScheduledThreadPoolExecutor worker = Workers.one("nodes");
    private final Object lock = new Object();

    // Guarded by lock.
    private @Nullable Node self;
    private boolean listening;

    ZooKeeperNodeRegistry(StoreSession session) {
        this.session = session;
        this.schema = session.schema();
    }

    @Override
    public void publish(Node node) throws StoreUnreachableException {
        synchronized (lock) {
            self = node;
            if (!listening) {
                listening = true;
                session.trust().whenTrusted(() -> worker.execute(this::republish));
            }
        }
        write(node);
    }

    private void republish() {
        Node node;
        synchronized (lock) {
            node = self;
        }
        if (node == null) {
            return;
        }
        try {
            write(node);
        } catch (StoreUnreachableException later) {
            if (worker.isShutdown()) {
                return;
            }
            LOG.warn("this node is not published yet: {}", later.getMessage());
            worker.schedule(this::republish, AGAIN_MILLIS, TimeUnit.MILLISECONDS);
        }
    }

    /**
     * An entry may be left from this agent's life before, or from a session that was lost: it would disappear at any moment
     * and take our news with it, so it is replaced by one of the present session.
     */
    private void write(Node node) throws StoreUnreachableException {
        String path = schema.node(node.node());
        byte[] data = RecordCodec.encode(node);
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            List<Op> operations = new ArrayList<>();
            Optional<Wire.Data> found = session.newest(path);
            if (found.isPresent() && found.get().stat().getEphemeralOwner() == session.number()) {
                operations.add(Op.setData(path, data, -1));
            } else {
                if (found.isPresent()) {
                    requireSameIdentity(node, found.get());
                    operations.add(Op.delete(path, found.get().version()));
                }
                operations.add(StoreSession.createEphemeral(path, data));
                operations.add(makeKnown(node.node()));
            }
            Wire.Outcome outcome = session.multi(operations);
            if (outcome instanceof Wire.Outcome.Done) {
                return;
            }
            if (outcome instanceof Wire.Outcome.Failed failed && failed.code() == Code.NOAUTH) {
                throw session.refused(path);
            }
        }
        throw StoreSession.unreachable(session.settings(), "this node's entry could not be written");
    }

    /** In the same write as the node's entry: whoever is there is known, whatever is forgotten meanwhile. */
    private Op makeKnown(Name node) throws StoreUnreachableException {
        session.ensure(schema.known(), NOTHING); // A store of an earlier version has none.
        String path = schema.known(node);
        return session.newest(path).isPresent() ? Op.check(path, ANY_VERSION) : StoreSession.create(path, NOTHING);
    }

    @Override
    public SortedSet<Name> known() throws StoreUnreachableException {
        return session.children(schema.known()).stream().map(Name::new).collect(Collectors.toCollection(TreeSet::new));
    }

    /** That its entry can be made proves that it is not there. */
    @Override
    public boolean forget(Name node) throws StoreUnreachableException {
        String entry = schema.node(node);
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            if (session.newest(entry).isPresent()) {
                return false;
            }
            if (session.newest(schema.known(node)).isEmpty()) {
                return true;
            }
            Wire.Outcome outcome = session.multi(List.of(
                    StoreSession.createEphemeral(entry, NOTHING),
                    Op.delete(entry, ANY_VERSION),
                    Op.delete(schema.known(node), ANY_VERSION)));
            if (outcome instanceof Wire.Outcome.Done) {
                return true;
            }
        }
        throw StoreSession.unreachable(session.settings(), "the node " + node + " could not be forgotten");
    }

    private void requireSameIdentity(Node node, Wire.Data found) throws StoreUnreachableException {
        Node other = decode(schema.node(node.node()), found);
        if (!other.identity().equals(node.identity())) {
            throw new StoreUnreachableException(("another node of the name %s is in the cluster, at %s. If this is its"
                            + " replacement, it will be accepted when the old one's session has ended (%d s after its agent"
                            + " has); else give one of them another name in holdfast.toml")
                    .formatted(
                            node.node(),
                            other.channelAddress(),
                            session.settings().sessionTimeout().toSeconds()));
        }
    }

    @Override
    public List<Node> nodes() throws StoreUnreachableException {
        List<String> paths = session.children(schema.nodes()).stream()
                .map(name -> schema.nodes() + "/" + name)
                .toList();
        List<Node> all = new ArrayList<>();
        for (Map.Entry<String, Wire.Data> entry : session.getAll(paths).entrySet()) {
            all.add(decode(entry.getKey(), entry.getValue()));
        }
        all.sort(Comparator.comparing(Node::node));
        return all;
    }

    private static Node decode(String path, Wire.Data data) throws StoreUnreachableException {
        try {
            return RecordCodec.decodeNode(data.bytes());
        } catch (CodecException unreadable) {
            throw RoundReader.unreadable(path, unreadable);
        }
    }

    /** The first in the latch, once it has raised the epoch. */
    @Override
    public Optional<Name> leader() throws StoreUnreachableException {
        Optional<String> first = session.children(schema.leader()).stream()
                .min(Comparator.comparing(child -> child.substring(child.lastIndexOf('-') + 1)));
        if (first.isEmpty()) {
            return Optional.empty();
        }
        Optional<String> candidate =
                session.get(schema.leader() + "/" + first.get()).map(ZooKeeperNodeRegistry::text);
        Optional<String> raisedBy = session.get(schema.epoch()).map(ZooKeeperNodeRegistry::text);
        return candidate.filter(name -> raisedBy.equals(Optional.of(name))).map(Name::new);
    }

    private static String text(Wire.Data data) {
        return new String(data.bytes(), StandardCharsets.UTF_8);
    }

    @Override
    public void close() {
        worker.shutdownNow();
    }
}
