package dev.holdfast.agent.cluster;

import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.coordinator.engine.Coordinator;
import dev.holdfast.coordinator.engine.RoundRefusedException;
import dev.holdfast.coordinator.port.NodeLink;
import dev.holdfast.coordinator.port.NodeRegistry;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiFunction;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;

/** Asks other agents, this one included. Methods block. Thread-safe. */
public final class Peers {

    private static final String STOPPED = "stopped";
    private static final String MOVED_TO = "moved_to";
    private static final int ELECTION_TRIES = 60;
    private static final Duration BETWEEN_TRIES = Duration.ofMillis(250);
    private static final Duration JOINING = Duration.ofSeconds(10);

    private final Name self;
    private final NodeLink link;
    private final NodeRegistry nodes;
    private final BiFunction<Name, byte[], byte[]> ownDesk;
    private final Predicate<Name> apart;

    /**
     * @param self this node
     * @param link to the others
     * @param nodes who there is
     * @param ownDesk answers what this node asks of itself
     */
    /** With no machine of which each node has disks of its own. */
    public Peers(Name self, NodeLink link, NodeRegistry nodes, BiFunction<Name, byte[], byte[]> ownDesk) {
        this(self, link, nodes, ownDesk, vm -> false);
    }

    /**
     * @param self this node
     * @param link to the others
     * @param nodes who there is
     * @param ownDesk answers what this node asks of itself
     * @param apart machines of which each node has disks of its own
     */
    public Peers(
            Name self,
            NodeLink link,
            NodeRegistry nodes,
            BiFunction<Name, byte[], byte[]> ownDesk,
            Predicate<Name> apart) {
        this.self = self;
        this.link = link;
        this.nodes = nodes;
        this.ownDesk = ownDesk;
        this.apart = apart;
    }

    /**
     * Asks the leader, wherever it is. While none is elected, or the one that was asked has just lost office and begun
     * nothing, waits for the next for some seconds.
     *
     * @throws RoundRefusedException it was not done
     * @throws OutcomeUnknownException it was asked, and no answer came
     */
    public JsonObject askLeader(PeerRequest request, Duration patience)
            throws RoundRefusedException, OutcomeUnknownException, StoreUnreachableException, InterruptedException {
        for (int left = ELECTION_TRIES; ; left--) {
            Optional<Name> leader = nodes.leader();
            if (leader.isEmpty() && left <= 0) {
                throw new StoreUnreachableException(
                        "no agent has been elected leader for %d s; look at 'holdfast cluster status' on each node"
                                .formatted(ELECTION_TRIES * BETWEEN_TRIES.toMillis() / 1000));
            }
            try {
                // A leader that has just come back is in the store sooner than in the group.
                Optional<JsonObject> answer =
                        leader.isPresent() ? tryToAsk(leader.get(), request, patience) : Optional.empty();
                if (answer.isPresent()) {
                    return answer.get();
                }
                if (leader.isPresent() && left <= 0) {
                    throw absent(leader.get());
                }
            } catch (RoundRefusedException e) {
                if (!e.because().equals(Coordinator.NOT_IN_OFFICE) || left <= 0) {
                    throw e;
                }
            }
            LockSupport.parkNanos(BETWEEN_TRIES.toNanos());
        }
    }

    /** What a node has answered. */
    record Told(Name node, JsonObject answer) {}

    /** For an answer: the chain has moved to that node. */
    static JsonObject movedTo(Name node) {
        return JsonObject.of(Map.of(MOVED_TO, node.value()));
    }

    /**
     * Asks the node that has a machine's chain in hand, and where that says that it moved with a copy, the next.
     *
     * @param then the node that had it once
     * @throws RoundRefusedException it was not done
     * @throws OutcomeUnknownException a node was asked, and no answer came
     */
    Told askKeeper(Name vm, Name then, PeerRequest request, Duration patience)
            throws RoundRefusedException, OutcomeUnknownException, InterruptedException {
        Set<Name> asked = new LinkedHashSet<>();
        Name node = keeperOf(vm, then);
        while (asked.add(node)) {
            JsonObject answer = ask(node, request, patience);
            Optional<Name> next = destination(answer);
            if (next.isEmpty()) {
                return new Told(node, answer);
            }
            node = next.get();
        }
        throw new RoundRefusedException(Refusal.failed(
                "the disks of %s have left each of the nodes %s; start it where they are, see 'holdfast fsck' there"
                        .formatted(vm, asked)));
    }

