package dev.holdfast.agent;

import dev.holdfast.agent.cluster.CheckpointClient;
import dev.holdfast.agent.cluster.LeaderDesk;
import dev.holdfast.agent.cluster.PeerDesk;
import dev.holdfast.agent.cluster.Peers;
import dev.holdfast.agent.cluster.TiesCheck;
import dev.holdfast.agent.config.Configuration;
import dev.holdfast.agent.config.NodeSettings;
import dev.holdfast.agent.control.CommandTable;
import dev.holdfast.agent.control.ControlServer;
import dev.holdfast.agent.control.Limits;
import dev.holdfast.agent.guard.Fired;
import dev.holdfast.agent.hypervisor.Hypervisor;
import dev.holdfast.agent.inspection.Inspection;
import dev.holdfast.agent.inspection.LeftFreezes;
import dev.holdfast.agent.journal.RoundJournal;
import dev.holdfast.agent.migration.Departures;
import dev.holdfast.agent.node.NodeIdentity;
import dev.holdfast.agent.node.NodePublisher;
import dev.holdfast.agent.node.ScheduledTimers;
import dev.holdfast.agent.node.UniqueWords;
import dev.holdfast.agent.replication.Replicas;
import dev.holdfast.agent.replication.ReplicatedMachine;
import dev.holdfast.agent.round.Complaints;
import dev.holdfast.agent.round.GuardWatch;
import dev.holdfast.agent.round.LayerDigests;
import dev.holdfast.agent.round.LeftIntents;
import dev.holdfast.agent.round.NodeMembers;
import dev.holdfast.agent.round.NodeParts;
import dev.holdfast.agent.round.RoundSnapshotter;
import dev.holdfast.agent.round.UntidyChains;
import dev.holdfast.agent.service.AdoptCommands;
import dev.holdfast.agent.service.CheckpointCommands;
import dev.holdfast.agent.service.ClusterCommands;
import dev.holdfast.agent.service.GroupCommands;
import dev.holdfast.agent.service.Placement;
import dev.holdfast.agent.service.SnapshotCommands;
import dev.holdfast.agent.service.VmCommands;
import dev.holdfast.agent.snapshot.DiskImport;
import dev.holdfast.agent.snapshot.SnapshotTools;
import dev.holdfast.agent.snapshot.chain.QemuImages;
import dev.holdfast.coordinator.engine.Coordinator;
import dev.holdfast.coordinator.engine.Engine;
import dev.holdfast.coordinator.port.ImageKeys;
import dev.holdfast.coordinator.port.Leadership;
import dev.holdfast.coordinator.port.NodeRegistry;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.SortedMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The agent of one node. Machines never depend on it: starting it, stopping it or killing it changes nothing about what
 * runs. Thread-safe.
 */
public final class HoldfastAgent implements AutoCloseable, Leadership.Listener {

    private static final Logger LOG = LoggerFactory.getLogger(HoldfastAgent.class);
    private static final Duration PUBLISH_EVERY = Duration.ofMillis(500);
    private static final Duration JOIN_AGAIN = Duration.ofSeconds(5);
    private static final Duration LOOK_EVERY = Duration.ofSeconds(2);
    private static final int RECORD_VERSION = 1;

    private final NodeSettings node;
    private final Platform platform;
    private final String identity;
    private final ExecutorService workers = Executors.newCachedThreadPool(task -> daemon(task, "holdfast-machine"));
    private final ScheduledTimers timers = new ScheduledTimers();
    private final ScheduledExecutorService lookouts =
            Executors.newScheduledThreadPool(4, task -> daemon(task, "holdfast-lookout"));
    private final PeersHolder peers = new PeersHolder();
    private final LocalMachines machines;
    private final ClusterLink cluster;
    private final NodeParts parts;
    private final MigrationParts migrations;
    private final ReplicationParts replications;
    private final LeftIntents leftIntents;
    private final ChainRecovery recovery;
    private final RoundSnapshotter snapshotter;
    private final Engine engine;
    private final LeaderDesk leaderDesk;
    private final Unattended unattended;
    private final UniqueWords words;
    private final NodePublisher publisher;
    private final ControlServer control;
    private final Optional<ControlServer> status;
    private volatile Optional<Epoch> reign = Optional.empty();

