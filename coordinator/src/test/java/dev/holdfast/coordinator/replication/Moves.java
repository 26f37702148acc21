package dev.holdfast.coordinator.replication;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.ReplicationRecord.Stored;
import dev.holdfast.coordinator.replication.Setup.Fault;
import dev.holdfast.coordinator.replication.World.Guest;
import dev.holdfast.coordinator.replication.World.Node;
import java.util.ArrayList;
import java.util.List;

/** What can happen next in a world, and its making. */
final class Moves {

    /** Kinds of moves; those without a remark are what happens anyway. */
    enum Kind {
        EFFECT,
        REPLY,
        LAND,
        ANSWER_LOST,
        ORPHAN_LANDS,
        ORPHAN_LOST,
        CUT,
        GIVEN_UP,
        ARRIVES,
        COMMITTED,
        ACKNOWLEDGED,
        LOST,
        TICK,
        LAG,
        LOOK,
        DUE,
        OFFER,
        SEEDED,
        ROLLED_BACK,
        RETRY,
        FAIL_OVER_FAILS,
        AGES,
        PROMOTE,
        DEMOTE,
        SWITCHOVER,
        STOP,
        RETIRE,
        REVERT,
        AGENT_DIES,
        AGENT_STARTS,
        NODE_DIES,
        FENCED,
        NODE_BOOTS,
        QEMU_DIES,
        LINK_CUT,
        LINK_BACK,
        STORE_AWAY,
        STORE_BACK
    }

    /** One thing that happens. */
    record Move(Kind kind, int n, int m) {
        @Override
        public String toString() {
            return kind + " " + n + (m >= 0 ? " " + m : "");
        }
    }

    private final World world;
    private final List<Move> moves = new ArrayList<>();

    private Moves(World world) {
        this.world = world;
    }

    private boolean left(Fault fault) {
        return world.budgets[fault.ordinal()] > 0;
    }

    private void add(boolean possible, Kind kind, int n, int m) {
        if (possible) {
            moves.add(new Move(kind, n, m));
        }
    }

    /** All that can happen. Where nothing can come between, what has to be done is done first. */
    static List<Move> of(World world) {
        Moves found = new Moves(world);
        boolean crashes = found.left(Fault.AGENT) || found.left(Fault.NODE);
        for (int n = 0; n < world.nodes.length && !crashes; n++) {
            List<ReplicaEffect> due = world.nodes[n].due;
            boolean fails = !due.isEmpty() && due.get(0) instanceof ReplicaEffect.FailOver;
            if (!due.isEmpty() && Hands.isLocal(due.get(0)) && !(fails && found.left(Fault.FAIL_OVER))) {
                return List.of(new Move(Kind.EFFECT, n, -1));
            }
        }
        for (int n = 0; n < world.nodes.length; n++) {
            found.node(n, world.nodes[n]);
        }
        for (int i = 0; i < world.orphans.size(); i++) {
            found.add(world.store, Kind.ORPHAN_LANDS, i, -1);
            found.add(true, Kind.ORPHAN_LOST, i, -1);
        }
        found.add(world.link && found.left(Fault.LINK), Kind.LINK_CUT, 0, -1);
        found.add(!world.link, Kind.LINK_BACK, 0, -1);
        found.add(world.store && found.left(Fault.STORE), Kind.STORE_AWAY, 0, -1);
        found.add(!world.store, Kind.STORE_BACK, 0, -1);
        return found.moves;
    }