    private static Optional<Name> destination(JsonObject answer) throws OutcomeUnknownException {
        try {
            return answer.text(MOVED_TO).map(Name::new);
        } catch (JsonException | IllegalArgumentException e) {
            throw new OutcomeUnknownException("the answer cannot be read: " + e.getMessage());
        }
    }

    /**
     * The node that has a machine's chain in hand: the one that runs it now, because it may have moved since; if none does, or
     * the store cannot be asked, or each node has disks of its own, the one that ran it then.
     */
    private Name keeperOf(Name vm, Name then) {
        if (apart.test(vm)) {
            return then;
        }
        try {
            return nodes.nodes().stream()
                    .filter(node -> !STOPPED.equals(node.vms().getOrDefault(vm, STOPPED)))
                    .map(NodeRegistry.Node::node)
                    .findFirst()
                    .orElse(then);
        } catch (StoreUnreachableException e) {
            return then;
        }
    }

    /**
     * Asks one node. One that the store knows and that has not joined the group channel yet, because its agent has just come
     * back, is waited for, but no longer than 10 s, or {@code patience} if that is shorter.
     *
     * @throws RoundRefusedException it was not done
     * @throws OutcomeUnknownException it was asked, and no answer came
     */
    public JsonObject ask(Name node, PeerRequest request, Duration patience)
            throws RoundRefusedException, OutcomeUnknownException, InterruptedException {
        long[] triesLeft = {(patience.compareTo(JOINING) < 0 ? patience : JOINING).toMillis() / BETWEEN_TRIES.toMillis()
        };
        return askWhenThere(node, request, patience, () -> triesLeft[0]-- > 0 && isInStore(node));
    }

    private boolean isInStore(Name node) {
        try {
            return nodes.nodes().stream().anyMatch(known -> known.node().equals(node));
        } catch (StoreUnreachableException e) {
            return false;
        }
    }

    /**
     * The same, but a node whose agent has not joined the group channel yet is asked again and again.
     *
     * @param waits asked before each further try
     */
    public JsonObject askWhenThere(Name node, PeerRequest request, Duration patience, BooleanSupplier waits)
            throws RoundRefusedException, OutcomeUnknownException, InterruptedException {
        Optional<JsonObject> answer = tryToAsk(node, request, patience);
        while (answer.isEmpty() && waits.getAsBoolean()) {
            LockSupport.parkNanos(BETWEEN_TRIES.toNanos());
            if (Thread.interrupted()) {
                throw new InterruptedException("interrupted while waiting for node " + node);
            }
            answer = tryToAsk(node, request, patience);
        }
        if (answer.isEmpty()) {
            throw absent(node);
        }
        return answer.get();
    }

    /** Whether nothing can even be sent to a node, because it is not in the group channel. Blocks for {@code patience} at most. */
    public boolean isAbsent(Name node, PeerRequest request, Duration patience) throws InterruptedException {
        try {
            return tryToAsk(node, request, patience).isEmpty();
        } catch (RoundRefusedException | OutcomeUnknownException e) {
            return false; // It is there, whatever it says.
        }
    }

    private static RoundRefusedException absent(Name node) {
        return new RoundRefusedException(Refusal.failed("node " + node
                + " is not in the group channel, so it cannot be asked; is its agent up, and can it be reached?"));
    }

    /** Empty if the request never left this node. */
    private Optional<JsonObject> tryToAsk(Name node, PeerRequest request, Duration patience)
            throws RoundRefusedException, OutcomeUnknownException, InterruptedException {
        if (node.equals(self)) {
            return Optional.of(PeerAnswer.read(ownDesk.apply(self, request.bytes())));
        }
        try {
            byte[] answer =
                    link.request(node, request.bytes(), patience).get(patience.toMillis(), TimeUnit.MILLISECONDS);
            return Optional.of(PeerAnswer.read(answer));
        } catch (TimeoutException e) {
            throw silent(node, patience);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof NodeLink.AbsentException) {
                return Optional.empty();
            }
            if (e.getCause() instanceof TimeoutException) {
                throw silent(node, patience);
            }
            if (e.getCause() instanceof NodeLink.NotServedException) {
                throw new RoundRefusedException(Refusal.failed(
                        "node " + node + " cannot be asked: " + e.getCause().getMessage()));
            }
            throw new OutcomeUnknownException(
                    "the answer of node " + node + " was lost: " + e.getCause().getMessage());
        }
    }

    private static OutcomeUnknownException silent(Name node, Duration patience) {
        return new OutcomeUnknownException("node " + node + " did not answer within " + patience.toSeconds() + " s");
    }
}
