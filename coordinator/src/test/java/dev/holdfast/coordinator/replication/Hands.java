package dev.holdfast.coordinator.replication;

import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.replication.ReplicationRecord.Stored;
import dev.holdfast.coordinator.replication.World.Guest;
import dev.holdfast.coordinator.replication.World.Node;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** Carries out effects in a world, and hands events to its machines. */
final class Hands {

    private final World world;
    private final Mutant mutant;

    Hands(World world) {
        this.world = world;
        this.mutant = world.setup.mutant();
    }

    void give(int n, ReplicaEvent event) {
        Node node = world.nodes[n];
        if (!node.due.isEmpty()) {
            throw new AssertionError(event + " while there is still to do " + node.due);
        }
        Step<ReplicaState, ReplicaEffect> step = Mutation.step(world, node, event);
        checkThrownAway(node, event, step);
        checkGivenUp(node, event, step);
        node.state = step.next();
        node.due = step.effects();
    }

    /** What counts is thrown away by nobody but a person, or the primary that is stopped. */
    private void checkThrownAway(Node node, ReplicaEvent event, Step<ReplicaState, ReplicaEffect> step) {
        boolean entitled = event instanceof ReplicaEvent.VoidHeard || event instanceof ReplicaEvent.DiscardAsked;
        boolean drops = step.effects().stream()
                .anyMatch(effect ->
                        effect instanceof ReplicaEffect.DropCopy || effect instanceof ReplicaEffect.FreeMemory);
        boolean counts = node.standby != null
                && node.epoch > 0
                && (node.note == null || node.guest == Guest.NONE)
                && world.record != null
                && world.record.inSync().contains(node.standby);
        if (drops && counts && !entitled) {
            world.violate("a copy in the set is thrown away: %s after %s".formatted(node.standby, event));
        }
    }

    /** A guest that is handed over has stood still since its last epoch, or it would lose what it did after it. */
    private void checkGivenUp(Node node, ReplicaEvent event, Step<ReplicaState, ReplicaEffect> step) {
        boolean handedOver = event instanceof ReplicaEvent.StandbyAt
                && step.effects().stream().anyMatch(ReplicaEffect.NoteLeaving.class::isInstance);
        if (handedOver && node.guest == Guest.RUNS) {
            world.violate("a guest that has run on after its last epoch is given up: " + event);
        }
    }

    /** The first effect that is due on a node. */
    void carryOut(int n) {
        Node node = world.nodes[n];
        ReplicaEffect effect = node.due.get(0);
        node.due = node.due.subList(1, node.due.size());
        if (!store(n, node, effect) && !guest(node, effect) && !standby(node, effect) && !peer(n, node, effect)) {
            notes(node, effect);
        }
    }

    static boolean isLocal(ReplicaEffect effect) {
        return !(effect instanceof ReplicaEffect.ReadRecord
                || effect instanceof ReplicaEffect.WriteRecord
                || effect instanceof ReplicaEffect.AskProof
                || effect instanceof ReplicaEffect.SendEpoch
                || effect instanceof ReplicaEffect.Seed
                || effect instanceof ReplicaEffect.CommitDisks);
    }

    private boolean store(int n, Node node, ReplicaEffect effect) {
        if (effect instanceof ReplicaEffect.ReadRecord) {
            if (!world.store) {
                give(n, new ReplicaEvent.StoreSilent());
            } else if (world.record == null) {
                give(n, new ReplicaEvent.RecordAbsent());
            } else {
                give(n, new ReplicaEvent.RecordRead(new Stored(world.record, world.version)));
            }
        } else if (effect instanceof ReplicaEffect.WriteRecord write) {
            node.pending = write;
        } else if (effect instanceof ReplicaEffect.AskProof ask) {
            boolean unknown = node.standby == null && node.disksEpoch > 0;
            Duration since = Duration.ofSeconds(node.stale || unknown ? 3600 : 0);
            give(n, new ReplicaEvent.ProofGiven(proof(World.number(ask.node())), since));
        } else {
            return false;
        }
        return true;
    }

    Proof proof(int n) {
        if (!world.setup.fencing()) {
            return new Proof.NoFencing();
        }
        Node asked = world.nodes[n];
        return !asked.up && asked.fenced ? new Proof.Gone(World.name(n)) : new Proof.Missing();
    }