    private void node(int n, Node node) {
        add(node.up && (left(Fault.NODE) || left(Fault.POWER) && node.due.isEmpty()), Kind.NODE_DIES, n, -1);
        add(!node.up && !node.fenced && world.setup.fencing(), Kind.FENCED, n, -1);
        add(!node.up && (node.fenced || !world.setup.fencing()), Kind.NODE_BOOTS, n, -1);
        add(node.up && !node.agent, Kind.AGENT_STARTS, n, -1);
        boolean leads = node.guest == Guest.RUNS;
        add(node.standby != null && node.epoch > 0 && !node.stale && isContinue(), Kind.AGES, n, -1);
        add(leads && world.latest < world.setup.most() && mayTick(node), Kind.TICK, n, -1);
        add(node.guest != Guest.NONE && left(Fault.QEMU) && node.due.isEmpty(), Kind.QEMU_DIES, n, -1);
        // It is a time, which may also pass while the guest stands still for an epoch.
        boolean stands = node.guest == Guest.STILL && node.sending != null && node.sending.isCut();
        boolean boundPassed = node.limit >= 0 && (leads && node.work >= node.limit || stands);
        add(boundPassed && (!node.agent || node.due.isEmpty()), Kind.LAG, n, -1);
        if (!node.agent) {
            return;
        }
        add(left(Fault.AGENT), Kind.AGENT_DIES, n, -1);
        if (!node.due.isEmpty()) {
            add(true, Kind.EFFECT, n, -1);
            boolean begins = node.due.get(0) instanceof ReplicaEffect.FailOver;
            add(begins && left(Fault.FAIL_OVER) && mayFail(node), Kind.FAIL_OVER_FAILS, n, -1);
            return;
        }
        idle(n, node);
    }

    /** Disks at rest can always be booted from. */
    private static boolean mayFail(Node node) {
        return !node.resting && node.guest == Guest.NONE;
    }

    private boolean isContinue() {
        return world.setup.policy().onIsolation() == Policy.OnIsolation.CONTINUE;
    }

    /** Whoever runs on unrecorded meets a standby that has grown too old before he has gone further than is tolerated. */
    private boolean mayTick(Node node) {
        if (node.limit >= 0 && (node.agent || world.setup.mutant() != Mutant.LAG_DIES_WITH_AGENT)) {
            return node.work < node.limit;
        }
        if (!isContinue()) {
            return true;
        }
        for (Node other : world.nodes) {
            if (other != node
                    && other.standby != null
                    && other.epoch > 0
                    && !other.stale
                    && node.work + 1 > other.memory + world.setup.tolerated()) {
                return false;
            }
        }
        return true;
    }

    private void idle(int n, Node node) {
        add(node.reply != null, Kind.REPLY, n, -1);
        if (node.reply instanceof ReplicaEvent.FailOverFailed) {
            // It is told at once: only what was asked before it comes between.
            add(node.state instanceof Leading && left(Fault.DEMOTE), Kind.DEMOTE, n, -1);
            return;
        }
        add(node.pending != null && world.store, Kind.LAND, n, -1);
        add(node.pending != null && (left(Fault.ANSWER) || !world.store), Kind.ANSWER_LOST, n, -1);
        add(node.arriving != null, Kind.ARRIVES, n, -1);
        boolean early = node.sending != null && !node.sending.isCut() && node.guest != Guest.NONE;
        add(early && new Hands(world).follows(node), Kind.CUT, n, -1);
        add(early && !node.gap, Kind.GIVEN_UP, n, -1);
        add(node.ack != null, node.sending == null ? Kind.ACKNOWLEDGED : Kind.COMMITTED, n, -1);
        boolean lost = node.attached != null
                && isLost(node)
                && new ReplicaEvent.StandbyLost(node.attached)
                        .applyTo(node.state)
                        .rejection()
                        .isEmpty();
        add(lost, Kind.LOST, n, -1);
        // An agent that has come back sees that it was held before.
        boolean was = node.state instanceof Shrinking shrinking && !shrinking.held() && node.guest == Guest.STILL;
        add(was && node.sending == null, Kind.LOOK, n, -1);
        boolean due = node.state instanceof Protected guarded
                && guarded.phase() != Protected.Phase.SENDING
                && node.attached != null
                && node.work > Math.max(0, world.at(node.attached).memory);
        add(due, Kind.DUE, n, -1);
        boolean copied = node.state instanceof Seeding seeding
                && !seeding.sending()
                && !node.gap
                && World.same(world.at(seeding.peer()).standby, seeding.peer());
        add(copied, Kind.SEEDED, n, -1);
        boolean alone = node.state instanceof Alone one && one.lead().settled();
        for (int m = 0; alone && left(Fault.SEED) && m < world.nodes.length; m++) {
            add(m != n && world.link && world.nodes[m].agent && world.nodes[m].due.isEmpty(), Kind.OFFER, n, m);
        }
        add(node.rolling && node.guest != Guest.NONE && node.state instanceof Leading, Kind.ROLLED_BACK, n, -1);
        boolean retries = world.store || node.state instanceof Shrinking;
        add(retries && new ReplicaEvent.Retry().applyTo(node.state).rejection().isEmpty(), Kind.RETRY, n, -1);
        Candidacy.Candidate candidate = node.state instanceof Candidacy candidacy ? candidacy.candidate() : null;
        boolean role = node.state instanceof Leading || candidate != null && !candidate.isRevoked();
        boolean wanted = candidate != null
                || node.state instanceof Following follows && follows.wanted() == Following.Wanted.PRIMARY;
        // Parking puts a revert off until the end of an epoch that is on its way.
        boolean between = node.sending == null && (node.ack == null || !isNews(node, node.ack));
        add(!role && left(Fault.PROMOTE), Kind.PROMOTE, n, -1);
        add((node.state instanceof Leading || wanted) && left(Fault.DEMOTE), Kind.DEMOTE, n, -1);
        add(node.state instanceof Protected && left(Fault.SWITCHOVER), Kind.SWITCHOVER, n, -1);
        add(node.state instanceof Leading && node.guest != Guest.NONE && left(Fault.STOP), Kind.STOP, n, -1);
        boolean reverts = node.state instanceof Leading leading
                && leading.lead().settled()
                && between
                && world.store
                && node.guest != Guest.NONE
                && !leading.isStrayed()
                && world.record != null
                && world.record.isPrimary(leading.lead().copy());
        add(reverts && left(Fault.REVERT), Kind.REVERT, n, -1);
        add((node.state instanceof Following || candidate != null) && left(Fault.RETIRE), Kind.RETIRE, n, -1);
    }

