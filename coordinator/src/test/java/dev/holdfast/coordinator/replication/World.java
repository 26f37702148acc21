package dev.holdfast.coordinator.replication;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.ReplicaEffect.WriteRecord;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Nodes, their media and processes, the store, and what is on its way. Mutable; {@link #copy()} before changing. What a guest has
 * done is a number, and one unit is what it does within an epoch or within the bound.
 */
final class World {

    /** What a guest's process does. */
    enum Guest {
        NONE,
        RUNS,
        STILL,
        /** A standby's process before its memory was loaded. */
        WAITS
    }

    /** A message that a standby has committed an epoch. */
    record Ack(Copy copy, long epoch) {}

    /** Memory that is on its way. */
    record Stream(Copy copy, long epoch, int work) {}

    /**
     * An epoch that a primary's agent is at.
     *
     * @param work what the guest had done when it was brought to a stand; -1 while it still runs
     * @param last the guest does not run after it
     */
    record Sending(Copy copy, long epoch, int work, boolean last) {
        boolean isCut() {
            return work >= 0;
        }
    }

    /** What a node notes on lasting storage about the life that it leads. */
    record Note(Copy copy, long generation, Optional<Copy> peer, boolean leaving, long epoch) {}

    /** One node. */
    static final class Node implements Cloneable {
        boolean up = true;
        boolean fenced;
        boolean agent = true;
        ReplicaState state;
        List<ReplicaEffect> due = List.of();

        @Nullable
        WriteRecord pending;

        boolean asked;

        @Nullable
        ReplicaEvent reply;
        /** The disks are being taken back to an epoch, or were when that ended. */
        boolean rolling;

        Guest guest = Guest.NONE;
        int work;
        int timeline;
        boolean buffers;
        int limit = -1;
        /** What the standby has, of which the rules have not heard; else -1. */
        int seen = -1;

        @Nullable
        Copy attached;

        boolean gap;

        @Nullable
        Sending sending;

        @Nullable
        Note note;

        boolean strayed;

        @Nullable
        Stream arriving;

        @Nullable
        Ack ack;

        /** Lasting disks. */
        @Nullable
        Copy disks;

        int disksWork;
        long disksGeneration;
        int disksTimeline;
        /** Of a standby that was stopped; 0 on disks that have led a life. */
        long disksEpoch;

        /** A standby's copy, on a volatile medium. */
        @Nullable
        Copy standby;

        long standbyGeneration;
        int standbyTimeline;
        long epoch;
        boolean committing;
        /** Memory of the committed epoch, of the next one; -1 if there is none. */
        int memory = -1;

        int nextMemory = -1;
        int standbyDisks;
        int standbyPending;
        boolean stale;
        /** It was stopped: it has no process, and the disks are at its epoch. */
        boolean resting;
        /** Pacemaker does not want it to run here. */
        boolean demoted;
        /** When it was asked to be promoted: for a mutant. */
        Duration since = Duration.ZERO;

        Node(ReplicaState state) {
            this.state = state;
        }

        @Override
        public Node clone() {
            try {
                return (Node) super.clone();
            } catch (CloneNotSupportedException e) {
                throw new AssertionError(e);
            }
        }

        void key(Interner ids, StringBuilder key) {
            int flags = (up ? 1 : 0)
                    | (fenced ? 2 : 0)
                    | (agent ? 4 : 0)
                    | (buffers ? 8 : 0)
                    | (gap ? 16 : 0)
                    | (strayed ? 32 : 0)
                    | (committing ? 64 : 0)
                    | (stale ? 128 : 0)
                    | (asked ? 256 : 0)
                    | (rolling ? 512 : 0)
                    | (resting ? 1024 : 0)
                    | (demoted ? 2048 : 0)
                    | guest.ordinal() << 12;
            key.append((char) flags);
            ids.add(key, state, due, pending, reply, attached, sending, note, arriving, ack, disks, standby, since);
            key.append((char) (seen + 1 << 12 | work << 8 | timeline << 4 | limit + 1));
            key.append((char) (disksWork << 12 | (int) disksEpoch << 8 | (int) disksGeneration << 4 | disksTimeline));
            key.append((char) (standbyGeneration << 12 | (long) standbyTimeline << 8 | epoch));
            key.append((char) (memory + 1 << 12 | nextMemory + 1 << 8 | standbyDisks << 4 | standbyPending));
        }
    }

    /** Gives equal objects one number. */
    static final class Interner {
        private final Map<Object, Integer> numbers = new HashMap<>();

        void add(StringBuilder key, @Nullable Object... objects) {
            for (Object object : objects) {
                int number = object == null ? 0 : numbers.computeIfAbsent(object, any -> numbers.size() + 1);
                key.append((char) (number & 0xffff)).append((char) (number >>> 16));
            }
        }
    }

    final Setup setup;
    Node[] nodes;

    @Nullable
    ReplicationRecord record;

    int version;
    List<WriteRecord> orphans = List.of();
    boolean link = true;
    boolean store = true;
    int copies;
    int[] budgets;

    /** The latest life: what its guest has done, what left the host, what was acknowledged, its timeline. */
    int latest;

    int released;
    int acknowledged;
    int timeline;
    boolean stopped;
    String violation = "";

    private World(Setup setup, Node[] nodes, int[] budgets) {
        this.setup = setup;
        this.nodes = nodes;
        this.budgets = budgets;
    }

    static World begin(Setup setup) {
        Node[] nodes = new Node[setup.nodes()];
        for (int n = 0; n < nodes.length; n++) {
            Self self = new Self(name(n), setup.policy());
            Optional<CopyFacts> facts = Optional.empty();
            nodes[n] = new Node(Out.begin(self));
            if (n == 0) {
                Copy copy = new Copy(name(0), new Name("c0"));
                nodes[0].disks = copy;
                facts = Optional.of(CopyFacts.disks(copy, 0, false));
            }
            nodes[n].state = new Out(self, facts);
        }
        return new World(setup, nodes, setup.budgets());
    }

    static Name name(int node) {
        return new Name("n" + node);
    }

    static int number(Name node) {
        return node.value().charAt(1) - '0';
    }

    Node at(Copy copy) {
        return nodes[number(copy.node())];
    }

    World copy() {
        Node[] cloned = new Node[nodes.length];
        for (int n = 0; n < cloned.length; n++) {
            cloned[n] = nodes[n].clone();
        }
        World world = new World(setup, cloned, budgets.clone());
        world.record = record;
        world.version = version;
        world.orphans = orphans;
        world.link = link;
        world.store = store;
        world.copies = copies;
        world.latest = latest;
        world.released = released;
        world.acknowledged = acknowledged;
        world.timeline = timeline;
        world.stopped = stopped;
        world.violation = violation;
        return world;
    }

    String key(Interner ids) {
        StringBuilder key = new StringBuilder(160);
        for (Node node : nodes) {
            node.key(ids, key);
        }
        ids.add(key, record, orphans);
        key.append((char) version).append((char) ((link ? 1 : 0) | (store ? 2 : 0) | (stopped ? 4 : 0) | copies << 3));
        key.append((char) (latest << 12 | released << 8 | acknowledged << 4 | timeline));
        for (int budget : budgets) {
            key.append((char) budget);
        }
        return key.toString();
    }

    /** What holds in every state. */
    void check() {
        int running = 0;
        for (Node node : nodes) {
            node.state.checkInvariants();
            running += node.guest == Guest.RUNS ? 1 : 0;
        }
        if (running > 1) {
            violate("two primaries run");
        }
        if (record == null || setup.policy().onIsolation() == Policy.OnIsolation.CONTINUE) {
            return;
        }
        for (Node node : nodes) {
            boolean member = node.standby != null && record.inSync().contains(node.standby) && node.epoch > 0;
            boolean leads = node.guest == Guest.RUNS || node.guest == Guest.STILL;
            boolean alone =
                    node.disks != null && node.disksEpoch > 0 && record.inSync().contains(node.disks);
            if (alone && !leads && latest > node.disksWork + setup.lag()) {
                violate("stale disks are in the set: the guest was at %d, they are at %d"
                        .formatted(latest, node.disksWork));
            }
            if (member && !leads && node.memory >= 0 && latest > node.memory + setup.lag()) {
                violate("a stale copy is in the set: the guest was at %d, %s has %d"
                        .formatted(latest, node.standby, node.memory));
            }
        }
    }

    void violate(String what) {
        if (violation.isEmpty()) {
            violation = what;
        }
    }

    /** A new life goes on from here. */
    void resumes(int from, int itsTimeline, int disksAt) {
        if (disksAt != from) {
            violate("torn: memory of %d, disks of %d".formatted(from, disksAt));
        }
        if (itsTimeline != timeline) {
            violate("a revert is undone: timeline %d instead of %d".formatted(itsTimeline, timeline));
        }
        if (latest > from + setup.tolerated()) {
            violate("the guest had got to %d, and goes on from %d".formatted(latest, from));
        }
        if (from < acknowledged && setup.policy().onIsolation() == Policy.OnIsolation.PAUSE) {
            violate("an acknowledged epoch is lost: %d, goes on from %d".formatted(acknowledged, from));
        }
        if (setup.policy().outputCommit() && from < released) {
            violate("output of %d had left, and it goes on from %d".formatted(released, from));
        }
        latest = from;
        acknowledged = Math.min(acknowledged, from);
        released = from;
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder("store %s v%d".formatted(record, version));
        for (Node node : nodes) {
            text.append(
                    "\n    %s guest %s %d, %s".formatted(node.up ? "up" : "down", node.guest, node.work, node.state));
        }
        return text.toString();
    }

    static <T> Deque<T> queue() {
        return new ArrayDeque<>();
    }

    static List<WriteRecord> with(List<WriteRecord> all, WriteRecord one) {
        List<WriteRecord> more = new ArrayList<>(all);
        more.add(one);
        return List.copyOf(more);
    }

    static List<WriteRecord> without(List<WriteRecord> all, int index) {
        List<WriteRecord> fewer = new ArrayList<>(all);
        fewer.remove(index);
        return List.copyOf(fewer);
    }

    static boolean same(@Nullable Copy one, @Nullable Copy other) {
        return one != null && Objects.equals(one, other);
    }
}