    /** Whether a write takes effect. */
    boolean land(ReplicaEffect.WriteRecord write) {
        boolean fits = write.version() == ReplicationRecord.NO_VERSION
                ? world.record == null
                : world.record != null && world.version == write.version();
        if (fits) {
            world.record = write.next();
            world.version++;
        }
        return fits;
    }

    private boolean guest(Node node, ReplicaEffect effect) {
        boolean begins = effect instanceof ReplicaEffect.RunCold || effect instanceof ReplicaEffect.FailOver;
        if (begins && node.demoted) {
            world.violate("a guest begins where it was demoted");
        }
        if (effect instanceof ReplicaEffect.RunCold) {
            node.guest = Guest.RUNS;
            node.work = node.disksWork;
            node.timeline = node.disksTimeline;
            world.resumes(node.work, node.timeline, node.rolling ? -1 : node.work);
            world.stopped = false;
        } else if (effect instanceof ReplicaEffect.FailOver failOver) {
            failOver(node, failOver.epoch());
        } else if (effect instanceof ReplicaEffect.RunOn) {
            node.guest = node.guest == Guest.STILL ? Guest.RUNS : node.guest;
        } else if (effect instanceof ReplicaEffect.Hold) {
            node.guest = node.guest == Guest.RUNS && mutant != Mutant.NOT_HELD ? Guest.STILL : node.guest;
        } else if (effect instanceof ReplicaEffect.KillGuest) {
            endGuest(node);
        } else if (effect instanceof ReplicaEffect.ArmLag) {
            node.limit = mutant == Mutant.NOT_HELD ? -1 : node.seen + world.setup.lag();
            node.seen = -1;
        } else if (effect instanceof ReplicaEffect.DisarmLag) {
            node.limit = -1;
        } else if (effect instanceof ReplicaEffect.FreeOutput) {
            node.buffers = false;
            world.released = Math.max(world.released, node.work);
        } else {
            return false;
        }
        return true;
    }

    private static void endGuest(Node node) {
        boolean ran = node.guest != Guest.NONE;
        node.guest = Guest.NONE;
        node.limit = -1;
        node.attached = null;
        node.sending = null;
        node.buffers = false;
        if (ran && node.standby != null && node.note != null) {
            dropStandby(node);
        }
    }

    static void dropStandby(Node node) {
        node.standby = null;
        node.epoch = 0;
        node.committing = false;
        node.memory = -1;
        node.nextMemory = -1;
        node.arriving = null;
        node.stale = false;
        node.resting = false;
        node.standbyDisks = 0;
        node.standbyPending = 0;
        node.standbyGeneration = 0;
        node.standbyTimeline = 0;
    }

    private void failOver(Node node, long epoch) {
        if (node.guest == Guest.RUNS) {
            return;
        }
        if (world.stopped) {
            world.violate("a guest that was stopped rises again");
        }
        node.guest = Guest.RUNS;
        node.rolling = true;
        node.work = Math.max(0, node.memory);
        node.timeline = node.standbyTimeline;
        if (node.memory < 0 || epoch != node.epoch) {
            world.violate("there is no memory of epoch %d".formatted(epoch));
        }
        world.resumes(node.work, node.timeline, node.resting ? node.disksWork : node.standbyDisks);
        if (node.resting) {
            node.rolling = false;
            dropStandby(node);
        }
    }

    private boolean standby(Node node, ReplicaEffect effect) {
        if (effect instanceof ReplicaEffect.RestCopy) {
            rest(node);
        } else if (effect instanceof ReplicaEffect.FreeMemory) {
            dropStandby(node);
        } else if (effect instanceof ReplicaEffect.MakeCopy make) {
            if (node.strayed) {
                world.violate("a copy that ran on unrecorded is overwritten, and nobody was asked");
            }
            dropStandby(node);
            node.disks = null;
            node.disksEpoch = 0;
            node.standby = make.copy();
            node.standbyGeneration = ((Following) node.state).generation();
            node.rolling = false;
            node.note = null;
        } else if (effect instanceof ReplicaEffect.DropCopy) {
            dropStandby(node);
            node.disks = null;
            node.disksEpoch = 0;
            node.strayed = false;
        } else if (effect instanceof ReplicaEffect.NoteCommit) {
            node.committing = true;
            node.reply = new ReplicaEvent.Journaled();
        } else if (effect instanceof ReplicaEffect.CommitDisks) {
            node.standbyDisks = node.standbyPending;
            node.reply = new ReplicaEvent.DisksCommitted();
        } else if (effect instanceof ReplicaEffect.Acknowledge ack) {
            for (Node other : world.nodes) {
                boolean waits = other.sending != null && other.sending.isCut() && other.sending.epoch() == ack.epoch();
                if (waits && World.same(other.attached, ack.copy()) && world.link) {
                    other.ack = new World.Ack(ack.copy(), ack.epoch());
                }
            }
        } else {
            return false;
        }
        return true;
    }

