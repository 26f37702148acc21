package dev.holdfast.coordinator.replication;

import dev.holdfast.coordinator.protocol.Name;
import java.util.Optional;

/**
 * What has to be done. Effects are carried out one after the other; the next one only after the one before it is done, which is
 * tried again until it is. Each may be carried out twice.
 */
public sealed interface ReplicaEffect {

    /** Has the method called that carries it out. */
    <X extends Exception> void by(ReplicaHands<X> hands) throws X;

    /** Asks the store. Brings RecordRead, RecordAbsent or StoreSilent. */
    record ReadRecord() implements ReplicaEffect {
        @Override
        public <X extends Exception> void by(ReplicaHands<X> hands) throws X {
            hands.readRecord(this);
        }
    }

    /**
     * Changes the record if it still has this version. Brings RecordWritten, RecordRefused or RecordUnknown.
     *
     * @param version that it must have
     * @param next what it shall say
     */
    record WriteRecord(int version, ReplicationRecord next) implements ReplicaEffect {
        @Override
        public <X extends Exception> void by(ReplicaHands<X> hands) throws X {
            hands.writeRecord(this);
        }
    }

    /** Asks pacemaker, now, whether this node is proven gone. Brings ProofGiven. */
    record AskProof(Name node) implements ReplicaEffect {
        @Override
        public <X extends Exception> void by(ReplicaHands<X> hands) throws X {
            hands.askProof(this);
        }
    }

    /** Tells whoever asked that it is done. */
    record Done() implements ReplicaEffect {
        @Override
        public <X extends Exception> void by(ReplicaHands<X> hands) throws X {
            hands.done(this);
        }
    }

    /** Tells whoever asked why not. */
    record Refuse(Reason reason) implements ReplicaEffect {
        @Override
        public <X extends Exception> void by(ReplicaHands<X> hands) throws X {
            hands.refuse(this);
        }
    }

    /**
     * Notes on stable storage, for the next life of the agent, that this node leads.
     *
     * @param generation of the life
     * @param peer the standby that may be in the set from now on
     */
    record NoteLife(long generation, Optional<Copy> peer) implements ReplicaEffect {
        @Override
        public <X extends Exception> void by(ReplicaHands<X> hands) throws X {
            hands.noteLife(this);
        }
    }

    /** Notes with the disks that the guest runs on unrecorded, or has been recorded since. */
    record NoteStrayed(boolean strayed) implements ReplicaEffect {
        @Override
        public <X extends Exception> void by(ReplicaHands<X> hands) throws X {
            hands.noteStrayed(this);
        }
    }

    /**
     * Notes on stable storage that the machine is being given up: from now on nothing lets the guest run but a new life.
     *
     * @param peer the standby that stays in the set
     */
    record NoteLeaving(Optional<Copy> peer) implements ReplicaEffect {
        @Override
        public <X extends Exception> void by(ReplicaHands<X> hands) throws X {
            hands.noteLeaving(this);
        }
    }

    /** Notes that nothing is led here any more. */
    record ForgetLife() implements ReplicaEffect {
        @Override
        public <X extends Exception> void by(ReplicaHands<X> hands) throws X {
            hands.forgetLife(this);
        }
    }

    /** Boots the guest from its disks. Brings GuestEnded at some time. */
    record RunCold() implements ReplicaEffect {
        @Override
        public <X extends Exception> void by(ReplicaHands<X> hands) throws X {
            hands.runCold(this);
        }
    }

    /**
     * Lets the guest go on from the memory of the epoch, and takes the disks back to it, unless they are at rest there. Brings
     * RolledBack, or GuestEnded, or FailOverFailed if it has not come to that.
     */
    record FailOver(long epoch) implements ReplicaEffect {
        @Override
        public <X extends Exception> void by(ReplicaHands<X> hands) throws X {
            hands.failOver(this);
        }
    }

    /** Keeps the copy's id with its disks from now on, on lasting storage, and not before: the memory is needed no more. */
    record KeepCopy(Copy copy) implements ReplicaEffect {
        @Override
        public <X extends Exception> void by(ReplicaHands<X> hands) throws X {
            hands.keepCopy(this);
        }
    }

    /** Lets the guest run. */
    record RunOn() implements ReplicaEffect {
        @Override
        public <X extends Exception> void by(ReplicaHands<X> hands) throws X {
            hands.runOn(this);
        }
    }

    /** Keeps the guest still. Where the standby hangs the disks, its connection is cut first, out of band. */
    record Hold() implements ReplicaEffect {
        @Override
        public <X extends Exception> void by(ReplicaHands<X> hands) throws X {
            hands.hold(this);
        }
    }

    /**
     * Has the guest held {@code max_lag} after this epoch was committed, as far as this life of the agent has seen it, else after
     * now. The guard does it: also if the agent has died by then. Takes the place of what was armed before. Brings LagPassed.
     */
    record ArmLag(long epoch) implements ReplicaEffect {
        @Override
        public <X extends Exception> void by(ReplicaHands<X> hands) throws X {
            hands.armLag(this);
        }
    }