    private HoldfastAgent(Configuration configuration, Platform platform, Drivers drivers) throws IOException {
        Hypervisor hypervisor = drivers.started(configuration::isReplicated);
        this.node = configuration.node();
        this.platform = platform;
        this.machines = LocalMachines.open(configuration, hypervisor, platform.clock(), this::onFired);
        this.identity =
                NodeIdentity.load(node.stateDirectory(), platform.identities()).identity();
        this.cluster = ClusterLink.open(configuration, platform);
        this.words = new UniqueWords(platform.clock(), platform.random());
        this.parts = parts(hypervisor, drivers.imageKeys());
        this.leftIntents = new LeftIntents(machines.journal(), cluster.store().decisions()::read, workers);
        this.snapshotter = new RoundSnapshotter(
                node.node(),
                platform.software(),
                machines.net(),
                new TellingParts(parts, this::publish, workers, node.node(), this::replica),
                workers,
                new RoundSnapshotter.Clocks(platform.nanoClock(), cluster::clockError));
        RoundJournal journal = new RoundJournal(machines.journal(), node.node(), platform.clock());
        this.engine = new Engine(
                node.node(), cluster.ports(platform.faults(), journal, snapshotter, timers), platform.fatal());
        this.publisher = new NodePublisher(
                states -> describe(states, drivers.imageKeys()),
                machines.vms(),
                cluster.store().nodes(),
                cluster.store().catalogue());
        Departures.Others others = new Departures.Others(engine::giveWay, parts::isLeft, words);
        this.migrations = MigrationParts.of(
                node,
                machines,
                hypervisor,
                platform,
                new MigrationParts.Cluster(peers::get, others, workers, this::publish));
        this.replications = ReplicationParts.of(
                configuration,
                machines,
                drivers,
                platform,
                new ReplicationParts.Surroundings(cluster, peers::get, rounds(), words, workers, parts, leftIntents));
        Coordinator coordinator = new Coordinator(
                engine,
                cluster.store().catalogue(),
                cluster.store().nodes(),
                cluster.store().queue(),
                Coordinator.Admission.of(cluster.store().gate(), spec -> new TiesCheck(peers.get()).check(spec)));
        this.leaderDesk = leaderDesk(coordinator);
        this.unattended = new Unattended(node, platform, machines, cluster, () -> reign, replications::details);
        CommandTable commands = commands(configuration, drivers, words, coordinator);
        migrations.recover();
        this.recovery = new ChainRecovery(machines, parts, leftIntents, new Complaints());
        recovery.recoverAll();
        replications.start();
        this.control = ControlServer.start(
                node.controlSocket(),
                Optional.of(node.adminGroup()).filter(g -> !g.isEmpty()).orElse(null),
                commands,
                Limits.DEFAULT);
        this.status = status(node, commands);
    }

    private static Optional<ControlServer> status(NodeSettings node, CommandTable commands) throws IOException {
        return node.statusGroup().isPresent()
                ? Optional.of(ControlServer.startForStatus(
                        node.statusSocket(), node.statusGroup().get(), commands))
                : Optional.empty();
    }

