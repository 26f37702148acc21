package dev.holdfast.agent.replication;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.coordinator.replication.Copy;
import dev.holdfast.coordinator.replication.Following;
import dev.holdfast.coordinator.replication.ReplicaEffect;
import dev.holdfast.coordinator.replication.ReplicaEvent;
import java.io.IOException;
import java.util.Optional;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Carries out the effects of a standby's rules. On the machine's thread. */
final class StandbyHands {
    private static final Logger LOG = LoggerFactory.getLogger(StandbyHands.class);

    private final StandbySide standby;
    private final ReplicaFiles files;
    private final MachineHands.Front front;
    private final Consumer<ReplicaEvent> events;

    StandbyHands(StandbySide standby, ReplicaFiles files, MachineHands.Front front, Consumer<ReplicaEvent> events) {
        this.standby = standby;
        this.files = files;
        this.front = front;
        this.events = events;
    }

    void makeCopy(ReplicaEffect.MakeCopy effect) {
        try {
            front.prepareDisks();
            long generation = front.state() instanceof Following following ? following.generation() : 0;
            standby.make(effect.copy(), generation, front.orders());
            front.made(effect.copy(), Optional.empty());
        } catch (HypervisorException | IOException e) {
            LOG.warn("no copy can be made here: {}", e.getMessage());
            front.made(effect.copy(), Optional.of(String.valueOf(e.getMessage())));
            events.accept(undone(effect.copy()));
        }
    }

    /** Disks that were not written over stay what they are. */
    private ReplicaEvent undone(Copy copy) {
        try {
            standby.drop();
            return new ReplicaEvent.CopyNotMade(
                    files.disks().filter(DisksNote::whole).map(note -> note.facts(copy.node())));
        } catch (IOException | HypervisorException e) {
            LOG.warn("what was begun is not removed yet: {}", e.getMessage());
            return new ReplicaEvent.CopyLost();
        }
    }

    void dropCopy(ReplicaEffect.DropCopy effect) throws NotYetException {
        front.dropped();
        try {
            files.forgetCopy();
            Optional<DisksNote> note = files.disks();
            if (note.isPresent()) {
                files.write(note.get().worthless());
            }
            standby.drop();
        } catch (IOException | HypervisorException e) {
            throw new NotYetException(e);
        }
    }

    /** The note comes last: until then the disks are of no epoch. */
    void restCopy(ReplicaEffect.RestCopy effect) {
        front.dropped();
        try {
            long generation = front.state() instanceof Following following ? following.generation() : 0;
            standby.rest();
            files.write(DisksNote.atRest(effect.copy().id(), generation, effect.epoch()));
            events.accept(new ReplicaEvent.CopyRested());
        } catch (HypervisorException | IOException e) {
            LOG.warn("the copy of epoch {} cannot be kept without its process: {}", effect.epoch(), e.getMessage());
            events.accept(new ReplicaEvent.CopyLost());
        }
    }

    void freeMemory(ReplicaEffect.FreeMemory effect) throws NotYetException {
        try {
            standby.freeMemory();
        } catch (IOException | HypervisorException e) {
            throw new NotYetException(e);
        }
    }

    void noteCommit(ReplicaEffect.NoteCommit effect) {
        try {
            standby.prepare(effect.epoch());
            events.accept(new ReplicaEvent.Journaled());
        } catch (HypervisorException e) {
            LOG.warn("epoch {} cannot be committed: {}", effect.epoch(), e.getMessage());
            events.accept(new ReplicaEvent.CommitFailed());
        }
    }

    void commitDisks(ReplicaEffect.CommitDisks effect) {
        try {
            standby.commit(effect.epoch());
            events.accept(new ReplicaEvent.DisksCommitted());
        } catch (HypervisorException e) {
            LOG.warn("epoch {} is not committed, so this copy is of no epoch: {}", effect.epoch(), e.getMessage());
            events.accept(new ReplicaEvent.CommitFailed());
        }
    }

    void acknowledge(ReplicaEffect.Acknowledge effect) {
        front.acknowledge(effect.epoch());
    }
}