    /** Nothing holds the guest any more. */
    record DisarmLag() implements ReplicaEffect {
        @Override
        public <X extends Exception> void by(ReplicaHands<X> hands) throws X {
            hands.disarmLag(this);
        }
    }

    /** Whatever the guest has sent and sends leaves the host. */
    record FreeOutput() implements ReplicaEffect {
        @Override
        public <X extends Exception> void by(ReplicaHands<X> hands) throws X {
            hands.freeOutput(this);
        }
    }

    /** Offers the copy and copies the disks. Brings SeedReady or StandbyLost. */
    record Seed(Copy peer, long generation) implements ReplicaEffect {
        @Override
        public <X extends Exception> void by(ReplicaHands<X> hands) throws X {
            hands.seed(this);
        }
    }

    /**
     * Sends memory while the guest runs, keeps the guest still, <em>then</em> makes sure that all it has written has got to the
     * standby (QEMU swallows what does not and tells the guest nothing), and only then lets the standby commit. When it has, this
     * goes on before the rules hear of it, so that the guest does not wait for them: if no bound is in force (before the first
     * epoch, or because it has passed) the guard is armed as by {@link ArmLag}; then the guest runs, unless the machine is being given
     * up; then, with output commit, the packets leave that it had sent up to this epoch. Those that it sends later are kept. An
     * epoch that is given up lets the guest be as it was. Brings StandbyAt or StandbyLost.
     */
    record SendEpoch(Copy peer, long epoch) implements ReplicaEffect {
        @Override
        public <X extends Exception> void by(ReplicaHands<X> hands) throws X {
            hands.sendEpoch(this);
        }
    }

    /** Takes the standby out of the path of the disks: out of band if it hangs. */
    record Detach(Copy peer) implements ReplicaEffect {
        @Override
        public <X extends Exception> void by(ReplicaHands<X> hands) throws X {
            hands.detach(this);
        }
    }

    /** Tells the standby that its copy does not count any more; it need not answer. */
    record VoidPeer(Copy peer) implements ReplicaEffect {
        @Override
        public <X extends Exception> void by(ReplicaHands<X> hands) throws X {
            hands.voidPeer(this);
        }
    }

    /** Ends the guest's process. */
    record KillGuest() implements ReplicaEffect {
        @Override
        public <X extends Exception> void by(ReplicaHands<X> hands) throws X {
            hands.killGuest(this);
        }
    }

    /**
     * Standby: makes a process, throws away what was there, and begins a copy; its id goes to the volatile medium. Brings CopyNotMade if
     * nothing was thrown away, else CopyLost, if it fails.
     */
    record MakeCopy(Copy copy) implements ReplicaEffect {
        @Override
        public <X extends Exception> void by(ReplicaHands<X> hands) throws X {
            hands.makeCopy(this);
        }
    }

    /** Throws the copy of this node away; its id first. */
    record DropCopy() implements ReplicaEffect {
        @Override
        public <X extends Exception> void by(ReplicaHands<X> hands) throws X {
            hands.dropCopy(this);
        }
    }

    /**
     * Standby: brings the disks back to the epoch and ends the process; then notes with the disks, on lasting storage, that they
     * are of it. Memory and id stay where they are. Brings CopyRested or CopyLost.
     */
    record RestCopy(Copy copy, long epoch) implements ReplicaEffect {
        @Override
        public <X extends Exception> void by(ReplicaHands<X> hands) throws X {
            hands.restCopy(this);
        }
    }

    /** Throws the memory of a copy at rest away, with the id on the volatile medium; the disks stay. */
    record FreeMemory() implements ReplicaEffect {
        @Override
        public <X extends Exception> void by(ReplicaHands<X> hands) throws X {
            hands.freeMemory(this);
        }
    }

    /** Standby: notes with the copy that this epoch is being committed: there is no way back. Brings Journaled or CommitFailed. */
    record NoteCommit(long epoch) implements ReplicaEffect {
        @Override
        public <X extends Exception> void by(ReplicaHands<X> hands) throws X {
            hands.noteCommit(this);
        }
    }

    /**
     * Standby: brings the disks to this epoch, then notes that it is committed. Brings DisksCommitted or CommitFailed. Twice is as
     * good as once. The memory of the epoch before is not written over until that of the next one comes.
     */
    record CommitDisks(long epoch) implements ReplicaEffect {
        @Override
        public <X extends Exception> void by(ReplicaHands<X> hands) throws X {
            hands.commitDisks(this);
        }
    }

    /** Standby: tells the primary what is committed. */
    record Acknowledge(Copy copy, long epoch) implements ReplicaEffect {
        @Override
        public <X extends Exception> void by(ReplicaHands<X> hands) throws X {
            hands.acknowledge(this);
        }
    }
}