    /** What was asked for is not on its way any more: each question has an end. */
    private static boolean waitsInVain(Node node, Node peer) {
        boolean waits = node.state instanceof Seeding seeding && seeding.sending()
                || node.state instanceof Protected guarded && guarded.phase() == Protected.Phase.SENDING
                || node.state instanceof Leaving leaving && leaving.epoch() > 0;
        boolean early = node.sending != null && !node.sending.isCut();
        return waits && !early && node.ack == null && peer.arriving == null && peer.reply == null && peer.due.isEmpty();
    }

    /** Whether an epoch has ended, and the rules have not heard of it: until then the agent is not done with it. */
    private static boolean isNews(Node node, World.Ack ack) {
        long known = node.state instanceof Protected guarded ? guarded.epoch() : 0;
        return ack.epoch() > known;
    }

    private boolean isLost(Node node) {
        Node peer = world.at(java.util.Objects.requireNonNull(node.attached));
        if (waitsInVain(node, peer)) {
            return true;
        }
        return !world.link
                || !peer.agent
                || node.gap
                || peer.resting
                || !World.same(peer.standby, node.attached)
                || peer.state instanceof Candidacy
                || peer.state instanceof Leading;
    }

    /** Makes a move. */
    static void make(World world, Move move) {
        new Making(world).make(move);
        if (world.violation.isEmpty()) {
            world.check();
        }
    }

    /** The making of one move. */
    private record Making(World world) {

        private void spend(Fault fault) {
            world.budgets[fault.ordinal()]--;
        }

        private void make(Move move) {
            Node node = world.nodes[Math.min(move.n(), world.nodes.length - 1)];
            Hands hands = new Hands(world);
            switch (move.kind()) {
                case EFFECT -> hands.carryOut(move.n());
                case FAIL_OVER_FAILS -> {
                    spend(Fault.FAIL_OVER);
                    long epoch = ((ReplicaEffect.FailOver) node.due.get(0)).epoch();
                    node.due = node.due.subList(1, node.due.size());
                    node.reply = new ReplicaEvent.FailOverFailed(epoch);
                }
                case REPLY -> {
                    ReplicaEvent reply = java.util.Objects.requireNonNull(node.reply);
                    node.reply = null;
                    if (reply instanceof ReplicaEvent.DisksCommitted) {
                        Hands.committed(node);
                    }
                    hands.give(move.n(), reply);
                }
                case LAND, ANSWER_LOST, ORPHAN_LANDS, ORPHAN_LOST -> store(move, node, hands);
                case CUT, GIVEN_UP, COMMITTED -> epoch(move, node, hands);
                case ARRIVES, ACKNOWLEDGED, LOST, OFFER, SEEDED -> peers(move, node, hands);
                case TICK, LAG, LOOK, DUE, ROLLED_BACK, RETRY, AGES -> time(move, node, hands);
                case PROMOTE, DEMOTE, SWITCHOVER, STOP, RETIRE, REVERT -> wish(move, node, hands);
                default -> fault(move, node, hands);
            }
        }

