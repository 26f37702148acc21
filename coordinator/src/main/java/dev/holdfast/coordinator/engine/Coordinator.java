package dev.holdfast.coordinator.engine;

import dev.holdfast.coordinator.port.Catalogue;
import dev.holdfast.coordinator.port.GroupBusyException;
import dev.holdfast.coordinator.port.GroupQueue;
import dev.holdfast.coordinator.port.NodeRegistry;
import dev.holdfast.coordinator.port.RoundGate;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.port.UnreadableDefinition;
import dev.holdfast.coordinator.protocol.CheckpointRecord;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.Members;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.RoundOptions;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.leader.Outcome;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the leader does for callers: finds a group's members, waits for its turn, and runs a round. Holds no truth of its
 * own. Methods block; thread-safe.
 */
public final class Coordinator {

    /** What was asked of a node that no longer leads: nothing was begun, and the caller may ask the next leader. */
    public static final Refusal NOT_IN_OFFICE =
            Refusal.failed("this node does not hold office any more; nothing was begun, try again");

    /** States of a machine that can take part, or tells itself why not. A replicated one stands in a capture at the end of each epoch. */
    private static final Set<String> PRESENT = Set.of("running", "paused", "capturing", "captured");

    /** How long a caller waits for members to carry a decision out; a member that is gone does so when it is back. */
    private static final Duration COMMITTED_PATIENCE = Duration.ofSeconds(15);

    private static final Duration ABORTED_PATIENCE = Duration.ofSeconds(3);

    /** Nodes that have just come back need some seconds until they are heard on the channel: how often to look. */
    private static final int JOINING_TRIES = 200;

    private static final Duration BETWEEN_TRIES = Duration.ofMillis(50);

    private static final Logger LOG = LoggerFactory.getLogger(Coordinator.class);

    private final Engine engine;
    private final Catalogue catalogue;
    private final NodeRegistry nodes;
    private final GroupQueue queue;
    private final Admission admission;

    /** What only the members together can tell. */
    public interface MembersCheck {
        /** @throws RoundRefusedException they cannot be captured at one instant, with the reason */
        void check(RoundSpec spec) throws RoundRefusedException, InterruptedException;
    }

    /**
     * What a round has to pass before it begins.
     *
     * @param gate holds new rounds back
     * @param check looks at the members together
     * @param joiningTries how often to look for a member that is not in the group channel yet
     */
    public record Admission(RoundGate gate, MembersCheck check, int joiningTries) {
        /** With the usual patience for members that have just come back. */
        public static Admission of(RoundGate gate, MembersCheck check) {
            return new Admission(gate, check, JOINING_TRIES);
        }
    }

    /**
     * @param engine runs the rounds
     * @param catalogue groups and checkpoints
     * @param nodes what runs where
     * @param queue orders the callers of one group
     * @param admission what a round has to pass before it begins
     */
    public Coordinator(Engine engine, Catalogue catalogue, NodeRegistry nodes, GroupQueue queue, Admission admission) {
        this.engine = engine;
        this.catalogue = catalogue;
        this.nodes = nodes;
        this.queue = queue;
        this.admission = admission;
    }

    /**
     * What a caller wants.
     *
     * @param id made by the caller, so that it can follow the round
     * @param kind checkpoint or revert
     * @param group the group
     * @param checkpoint the name to make, or to go back to
     * @param options how
     * @param patience how long to wait for other operations on the group; zero not to wait
     */
    public record Wish(
            RoundId id, RoundKind kind, Name group, Name checkpoint, RoundOptions options, Duration patience) {}

    /**
     * Runs a round for a caller.
     *
     * @param wish what is wanted
     * @param reign this node's epoch
     * @param begins told before the round is opened, and not if it is refused before that
     * @return how it ended: COMMITTED or UNKNOWN
     * @throws RoundRefusedException it was aborted or never opened; nothing is left of it
     */
    public Outcome run(Wish wish, Epoch reign, Runnable begins)
            throws RoundRefusedException, StoreUnreachableException, InterruptedException {
        try (GroupQueue.Turn turn = queue.take(wish.group(), wish.patience())) {
            RoundSpec spec = plan(wish, reign);
            awaitPresent(spec.members().nodes());
            admission.check().check(spec);
            // What was there may have been the life of an agent that was killed: the group notices some seconds later.
            awaitPresent(spec.members().nodes());
            begins.run();
            Outcome outcome = engine.run(spec).get();
            awaitClosed(wish.id(), outcome.kind() == Outcome.Kind.COMMITTED ? COMMITTED_PATIENCE : ABORTED_PATIENCE);
            if (outcome.kind() == Outcome.Kind.ABORTED) {
                throw new RoundRefusedException(
                        outcome.because().orElseGet(() -> Refusal.failed("the round was aborted")));
            }
            return outcome;
        } catch (GroupBusyException e) {
            throw new RoundRefusedException(new Refusal(Refusal.Kind.BUSY, e.getMessage()));
        } catch (ExecutionException e) {
            throw new IllegalStateException("a round never ends exceptionally", e);
        }
    }

