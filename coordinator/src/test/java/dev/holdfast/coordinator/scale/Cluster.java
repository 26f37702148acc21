package dev.holdfast.coordinator.scale;

import dev.holdfast.coordinator.engine.Engine;
import dev.holdfast.coordinator.engine.EnginePorts;
import dev.holdfast.coordinator.engine.MemoryJournal;
import dev.holdfast.coordinator.group.ChannelKey;
import dev.holdfast.coordinator.group.ChannelSettings;
import dev.holdfast.coordinator.group.JGroupsChannel;
import dev.holdfast.coordinator.port.GroupChannel;
import dev.holdfast.coordinator.port.Leadership;
import dev.holdfast.coordinator.port.NodeRegistry;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.port.Timers;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.Members;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.zookeeper.Credentials;
import dev.holdfast.coordinator.zookeeper.StoreIdentity;
import dev.holdfast.coordinator.zookeeper.StoreMemory;
import dev.holdfast.coordinator.zookeeper.StoreSettings;
import dev.holdfast.coordinator.zookeeper.ZooKeeperStore;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/** Simulated agents, each with an engine, a session and a journal of its own; the first one leads. */
final class Cluster implements AutoCloseable {
    private static final Duration SESSION = Duration.ofSeconds(40);
    private static final int PORT = 7800;
    private static final int GROUP = 100;

    private final List<Agent> agents = new ArrayList<>();
    private final Map<Name, GroupChannel.Listener> hub = new ConcurrentHashMap<>();
    private final ScheduledExecutorService clock = Executors.newScheduledThreadPool(2);
    private final CompletableFuture<Epoch> office = new CompletableFuture<>();
    private final String connect;
    private final Optional<ChannelKey> key;

    /** One of them. */
    record Agent(Name name, ZooKeeperStore store, GroupChannel channel, Engine engine, SimulatedMachines machines) {}

    /** @param key of the channel; without one, messages are calls within this process */
    Cluster(String connect, Optional<Path> key) throws IOException {
        this.connect = connect;
        this.key = key.isPresent() ? Optional.of(ChannelKey.read(key.get(), "scale")) : Optional.empty();
    }

    private static Name node(int number) {
        return new Name("n%04d".formatted(number));
    }

    private static InetSocketAddress address(int number) {
        return new InetSocketAddress("127.88.%d.%d".formatted(number / 250, number % 250 + 1), PORT);
    }

    void add(int number, int vmsEach) throws IOException, StoreUnreachableException {
        Name name = node(number);
        SortedSet<Name> vms = new TreeSet<>();
        for (int vm = 0; vm < vmsEach; vm++) {
            vms.add(new Name("vm-%04d-%02d".formatted(number, vm)));
        }
        ZooKeeperStore store = ZooKeeperStore.open(
                StoreSettings.of(
                        connect, new Name("scale"), name, new Credentials("holdfast", "correct-horse"), SESSION),
                new Memory(),
                () -> "scale",
                System::nanoTime);
        store.awaitReady(Duration.ofMinutes(1));
        SimulatedMachines machines = new SimulatedMachines(name, vms);
        GroupChannel channel = key.isPresent() ? joined(number, store) : new Calls(hub, name);
        Engine engine = new Engine(
                name,
                new EnginePorts(store.decisions(), channel, new MemoryJournal(), machines, timers()),
                Throwable::printStackTrace);
        engine.start();
        publish(store, number, vms);
        if (channel instanceof JGroupsChannel joined) {
            joined.start(engine);
        } else {
            hub.put(name, engine);
        }
        store.leadership().start(number == 0 ? elected(engine) : new Bystander());
        agents.add(new Agent(name, store, channel, engine, machines));
        if (number == 0) {
            office.orTimeout(1, TimeUnit.MINUTES).join();
        }
    }

    private static void publish(ZooKeeperStore store, int number, SortedSet<Name> vms)
            throws StoreUnreachableException {
        SortedMap<Name, String> running = new TreeMap<>();
        vms.forEach(vm -> running.put(vm, "running"));
        InetSocketAddress address = address(number);
        store.nodes()
                .publish(new NodeRegistry.Node(
                        node(number),
                        "identity-" + number,
                        address.getHostString() + ":" + address.getPort(),
                        "",
                        "0.1.0",
                        1,
                        running));
    }

    private JGroupsChannel joined(int number, ZooKeeperStore store) throws IOException {
        ChannelSettings settings = new ChannelSettings(
                node(number), "scale", InetAddress.getByName(address(number).getHostString()), PORT, key.orElseThrow());
        return new JGroupsChannel(settings, () -> peers(store), System::nanoTime);
    }

    /** As an agent asks for them. */
    private static Collection<InetSocketAddress> peers(ZooKeeperStore store) {
        try {
            return store.nodes().nodes().stream()
                    .map(node -> node.channelAddress().split(":"))
                    .map(parts -> new InetSocketAddress(parts[0], Integer.parseInt(parts[1])))
                    .toList();
        } catch (StoreUnreachableException silent) {
            return List.of();
        }
    }

    private Timers timers() {
        return (delay, task) -> {
            ScheduledFuture<?> future = clock.schedule(task, delay.toMillis(), TimeUnit.MILLISECONDS);
            return () -> future.cancel(false);
        };
    }

    private Leadership.Listener elected(Engine engine) {
        return new Leadership.Listener() {
            @Override
            public void onElected(Epoch epoch) {
                engine.onElected(epoch);
                office.complete(epoch);
            }

            @Override
            public void onDeposed() {
                System.err.println("the leader has lost office");
                engine.onDeposed();
            }

            @Override
            public void onStoreBack() {
                engine.onStoreBack();
            }
        };
    }

    /** Waits in the election. */
    private static final class Bystander implements Leadership.Listener {
        @Override
        public void onElected(Epoch epoch) {
            System.err.println("another one leads");
        }

        @Override
        public void onDeposed() {}

        @Override
        public void onStoreBack() {}
    }

    Agent leader() {
        return agents.get(0);
    }

    List<Agent> agents() {
        return agents;
    }

    Epoch reign() {
        return office.join();
    }

    /** All machines, in groups of neighbours: the record of a group of all would be too large for ZooKeeper. */
    List<Members> groups() {
        List<Members> groups = new ArrayList<>();
        for (int from = 0; from < agents.size(); from += GROUP) {
            SortedMap<Name, SortedSet<Name>> byNode = new TreeMap<>();
            agents.subList(from, Math.min(from + GROUP, agents.size()))
                    .forEach(agent -> byNode.put(
                            agent.name(), new TreeSet<>(agent.machines().vms())));
            groups.add(new Members(byNode));
        }
        return groups;
    }

    boolean allSeeAll() {
        return agents.stream().allMatch(agent -> agent.channel().present().size() == agents.size());
    }

    @Override
    public void close() {
        clock.shutdownNow();
        for (Agent agent : agents) {
            agent.engine().close();
            agent.store().close();
        }
    }

    private static final class Memory implements StoreMemory {
        private volatile Optional<StoreIdentity> kept = Optional.empty();

        @Override
        public Optional<StoreIdentity> recall() {
            return kept;
        }

        @Override
        public void keep(StoreIdentity identity) {
            kept = Optional.of(identity);
        }
    }
}