        private void store(Move move, Node node, Hands hands) {
            if (move.kind() == Kind.ORPHAN_LANDS || move.kind() == Kind.ORPHAN_LOST) {
                ReplicaEffect.WriteRecord write = world.orphans.get(move.n());
                world.orphans = World.without(world.orphans, move.n());
                if (move.kind() == Kind.ORPHAN_LANDS) {
                    hands.land(write);
                }
                return;
            }
            ReplicaEffect.WriteRecord write = java.util.Objects.requireNonNull(node.pending);
            node.pending = null;
            if (move.kind() == Kind.LAND) {
                hands.give(
                        move.n(),
                        hands.land(write)
                                ? new ReplicaEvent.RecordWritten(world.version)
                                : new ReplicaEvent.RecordRefused());
                return;
            }
            if (world.store) {
                spend(Fault.ANSWER);
            }
            world.orphans = World.with(world.orphans, write);
            hands.give(move.n(), new ReplicaEvent.RecordUnknown());
        }

        private void epoch(Move move, Node node, Hands hands) {
            World.Sending sending = java.util.Objects.requireNonNull(node.sending);
            switch (move.kind()) {
                case CUT -> hands.cut(node);
                case COMMITTED -> hands.goOn(node);
                default -> {
                    node.sending = null;
                    node.ack = new World.Ack(sending.copy(), sending.epoch() - 1);
                }
            }
        }

        private void peers(Move move, Node node, Hands hands) {
            switch (move.kind()) {
                case ARRIVES -> {
                    World.Stream stream = java.util.Objects.requireNonNull(node.arriving);
                    node.arriving = null;
                    if (World.same(node.standby, stream.copy()) && stream.epoch() == node.epoch + 1) {
                        node.nextMemory = stream.work();
                        hands.give(move.n(), new ReplicaEvent.MemoryComplete(stream.copy(), stream.epoch()));
                    }
                }
                case ACKNOWLEDGED -> {
                    World.Ack ack = java.util.Objects.requireNonNull(node.ack);
                    node.ack = null;
                    hands.give(
                            move.n(),
                            World.same(node.attached, ack.copy())
                                    ? new ReplicaEvent.StandbyAt(ack.copy(), ack.epoch())
                                    : new ReplicaEvent.StandbyLost(ack.copy()));
                }
                case LOST -> {
                    // No sign of life; the answer of an epoch may still come.
                    node.ack = node.sending == null ? null : node.ack;
                    hands.give(move.n(), new ReplicaEvent.StandbyLost(java.util.Objects.requireNonNull(node.attached)));
                }
                case OFFER -> {
                    spend(Fault.SEED);
                    world.copies++;
                    Copy fresh = new Copy(World.name(move.m()), new Name("c" + world.copies));
                    hands.give(move.n(), new ReplicaEvent.PeerOffered(fresh));
                }
                default -> {
                    Node peer = world.at(java.util.Objects.requireNonNull(node.attached));
                    if (World.same(peer.standby, node.attached)) {
                        peer.standbyPending = node.work;
                        peer.standbyDisks = node.work;
                        peer.standbyTimeline = node.timeline;
                    }
                    hands.give(move.n(), new ReplicaEvent.SeedReady());
                }
            }
        }