    /** The disks are brought back to the epoch; one that is half committed is of none. */
    private static void rest(Node node) {
        node.disks = node.standby;
        node.disksWork = node.standbyDisks == node.memory ? node.memory : -1;
        node.disksTimeline = node.standbyTimeline;
        node.disksGeneration = node.standbyGeneration;
        node.disksEpoch = node.epoch;
        node.resting = true;
        node.committing = false;
        node.arriving = null;
        node.nextMemory = -1;
        node.reply = new ReplicaEvent.CopyRested();
    }

    private boolean peer(int n, Node node, ReplicaEffect effect) {
        if (effect instanceof ReplicaEffect.Seed seed) {
            seed(n, node, seed);
        } else if (effect instanceof ReplicaEffect.SendEpoch send) {
            node.sending = new World.Sending(send.peer(), send.epoch(), -1, node.state instanceof Leaving);
        } else if (effect instanceof ReplicaEffect.Detach) {
            // After the epoch has ended that was on its way.
            node.attached = null;
            node.sending = null;
            node.ack = null;
        } else if (effect instanceof ReplicaEffect.VoidPeer voids) {
            Node peer = world.at(voids.peer());
            if (reaches(node, peer) && peer.due.isEmpty()) {
                give(World.number(voids.peer().node()), new ReplicaEvent.VoidHeard(voids.peer()));
            }
        } else {
            return false;
        }
        return true;
    }

    /** Whether the standby could take an epoch now. */
    boolean follows(Node node) {
        World.Sending sending = java.util.Objects.requireNonNull(node.sending);
        Node peer = world.at(sending.copy());
        return (!node.gap || mutant == Mutant.SENDS_OVER_A_GAP)
                && reaches(node, peer)
                && World.same(peer.standby, sending.copy())
                && !peer.resting;
    }

    /** The guest is brought to a stand, and the standby told to commit. */
    void cut(Node node) {
        World.Sending sending = java.util.Objects.requireNonNull(node.sending);
        node.guest = Guest.STILL;
        node.sending = new World.Sending(sending.copy(), sending.epoch(), node.work, sending.last());
        node.buffers = true;
        if (mutant == Mutant.RELEASES_BEFORE_COMMITTED) {
            world.released = Math.max(world.released, node.work);
        }
        world.at(sending.copy()).arriving = new World.Stream(sending.copy(), sending.epoch(), node.work);
    }

    /** The standby has committed, and the rules have not heard of it yet. */
    void goOn(Node node) {
        World.Sending sending = java.util.Objects.requireNonNull(node.sending);
        node.sending = null;
        node.seen = sending.work();
        if (node.limit < 0 && !isUnbound(node)) {
            node.limit = sending.work() + world.setup.lag();
        }
        if (!sending.last()) {
            node.guest = Guest.RUNS;
        }
        world.released = Math.max(world.released, sending.work());
        world.acknowledged = Math.max(world.acknowledged, sending.work());
    }

    private boolean isUnbound(Node node) {
        boolean first = node.state instanceof Seeding;
        return switch (mutant) {
            case NOT_HELD -> true;
            case UNBOUND_WHILE_GROWING, RUNS_BEFORE_BOUND -> first;
            case RUNS_AFTER_BOUND -> !first;
            default -> false;
        };
    }

    private boolean reaches(Node one, Node other) {
        return world.link && one.up && other.up && other.agent;
    }

    private void seed(int n, Node node, ReplicaEffect.Seed seed) {
        int to = World.number(seed.peer().node());
        Node peer = world.nodes[to];
        if (reaches(node, peer) && peer.due.isEmpty()) {
            give(to, new ReplicaEvent.SeedBegun(seed.peer(), seed.generation()));
            if (peer.state instanceof Following following && following.copy().equals(seed.peer())) {
                node.attached = seed.peer();
                node.gap = false;
                return;
            }
        }
        give(n, new ReplicaEvent.StandbyLost(seed.peer()));
    }