    /** Something that must not meet a round of the same group. */
    public interface Action {
        void run() throws RoundRefusedException, StoreUnreachableException, GroupBusyException, InterruptedException;
    }

    /**
     * Does something when no round of a group is under way.
     *
     * @param patience how long to wait for the turn; zero not to wait
     * @throws RoundRefusedException BUSY, or what the action throws
     */
    public void inTurn(Name group, Duration patience, Action action)
            throws RoundRefusedException, StoreUnreachableException, InterruptedException {
        try (GroupQueue.Turn turn = queue.take(group, patience)) {
            action.run();
        } catch (GroupBusyException e) {
            throw new RoundRefusedException(new Refusal(Refusal.Kind.BUSY, e.getMessage()));
        }
    }

    /**
     * An agent that has just come back is in the store a few seconds before it is in the group channel. A round begun in
     * between would freeze those who hear of it, and wait for the others in vain.
     */
    private void awaitPresent(SortedSet<Name> members) throws RoundRefusedException, InterruptedException {
        SortedSet<Name> missing = new TreeSet<>(members);
        for (int left = admission.joiningTries(); ; left--) {
            missing.removeAll(engine.present());
            if (missing.isEmpty()) {
                return;
            }
            if (left <= 0) {
                throw refused(
                        "these nodes are not in the group channel, as the leader sees it: %s. See that their agents are up, and that port and address of [channel] can be reached from every node"
                                .formatted(names(missing)));
            }
            LockSupport.parkNanos(BETWEEN_TRIES.toNanos());
            if (Thread.interrupted()) {
                throw new InterruptedException("interrupted while waiting for nodes to join the group channel");
            }
        }
    }

    private static String names(SortedSet<Name> nodes) {
        return nodes.stream().map(Name::value).collect(Collectors.joining(", "));
    }

    /** "Reverted" shall mean that the machines run there, and what comes next shall find nobody in its way. */
    private void awaitClosed(RoundId round, Duration patience) throws InterruptedException, ExecutionException {
        try {
            engine.closed(round).get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            LOG.warn(
                    "round {}: decided, but not every member has carried it out within {} s; they go on",
                    round,
                    patience.toSeconds());
        }
    }

    /**
     * Looks whether a round could be opened: who would take part, and whether they can together. Touches nothing.
     *
     * @throws RoundRefusedException the round cannot be opened, with the reason
     */
    public RoundSpec checked(Wish wish, Epoch reign)
            throws RoundRefusedException, StoreUnreachableException, InterruptedException {
        RoundSpec spec = plan(wish, reign);
        admission.check().check(spec);
        return spec;
    }

    /**
     * Finds out who would take part. Touches nothing.
     *
     * @throws RoundRefusedException the round cannot be opened, with all the reasons
     */
    private RoundSpec plan(Wish wish, Epoch reign) throws RoundRefusedException, StoreUnreachableException {
        Optional<String> heldBack = admission.gate().heldBack();
        if (heldBack.isPresent()) {
            throw refused("new rounds are held back (%s); 'holdfast cluster resume' lets them begin again"
                    .formatted(heldBack.get()));
        }
        Catalogue.Group group = catalogue
                .group(wish.group())
                .orElseThrow(
                        () -> refused(
                                "there is no group " + wish.group()
                                        + "; groups are made by 'group = \"NAME\"' in the definition of a VM (see 'holdfast group list')"));
        Optional<CheckpointRecord> existing = catalogue.checkpoint(wish.group(), wish.checkpoint());
        if (wish.kind() == RoundKind.CHECKPOINT && existing.isPresent()) {
            throw refused("the checkpoint %s@%s exists already; choose another name or delete it first"
                    .formatted(wish.group(), wish.checkpoint()));
        }
        List<NodeRegistry.Node> present = nodes.nodes();
        SortedSet<Name> wanted = group.vms();
        if (wish.kind() == RoundKind.REVERT) {
            wanted = vmsOf(wish, existing);
        } else {
            requireWholeGroup(wish.group(), present);
        }
        return new RoundSpec(
                wish.id(),
                wish.kind(),
                reign,
                wish.group(),
                wish.checkpoint(),
                group.current(),
                locate(wish.group(), wanted, present),
                wish.options());
    }

