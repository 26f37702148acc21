package dev.holdfast.agent;

import dev.holdfast.agent.config.Configuration;
import dev.holdfast.agent.config.NodeSettings;
import dev.holdfast.agent.config.ZooKeeperSettings;
import dev.holdfast.agent.faults.FaultPoints;
import dev.holdfast.agent.node.RememberedStore;
import dev.holdfast.coordinator.engine.EnginePorts;
import dev.holdfast.coordinator.group.ChannelKey;
import dev.holdfast.coordinator.group.ChannelSettings;
import dev.holdfast.coordinator.group.JGroupsChannel;
import dev.holdfast.coordinator.port.DecisionLog;
import dev.holdfast.coordinator.port.GroupChannel;
import dev.holdfast.coordinator.port.Journal;
import dev.holdfast.coordinator.port.NodeRegistry;
import dev.holdfast.coordinator.port.Snapshotter;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.port.Timers;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.zookeeper.Credentials;
import dev.holdfast.coordinator.zookeeper.StoreIdentity;
import dev.holdfast.coordinator.zookeeper.StoreSettings;
import dev.holdfast.coordinator.zookeeper.StoreTls;
import dev.holdfast.coordinator.zookeeper.ZooKeeperStore;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The store and the group channel of this node. Thread-safe. */
final class ClusterLink implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(ClusterLink.class);

    private final Name self;
    private final Predicate<Name> apart;
    private final ZooKeeperStore store;
    private final JGroupsChannel channel;
    private volatile List<NodeRegistry.Node> lastSeen = List.of();
    private volatile Optional<String> channelProblem = Optional.empty();

    private ClusterLink(Configuration configuration, ZooKeeperStore store, Platform platform) throws IOException {
        NodeSettings node = configuration.node();
        this.apart = configuration::isReplicated;
        this.self = node.node();
        this.store = store;
        this.channel = new JGroupsChannel(channelSettings(node), this::addresses, platform::wallNanos);
    }

    /** Begins to connect to the store; the channel is started separately. Never waits for either. */
    static ClusterLink open(Configuration configuration, Platform platform) throws IOException {
        NodeSettings node = configuration.node();
        StoreSettings usual = StoreSettings.of(
                node.zookeeper().connect(),
                node.cluster(),
                node.node(),
                Credentials.read(node.zookeeper().credentials()),
                node.zookeeper().sessionTimeout());
        StoreSettings open = node.zookeeper().closeRoot() ? usual : usual.leavingRoot();
        Optional<ZooKeeperSettings.Tls> tls = node.zookeeper().tls();
        StoreSettings settings = tls.isPresent()
                ? open.with(StoreTls.read(tls.get().trust(), tls.get().identity()))
                : open;
        RememberedStore memory = new RememberedStore(node.stateDirectory());
        ZooKeeperStore store = ZooKeeperStore.open(settings, memory, platform.identities(), platform.nanoClock());
        return new ClusterLink(configuration, store, platform);
    }

    private static ChannelSettings channelSettings(NodeSettings node) throws IOException {
        return new ChannelSettings(
                node.node(),
                node.cluster().value(),
                InetAddress.getByName(node.channel().bindAddress()),
                node.channel().port(),
                ChannelKey.read(node.channel().key(), node.cluster().value()));
    }

    ZooKeeperStore store() {
        return store;
    }

    JGroupsChannel channel() {
        return channel;
    }

    /** Whether this node is in the group channel now; its address may not be there yet when the host has just come up. */
    boolean joinChannel(GroupChannel.Listener engine) {
        try {
            channel.start(engine);
            channelProblem = Optional.empty();
        } catch (IOException e) {
            channelProblem = Optional.of("no group channel, so no checkpoints and no moves: " + e.getMessage());
            LOG.error("{}; it is tried again", channelProblem.get());
        }
        return channelProblem.isEmpty();
    }

    /** Why this node is not in the group channel. */
    Optional<String> channelProblem() {
        return channelProblem;
    }

    /** The nodes as the store has them, or as it last had them. */
    List<NodeRegistry.Node> nodes() {
        try {
            lastSeen = store.nodes().nodes();
        } catch (StoreUnreachableException e) {
            LOG.debug("the last known nodes are used: {}", e.getMessage());
        }
        return lastSeen;
    }

    private Collection<InetSocketAddress> addresses() {
        List<InetSocketAddress> addresses = new ArrayList<>();
        for (NodeRegistry.Node node : nodes()) {
            int colon = node.channelAddress().lastIndexOf(':');
            addresses.add(new InetSocketAddress(
                    node.channelAddress().substring(0, colon),
                    Integer.parseInt(node.channelAddress().substring(colon + 1))));
        }
        return addresses;
    }

    /**
     * Whether another node says that it runs a machine, with the same disks. If the store cannot be asked, its last word counts. The disks
     * of a replicated one are each node's own.
     */
    boolean runsElsewhere(Name vm) {
        return !apart.test(vm) && runsElsewhere(vm, nodes());
    }

    private boolean runsElsewhere(Name vm, List<NodeRegistry.Node> nodes) {
        return nodes.stream()
                .filter(node -> !node.node().equals(self))
                .map(node -> node.vms().get(vm))
                .anyMatch(state -> state != null && !"stopped".equals(state));
    }

    /** The same, but what an unreachable store said last does not count: for who knows better, as pacemaker does. */
    boolean surelyRunsElsewhere(Name vm) {
        try {
            return runsElsewhere(vm, store.nodes().nodes());
        } catch (StoreUnreachableException e) {
            LOG.warn("{}: the store cannot be asked where it runs ({}); pacemaker is believed", vm, e.getMessage());
            return false;
        }
    }

    /** How far this node's clock may be from that of the round's first node; -1 if it was not measured. */
    long clockError(RoundSpec spec) {
        GroupChannel.ClockOffset offset =
                channel.clockOffset(spec.members().nodes().first());
        return offset.errorNanos() < 0 ? -1 : Math.abs(offset.offsetNanos()) + offset.errorNanos();
    }

    /** The highest reign that this node has heard of; -1 if the store does not answer. */
    long epoch() {
        return store.identity().map(known -> known.epoch().value()).orElse(-1L);
    }

    /** Identity of the store, empty if it does not answer. */
    String storeIdentity() {
        return store.identity().map(StoreIdentity::identity).orElse("");
    }

    /**
     * Trusts the store at hand from now on.
     *
     * @return its identity
     */
    String adoptStore() throws StoreUnreachableException {
        return store.adopt().identity();
    }

    @Override
    public void close() {
        channel.close();
        store.close();
    }

    /** What the engine reaches the cluster and this node through, with the points at which a test may have something go wrong. */
    EnginePorts ports(FaultPoints faults, Journal journal, Snapshotter snapshotter, Timers timers) {
        return new EnginePorts(
                faults.around(DecisionLog.class, store().decisions()),
                faults.around(GroupChannel.class, channel()),
                faults.around(Journal.class, journal),
                faults.around(Snapshotter.class, snapshotter),
                timers);
    }
}