    private void notes(Node node, ReplicaEffect effect) {
        if (effect instanceof ReplicaEffect.NoteLife life) {
            long epoch = node.standby == null ? 0 : node.epoch;
            node.note = new World.Note(
                    node.state.life().orElseThrow().copy(), life.generation(), life.peer(), false, epoch);
            node.asked = false;
            if (node.disks != null) {
                node.disksGeneration = life.generation();
                node.disksEpoch = 0;
            }
        } else if (effect instanceof ReplicaEffect.NoteLeaving leaving && node.note != null) {
            if (mutant != Mutant.FORGETS_LEAVING) {
                node.note = new World.Note(
                        node.note.copy(), node.note.generation(), leaving.peer(), true, node.note.epoch());
            }
        } else if (effect instanceof ReplicaEffect.ForgetLife) {
            node.note = null;
        } else if (effect instanceof ReplicaEffect.NoteStrayed stray) {
            node.strayed = stray.strayed();
        } else if (effect instanceof ReplicaEffect.KeepCopy keep) {
            keep(node, keep.copy());
        } else if (effect instanceof ReplicaEffect.Done && node.asked) {
            world.stopped |= world.record != null && world.record.primary().isEmpty();
        }
    }

    void keep(Node node, Copy copy) {
        node.disks = copy;
        node.disksWork = node.work;
        node.disksTimeline = node.timeline;
        node.disksGeneration = node.note == null ? 0 : node.note.generation();
        dropStandby(node);
    }

    /** What an agent that starts finds. */
    Found found(Node node) {
        if (node.note != null) {
            World.Note note = node.note;
            boolean waits = node.guest == Guest.NONE && World.same(node.standby, note.copy());
            Found.Guest guest = waits ? Found.Guest.WAITS : Found.Guest.GONE;
            if (node.guest != Guest.NONE) {
                guest = Found.Guest.THERE;
            }
            boolean leaving = note.leaving() || node.asked;
            Optional<Copy> peer = node.asked ? Optional.empty() : note.peer();
            boolean settled = World.same(node.disks, note.copy());
            return new Found.Primary(
                    note.copy(), note.generation(), peer, guest, settled, node.strayed, leaving, note.epoch());
        }
        if (node.standby != null && node.resting) {
            return new Found.Idle(Optional.of(CopyFacts.resting(node.standby, node.standbyGeneration, node.epoch)));
        }
        if (node.standby != null) {
            boolean committing = node.committing && mutant != Mutant.FORGETS_COMMITTING;
            return new Found.Standby(CopyFacts.standby(node.standby, node.standbyGeneration, node.epoch), committing);
        }
        return new Found.Idle(Optional.ofNullable(node.disks).map(copy -> facts(node, copy)));
    }

    static CopyFacts facts(Node node, Copy disks) {
        return new CopyFacts(disks, CopyFacts.Kind.DISKS, node.disksGeneration, node.disksEpoch, node.strayed);
    }

    /** Everything volatile of a node is gone. */
    void loseNode(Node node) {
        loseAgent(node);
        node.up = false;
        endGuest(node);
        dropStandby(node);
        node.arriving = null;
    }

    /** The commit is noted with the copy. */
    static void committed(Node node) {
        node.committing = false;
        node.epoch++;
        node.memory = node.nextMemory;
        node.nextMemory = -1;
        node.stale = false;
    }

    /** What it had taken in part, and its connections, go with it: no write gets over them any more. */
    void loseAgent(Node node) {
        node.agent = false;
        node.arriving = null;
        node.gap = node.attached != null;
        for (Node other : world.nodes) {
            other.gap |= other.attached != null && World.same(other.attached, node.standby);
        }
        node.due = List.of();
        if (node.pending != null) {
            world.orphans = World.with(world.orphans, node.pending);
        }
        node.pending = null;
        node.sending = null;
        node.seen = -1;
        node.ack = null;
        node.reply = null;
        node.state = Out.begin(new Self(World.name(List.of(world.nodes).indexOf(node)), world.setup.policy()));
    }

    void guestEnds(int n, boolean asked) {
        Node node = world.nodes[n];
        node.asked = asked;
        endGuest(node);
        if (node.agent) {
            give(n, new ReplicaEvent.GuestEnded(asked));
        }
    }
}