    private static SortedSet<Name> vmsOf(Wish wish, Optional<CheckpointRecord> existing) throws RoundRefusedException {
        CheckpointRecord record = existing.orElseThrow(
                () -> refused("there is no checkpoint %s@%s; 'holdfast checkpoint list %s' shows what there is"
                        .formatted(wish.group(), wish.checkpoint(), wish.group())));
        if (record.state() != CheckpointRecord.State.COMPLETE) {
            throw refused("the checkpoint %s@%s is being deleted".formatted(wish.group(), wish.checkpoint()));
        }
        SortedSet<Name> vms = new TreeSet<>();
        record.vms().forEach(report -> vms.add(report.vm()));
        return vms;
    }

    /** Each machine must run on exactly one node that is there. */
    private static Members locate(Name group, SortedSet<Name> wanted, List<NodeRegistry.Node> present)
            throws RoundRefusedException {
        if (wanted.isEmpty()) {
            throw refused("the group " + group + " has no members; add 'group = \"" + group
                    + "\"' to the definition of a VM");
        }
        SortedMap<Name, SortedSet<Name>> byNode = new TreeMap<>();
        List<String> problems = new ArrayList<>();
        for (Name vm : wanted) {
            List<Name> hosts = present.stream()
                    .filter(node -> isThere(node.vms().get(vm)))
                    .map(NodeRegistry.Node::node)
                    .toList();
            if (hosts.size() == 1) {
                byNode.computeIfAbsent(hosts.get(0), node -> new TreeSet<>()).add(vm);
            } else if (hosts.isEmpty()) {
                problems.add("%s runs on none of the nodes that are there (%s)%s"
                        .formatted(vm, names(present), unreadable(vm, present)));
            } else {
                problems.add("%s is reported by several nodes at once: %s".formatted(vm, hosts));
            }
        }
        if (!problems.isEmpty()) {
            throw refused("not every member of " + group + " can take part: " + String.join("; ", problems)
                    + ". Start it, or take it out of the group with 'holdfast group remove'");
        }
        return new Members(byNode);
    }

    private static String unreadable(Name vm, List<NodeRegistry.Node> present) {
        StringBuilder text = new StringBuilder();
        for (NodeRegistry.Node node : present) {
            node.unreadable().stream()
                    .filter(file -> file.vm().equals(Optional.of(vm)))
                    .forEach(file -> text.append(
                            ": its definition on %s cannot be read (%s)".formatted(node.node(), file.because())));
        }
        return text.toString();
    }

    /** A file that nobody can read may define one more member: the checkpoint would silently be one without it. */
    private static void requireWholeGroup(Name group, List<NodeRegistry.Node> present) throws RoundRefusedException {
        List<String> problems = new ArrayList<>();
        for (NodeRegistry.Node node : present) {
            for (UnreadableDefinition file : node.unreadable()) {
                if (file.mayBelongTo(group)) {
                    problems.add("%s cannot read %s, which %s (%s)"
                            .formatted(
                                    node.node(),
                                    file.file(),
                                    file.groups().contains(group)
                                            ? "names this group"
                                            : "may belong to any group, for it does not say to which",
                                    file.because()));
                }
            }
        }
        if (!problems.isEmpty()) {
            throw refused(
                    "a checkpoint of %s might be one without all of its members: %s. Correct the file, or move it away,"
                                    .formatted(group, String.join("; ", problems))
                            + " and restart the agent of that node");
        }
    }

    private static boolean isThere(@Nullable String state) {
        return state != null && PRESENT.contains(state);
    }

    private static String names(List<NodeRegistry.Node> present) {
        return String.join(
                ", ", present.stream().map(node -> node.node().value()).toList());
    }

    private static RoundRefusedException refused(String text) {
        return new RoundRefusedException(Refusal.preflight(text));
    }
}