    /** Starts an agent. Returns when the control socket answers; the cluster is joined in the background. */
    public static HoldfastAgent start(Configuration configuration, Platform platform, Drivers drivers)
            throws IOException {
        HoldfastAgent agent = new HoldfastAgent(configuration, platform, drivers);
        agent.engine.start();
        agent.every(LOOK_EVERY, agent.machines::look);
        agent.every(LeftFreezes.AGAIN, () -> agent.machines.freezes().endLeft(configuration::isReplicated));
        agent.every(LOOK_EVERY, agent.leaderDesk::rollForward);
        agent.every(LOOK_EVERY, new LayerDigests(agent.parts, agent.machines.vms(), agent.machines.claims())::take);
        agent.every(LOOK_EVERY, agent.recovery::finishLeft);
        agent.every(LOOK_EVERY, new UntidyChains(agent.parts, agent.machines.vms())::tidy);
        agent.every(LOOK_EVERY, agent.unattended.schedules(agent.leaderDesk, agent.words, agent.workers)::look);
        agent.every(LOOK_EVERY, agent.unattended::tell);
        agent.workers.execute(agent.migrations::goOn);
        agent.every(LOOK_EVERY, agent.migrations::goOn);
        daemon(agent::joinCluster, "holdfast-join").start();
        return agent;
    }

    private NodeParts parts(Hypervisor hypervisor, ImageKeys imageKeys) {
        SnapshotTools tools = new SnapshotTools(
                        hypervisor,
                        new QemuImages("qemu-img"),
                        new GuardWatch(machines.net()),
                        platform.clock(),
                        platform.nanoClock(),
                        SnapshotTools.DEFAULT_MAX_DEPTH,
                        machines.storage())
                .with(new CatalogueOfImages(cluster.store().catalogue(), imageKeys));
        return new NodeParts(node.node(), machines.vms(), machines.claims(), tools, cluster::runsElsewhere, words);
    }

    private Optional<ReplicatedMachine> replica(Name vm) {
        return replications.replicas().find(vm);
    }

    private LeaderDesk leaderDesk(Coordinator coordinator) {
        LeaderDesk.Books books = new LeaderDesk.Books(
                cluster.store().decisions(),
                cluster.store().catalogue(),
                cluster.store().history()::append,
                platform.clock());
        return new LeaderDesk(() -> reign, coordinator, engine, books, peers::get);
    }

    private CommandTable commands(
            Configuration configuration, Drivers drivers, UniqueWords words, Coordinator coordinator) {
        NodeRegistry nodes = cluster.store().nodes();
        Consultation doctor = new Consultation(configuration, platform, machines, cluster, drivers);
        FsckParts.Chains chains =
                new FsckParts.Chains(parts, leftIntents, cluster.store().catalogue());
        Inspection inspection =
                FsckParts.of(configuration, platform, machines, chains, doctor).desk();
        PeerDesk desk = new PeerDesk(
                leaderDesk,
                replications.members(new NodeMembers(parts)),
                migrations.desk(),
                replications.desk(),
                inspection);
        peers.set(new Peers(node.node(), cluster.channel().link(), nodes, desk, configuration::isReplicated));
        cluster.channel().link().serve(desk);
        CheckpointClient client = new CheckpointClient(peers.get(), engine::follow, coordinator::checked, words);

        CommandTable table = new CommandTable();
        new CheckpointCommands(
                        configuration.node().checkpoint(),
                        client,
                        cluster.store().catalogue(),
                        platform.clock())
                .register(table);
        new GroupCommands(cluster.store().catalogue(), nodes).register(table);
        unattended.register(table);
        new ClusterCommands(
                        node.cluster(),
                        nodes,
                        cluster.store().decisions(),
                        new ClusterCommands.Store(
                                cluster::storeIdentity,
                                cluster::epoch,
                                cluster.store().gate(),
                                cluster.store().history()::list,
                                this::adoptStore))
                .register(table);
        Placement placement = new Placement(node::vmRunDirectory, Unattended.MAINTENANCE::reason);
        VmCommands.Tools tools = tools(placement, words);
        new VmCommands(node.node(), machines.vms(), machines::operationOn, engine::giveUp, publisher::publish, tools)
                .register(table);
        new AdoptCommands(drivers.foreign(), machines.vms(), node.vmsDirectory()).register(table);
        migrations.register(table, node, placement);
        new SnapshotCommands(node.node(), parts, node.checkpoint().deadline(), platform.clock(), workers)
                .register(table);
        FsckParts.register(table, configuration, peers.get(), cluster);
        replications.register(table, node, machines, publisher::publish);
        return table.whole();
    }