        private void time(Move move, Node node, Hands hands) {
            switch (move.kind()) {
                case TICK -> tick(node);
                case LAG -> {
                    // The guard does it once.
                    node.guest = Guest.STILL;
                    node.limit = -1;
                    if (node.agent) {
                        long epoch = node.attached == null ? Long.MAX_VALUE : world.at(node.attached).epoch;
                        long known = node.state instanceof Protected guarded ? guarded.epoch() : epoch;
                        hands.give(move.n(), new ReplicaEvent.LagPassed(known));
                    }
                }
                case LOOK -> hands.give(move.n(), new ReplicaEvent.LagPassed(((Shrinking) node.state).epoch()));
                case DUE -> hands.give(move.n(), new ReplicaEvent.EpochDue());
                case ROLLED_BACK -> {
                    node.rolling = false;
                    hands.give(move.n(), new ReplicaEvent.RolledBack());
                }
                case AGES -> node.stale = true;
                default -> hands.give(move.n(), new ReplicaEvent.Retry());
            }
        }

        private void tick(Node node) {
            node.work++;
            world.latest = node.work;
            if (node.disks != null) {
                node.disksWork = node.work;
                node.disksTimeline = node.timeline;
            }
            if (!node.buffers) {
                world.released = node.work;
            }
            if (node.attached == null) {
                return;
            }
            Node peer = world.at(node.attached);
            if (!node.gap && world.link && World.same(peer.standby, node.attached) && !peer.resting) {
                peer.standbyPending = node.work;
            } else {
                node.gap = true;
            }
        }

        private void wish(Move move, Node node, Hands hands) {
            spend(Fault.valueOf(move.kind().name()));
            switch (move.kind()) {
                case PROMOTE -> {
                    node.demoted = false;
                    hands.give(move.n(), new ReplicaEvent.PromoteAsked());
                }
                case DEMOTE -> {
                    ReplicaEvent demote = new ReplicaEvent.DemoteAsked();
                    node.demoted = demote.applyTo(node.state).rejection().isEmpty();
                    hands.give(move.n(), demote);
                }
                case SWITCHOVER -> hands.give(move.n(), new ReplicaEvent.SwitchoverAsked());
                case STOP -> hands.guestEnds(move.n(), true);
                case RETIRE -> hands.give(move.n(), new ReplicaEvent.RetireAsked());
                default -> revert(move, node, hands);
            }
        }

        private void revert(Move move, Node node, Hands hands) {
            ReplicationRecord record = java.util.Objects.requireNonNull(world.record);
            world.timeline++;
            node.timeline = world.timeline;
            node.disksTimeline = world.timeline;
            node.guest = Guest.STILL;
            world.acknowledged = node.work;
            if (world.setup.mutant() == Mutant.REVERT_KEEPS_RECORD) {
                node.guest = Guest.RUNS;
                return;
            }
            Copy copy = ((Leading) node.state).lead().copy();
            world.record = ReplicationRecord.of(record.generation() + 1, copy);
            world.version++;
            // The agent may die before it has heard of it.
            node.reply = new ReplicaEvent.Reverted(new Stored(world.record, world.version));
        }

        private void fault(Move move, Node node, Hands hands) {
            switch (move.kind()) {
                case AGENT_DIES -> {
                    spend(Fault.AGENT);
                    hands.loseAgent(node);
                }
                case AGENT_STARTS -> {
                    node.agent = true;
                    hands.give(move.n(), new ReplicaEvent.Recovered(hands.found(node)));
                }
                case NODE_DIES -> {
                    spend(world.budgets[Fault.NODE.ordinal()] > 0 ? Fault.NODE : Fault.POWER);
                    hands.loseNode(node);
                }
                case FENCED -> node.fenced = true;
                case NODE_BOOTS -> {
                    node.up = true;
                    node.fenced = false;
                }
                case QEMU_DIES -> {
                    spend(Fault.QEMU);
                    hands.guestEnds(move.n(), false);
                }
                case LINK_CUT, LINK_BACK -> {
                    if (world.link) {
                        spend(Fault.LINK);
                        for (Node each : world.nodes) {
                            each.arriving = null;
                            each.ack = each.sending == null ? each.ack : null;
                        }
                    }
                    world.link = !world.link;
                }
                default -> {
                    if (world.store) {
                        spend(Fault.STORE);
                    }
                    world.store = !world.store;
                }
            }
        }
    }
}
