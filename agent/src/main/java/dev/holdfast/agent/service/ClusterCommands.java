package dev.holdfast.agent.service;

import dev.holdfast.agent.control.Arguments;
import dev.holdfast.agent.control.CommandTable;
import dev.holdfast.agent.control.ControlCommand;
import dev.holdfast.agent.control.ControlException;
import dev.holdfast.agent.control.Progress;
import dev.holdfast.agent.control.reply.ClusterStatus;
import dev.holdfast.agent.control.reply.Done;
import dev.holdfast.agent.control.reply.History;
import dev.holdfast.coordinator.codec.HistoryRecord;
import dev.holdfast.coordinator.port.DecisionLog;
import dev.holdfast.coordinator.port.NodeRegistry;
import dev.holdfast.coordinator.port.RoundGate;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundView;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/** {@code cluster.*}. Thread-safe. */
public final class ClusterCommands {

    private static final int MOST_LINES = 1000;

    /** What happened so far, oldest first. */
    public interface Chronicle {
        List<HistoryRecord> lines() throws StoreUnreachableException;
    }

    /** Makes the store at hand the one to trust. */
    public interface Adoption {
        /** @return its identity from now on */
        String adopt() throws StoreUnreachableException;
    }

    /**
     * The store as a whole.
     *
     * @param identity its identity, empty if unknown
     * @param epoch the present reign, -1 if unknown
     * @param gate holds new rounds back
     * @param chronicle how rounds ended
     * @param adoption for a store that was restored or made anew
     */
    public record Store(
            Supplier<String> identity, LongSupplier epoch, RoundGate gate, Chronicle chronicle, Adoption adoption) {}

    private final Name cluster;
    private final NodeRegistry nodes;
    private final DecisionLog log;
    private final Store store;

    /**
     * @param cluster its name
     * @param nodes who is there
     * @param log the rounds under way
     * @param store the store as a whole
     */
    public ClusterCommands(Name cluster, NodeRegistry nodes, DecisionLog log, Store store) {
        this.cluster = cluster;
        this.nodes = nodes;
        this.log = log;
        this.store = store;
    }

    /** Adds the handlers. */
    public void register(CommandTable table) {
        table.register(ControlCommand.CLUSTER_STATUS, this::status)
                .register(ControlCommand.CLUSTER_HISTORY, this::history)
                .register(ControlCommand.CLUSTER_PAUSE, this::pause)
                .register(ControlCommand.CLUSTER_RESUME, this::resume)
                .register(ControlCommand.CLUSTER_ADOPT_STORE, this::adoptStore);
    }

    /** Also answers without a store: that is when people ask. */
    private Object status(Arguments arguments, Progress progress) {
        try {
            List<NodeRegistry.Node> all = nodes.nodes();
            TreeMap<Name, ClusterStatus.Node> known = new TreeMap<>();
            nodes.known().forEach(node -> known.put(node, away(node)));
            all.forEach(node -> known.put(node.node(), describe(node)));
            List<ClusterStatus.Round> rounds =
                    log.rounds().stream().map(ClusterCommands::describe).toList();
            // As that reading has found them.
            List<String> problems = new ArrayList<>(log.unreadable());
            all.forEach(node -> node.unreadable()
                    .forEach(file -> problems.add(
                            "node %s cannot read a definition: %s".formatted(node.node(), file.because()))));
            String leader = nodes.leader().map(Name::value).orElse("");
            return new ClusterStatus(
                    cluster.value(),
                    "connected",
                    "",
                    store.identity().get(),
                    leader,
                    store.epoch().getAsLong(),
                    store.gate().heldBack().orElse(""),
                    List.copyOf(known.values()),
                    rounds,
                    problems);
        } catch (StoreUnreachableException e) {
            return new ClusterStatus(
                    cluster.value(),
                    "unreachable",
                    String.valueOf(e.getMessage()),
                    store.identity().get(),
                    "",
                    -1,
                    "",
                    List.of(),
                    List.of(),
                    List.of());
        }
    }

    private Object history(Arguments arguments, Progress progress) throws ControlException, InterruptedException {
        long limit = arguments.number("limit", 1, MOST_LINES).orElse(20L);
        List<HistoryRecord> newestFirst =
                new ArrayList<>(Failures.told(() -> store.chronicle().lines()));
        Collections.reverse(newestFirst);
        return new History(
                newestFirst.stream().limit(limit).map(ClusterCommands::describe).toList());
    }

    private static History.Entry describe(HistoryRecord line) {
        return new History.Entry(
                line.at().toString(),
                line.kind().name().toLowerCase(Locale.ROOT),
                line.group().value(),
                line.checkpoint().value(),
                line.round().value(),
                line.outcome().name().toLowerCase(Locale.ROOT),
                line.text());
    }

    private Object pause(Arguments arguments, Progress progress) throws ControlException, InterruptedException {
        String reason = arguments.text("reason").filter(text -> !text.isBlank()).orElse("no reason given");
        Failures.told(() -> {
            store.gate().holdBack(reason);
            return reason;
        });
        return new Done("no new round begins until 'holdfast cluster resume'; those under way end");
    }

    private Object resume(Arguments arguments, Progress progress) throws ControlException, InterruptedException {
        Failures.told(() -> {
            store.gate().letBegin();
            return true;
        });
        return new Done("rounds begin again");
    }

    private Object adoptStore(Arguments arguments, Progress progress) throws ControlException, InterruptedException {
        String identity = Failures.told(() -> store.adoption().adopt());
        return new Done("this node trusts the store " + identity + " from now on. Give the same command on every other"
                + " node. Checkpoints that this store does not list are not lost: their files are in the chains"
                + " (*.holdfast/snapshots), and 'holdfast snapshot list' on each node shows them");
    }

    private static ClusterStatus.Node away(Name node) {
        return new ClusterStatus.Node(node.value(), false, "", "", -1, false);
    }

    private static ClusterStatus.Node describe(NodeRegistry.Node node) {
        int running = (int) node.vms().values().stream()
                .filter(state -> !"stopped".equals(state))
                .count();
        return new ClusterStatus.Node(
                node.node().value(),
                true,
                node.channelAddress(),
                node.software(),
                running,
                !node.unreadable().isEmpty());
    }

    private static ClusterStatus.Round describe(RoundView view) {
        return new ClusterStatus.Round(
                view.spec().id().value(),
                view.spec().kind().name().toLowerCase(Locale.ROOT),
                view.spec().group().value(),
                view.spec().checkpoint().value(),
                view.state().name().toLowerCase(Locale.ROOT),
                view.waitsFor().stream().map(Name::value).toList());
    }
}