    private VmCommands.Tools tools(Placement placement, UniqueWords words) {
        return new VmCommands.Tools(
                machines.net(),
                node.checkpoint().deadline(),
                new DiskImport(new QemuImages("qemu-img"), platform.clock(), machines.vms()::definitions),
                machines.storage(),
                node::vmRunDirectory,
                new Starts(migrations.reclaim(), parts, cluster, leftIntents),
                migrations,
                placement,
                replications.replicas()::runsAgain,
                words);
    }

    /** Made before the publisher, used after. */
    private void publish() {
        publisher.publish();
    }

    private Replicas.Rounds rounds() {
        return new Replicas.Rounds(engine::giveWay, engine::giveBack);
    }

    private String adoptStore() throws StoreUnreachableException {
        String identity = cluster.adoptStore();
        publisher.joinGroupsAnew();
        return identity;
    }

    /** The channel needs the addresses of the others, and those come from the store; neither is waited for by machines. */
    private void joinCluster() {
        publisher.publish();
        try {
            cluster.store().leadership().start(this);
        } catch (StoreUnreachableException e) {
            LOG.warn("no part in elections yet: {}", e.getMessage());
            timers.after(PUBLISH_EVERY, daemon(this::joinCluster, "holdfast-join")::start);
            return;
        }
        every(PUBLISH_EVERY, publisher::publishInPassing);
        joinChannel();
    }

    private void joinChannel() {
        if (cluster.joinChannel(engine)) {
            LOG.info("node {} takes part in cluster {}", node.node(), node.cluster());
            Rehearsal.freezePath();
        } else {
            timers.after(JOIN_AGAIN, daemon(this::joinChannel, "holdfast-join")::start);
        }
    }

    /** A task that breaks is logged and comes again: nothing that looks after the node may end while the node lives. */
    private void every(Duration period, Runnable task) {
        lookouts.scheduleWithFixedDelay(
                () -> {
                    try {
                        task.run();
                    } catch (RuntimeException e) {
                        LOG.error("a task of the agent broke", e);
                    }
                },
                period.toMillis(),
                period.toMillis(),
                TimeUnit.MILLISECONDS);
    }

    private NodeRegistry.Node describe(SortedMap<Name, String> states, ImageKeys imageKeys) {
        return new NodeRegistry.Node(
                node.node(),
                identity,
                node.channel().bindAddress() + ":" + node.channel().port(),
                "",
                platform.software(),
                RECORD_VERSION,
                states,
                NodePublisher.unreadable(machines.vms()),
                imageKeys);
    }

    private void onFired(Fired fired) {
        if (VmCommands.isByHand(fired.token())) {
            workers.execute(() -> machines.net().forget(fired.vm()));
            return;
        }
        LOG.warn("the guard has thawed {} ({}): {}", fired.vm(), fired.reason(), fired.result());
        engine.giveUp(
                fired.vm(),
                Refusal.timedOut("the guard let %s run (%s): it stood still for too long; --deadline allows more"
                        .formatted(fired.vm(), fired.reason())));
    }

    @Override
    public void onElected(Epoch epoch) {
        LOG.info("node {} holds office, epoch {}", node.node(), epoch);
        reign = Optional.of(epoch);
        engine.onElected(epoch);
    }

    @Override
    public void onDeposed() {
        if (reign.isPresent()) {
            LOG.info("node {} no longer holds office", node.node());
        }
        reign = Optional.empty();
        engine.onDeposed();
    }

    @Override
    public void onStoreBack() {
        engine.onStoreBack();
    }

    private static Thread daemon(Runnable task, String name) {
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        return thread;
    }

    /** Ends the agent; machines run on, and what it had frozen is thawed by the guard. */
    @Override
    public void close() throws IOException {
        lookouts.shutdownNow();
        migrations.departures().close();
        replications.close();
        control.close();
        if (status.isPresent()) {
            status.get().close();
        }
        engine.close();
        cluster.close();
        timers.close();
        workers.shutdownNow();
        machines.close();
    }
}
