package dev.holdfast.coordinator.zookeeper;

import dev.holdfast.coordinator.port.Catalogue;
import dev.holdfast.coordinator.port.Claims;
import dev.holdfast.coordinator.port.DecisionLog;
import dev.holdfast.coordinator.port.GroupQueue;
import dev.holdfast.coordinator.port.Leadership;
import dev.holdfast.coordinator.port.NodeRegistry;
import dev.holdfast.coordinator.port.ReplicaStore;
import dev.holdfast.coordinator.port.RoundGate;
import dev.holdfast.coordinator.port.Schedules;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.api.ACLProvider;
import org.apache.curator.retry.RetryNTimes;
import org.apache.zookeeper.client.ZKClientConfig;
import org.apache.zookeeper.data.ACL;

/**
 * This node's connection to the store, and the ports on it. Opening never waits and never fails for want of a store: it
 * connects in the background, again and again; until then each call throws {@link StoreUnreachableException} after its
 * bound. Thread-safe.
 */
public final class ZooKeeperStore implements AutoCloseable {

    private static final int RECIPE_RETRIES = 3;
    private static final int RECIPE_PAUSE_MILLIS = 200;
    private static final int CLOSE_WAIT_MILLIS = 1000;

    private final CuratorFramework curator;
    private final Trust trust;
    private final StoreSession session;
    private final ZooKeeperDecisionLog decisions;
    private final ZooKeeperLeadership leadership;
    private final ZooKeeperNodeRegistry nodes;
    private final ZooKeeperGroupQueue queue;
    private final ZooKeeperReplicaStore replicas;
    private final Optional<TlsWatch> tlsWatch;

    private ZooKeeperStore(StoreSettings settings, CuratorFramework curator, Trust trust, LongSupplier nanoClock) {
        this.curator = curator;
        this.trust = trust;
        this.session = new StoreSession(settings, curator, trust, nanoClock);
        this.leadership = new ZooKeeperLeadership(session, curator);
        this.decisions = new ZooKeeperDecisionLog(session, curator, leadership::holdsOffice);
        leadership.whenInOffice(decisions::lookAtAll);
        this.nodes = new ZooKeeperNodeRegistry(session);
        this.queue = new ZooKeeperGroupQueue(session, curator);
        this.replicas = new ZooKeeperReplicaStore(session, curator);
        this.tlsWatch = settings.tls()
                .map(tls -> new TlsWatch(
                        settings.connect(),
                        tls,
                        () -> curator.getZookeeperClient().isConnected(),
                        trust::explain));
    }

    /**
     * Begins to connect.
     *
     * @param settings where and who
     * @param memory what this node remembers of its store
     * @param identities makes a new random identity, used once in a store's life
     * @param nanoClock the monotonic clock
     */
    public static ZooKeeperStore open(
            StoreSettings settings, StoreMemory memory, Supplier<String> identities, LongSupplier nanoClock) {
        CuratorFramework curator = client(settings);
        Trust trust = new Trust(settings, curator, memory, identities);
        ZooKeeperStore store = new ZooKeeperStore(settings, curator, trust, nanoClock);
        curator.start();
        return store;
    }

    static CuratorFramework client(StoreSettings settings) {
        ZKClientConfig config = new ZKClientConfig();
        config.setProperty(ZKClientConfig.ENABLE_CLIENT_SASL_KEY, "false");
        // A server's certificate must name the host that was configured, not what reverse DNS says (CVE-2026-24281).
        config.setProperty("zookeeper.ssl.allowReverseDnsLookup", "false");
        settings.tls().ifPresent(tls -> tls.configure(config));
        int session = Math.toIntExact(settings.sessionTimeout().toMillis());
        return CuratorFrameworkFactory.builder()
                .connectString(settings.connect())
                // Otherwise servers' own idea of their addresses replaces the configured one.
                .ensembleTracker(false)
                .sessionTimeoutMs(session)
                .connectionTimeoutMs(Math.max(1, session / (RECIPE_RETRIES + 1)))
                .retryPolicy(new RetryNTimes(RECIPE_RETRIES, RECIPE_PAUSE_MILLIS))
                .authorization("digest", settings.credentials().digest())
                .aclProvider(new OursAlone(settings.credentials().oursAlone()))
                .dontUseContainerParents()
                .zkClientConfig(config)
                .waitForShutdownTimeoutMs(CLOSE_WAIT_MILLIS)
                .build();
    }

    /** Each node that a recipe makes belongs to this cluster's credentials alone. */
    private record OursAlone(List<ACL> list) implements ACLProvider {
        @Override
        public List<ACL> getDefaultAcl() {
            return list;
        }

        @Override
        public List<ACL> getAclForPath(String path) {
            return list;
        }
    }

    /**
     * Waits until the store answers and is known.
     *
     * @throws StoreUnreachableException if it does not in time, refuses this node, or is not the one this node knows
     */
    public void awaitReady(Duration bound) throws StoreUnreachableException {
        trust.await(bound);
    }

    /** The store, if it answers and is known at present. */
    public Optional<StoreIdentity> identity() {
        return trust.identity();
    }

    /**
     * Makes the store at hand the cluster's, after a person said that the one it knew is lost. Every other node refuses it
     * until the same is said there. On a node that knows the store already nothing happens, so it may be said again. Ends
     * the reign of a leader if there is one; it takes office anew. Only to be called while no round is under way.
     */
    public StoreIdentity adopt() throws StoreUnreachableException {
        return trust.adopt();
    }

    /** The decisions. */
    public DecisionLog decisions() {
        return decisions;
    }

    /** Groups and checkpoints. */
    public Catalogue catalogue() {
        return new ZooKeeperCatalogue(session);
    }

    /** The nodes that are there. */
    public NodeRegistry nodes() {
        return nodes;
    }

    /** The election. */
    public Leadership leadership() {
        return leadership;
    }

    /** The callers' queues. */
    public GroupQueue queue() {
        return queue;
    }

    /** Holds new rounds back when a person wants that. */
    public RoundGate gate() {
        return new ZooKeeperRoundGate(session);
    }

    /** What open rounds hold. */
    public Claims claims() {
        return new ZooKeeperClaims(session);
    }

    /** What is done by itself. */
    public Schedules schedules() {
        return new ZooKeeperSchedules(session);
    }

    /** Who runs the replicated machines. */
    public ReplicaStore replicas() {
        return replicas;
    }

    /** What happened so far. */
    public ZooKeeperHistory history() {
        return new ZooKeeperHistory(session);
    }

    /** For tests of this package. */
    StoreSession session() {
        return session;
    }

    /** Leaves office, ends the session, and with it this node's presence. Waits a second at most for each. */
    @Override
    public void close() {
        leadership.close();
        decisions.close();
        nodes.close();
        replicas.close();
        tlsWatch.ifPresent(TlsWatch::close);
        trust.close();
        curator.close();
    }
}
