package dev.holdfast.agent.replication;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.replication.Replication;
import dev.holdfast.agent.hypervisor.replication.Standby;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Copy;
import dev.holdfast.coordinator.replication.CopyFacts;
import dev.holdfast.coordinator.replication.Found;
import java.io.IOException;
import java.util.Optional;
import java.util.function.Supplier;

/** What an agent that starts finds of one machine: notes, processes, disks. The machine's thread. */
final class Recollection {
    private final Name self;
    private final ReplicaFiles files;
    private final Guest guest;
    private final StandbySide standby;
    private final Supplier<Name> freshIds;

    Recollection(Name self, ReplicaFiles files, Guest guest, StandbySide standby, Supplier<Name> freshIds) {
        this.self = self;
        this.files = files;
        this.guest = guest;
        this.standby = standby;
        this.freshIds = freshIds;
    }

    /**
     * Looks.
     *
     * @throws HypervisorException there is a process that does not answer; nothing may be concluded
     * @throws IOException a note cannot be read; nothing may be concluded
     */
    Found look() throws HypervisorException, IOException {
        Optional<LifeNote> life = files.life();
        return life.isPresent() ? primary(life.get()) : other();
    }

    private Found primary(LifeNote life) throws HypervisorException, IOException {
        Optional<DisksNote> disks = files.disks().filter(note -> note.copy().equals(life.copy()) && note.whole());
        Found.Guest process = Found.Guest.GONE;
        long epoch = 0;
        boolean own =
                files.copy().filter(note -> note.copy().equals(life.copy())).isPresent();
        if (own && disks.isPresent()) {
            // It was to be woken from the memory of a standby that was stopped, and has not run yet.
            if (guest.process().isPresent()) {
                guest.kill();
            }
            Optional<Replication.AtRest> rest = standby.atRest();
            process = rest.isPresent() ? Found.Guest.WAITS : Found.Guest.GONE;
            epoch = rest.map(Replication.AtRest::epoch).orElse(0L);
        } else if (guest.process().isPresent()) {
            process = Found.Guest.THERE;
        } else {
            Optional<Standby> waiting = standby.find();
            if (waiting.isPresent() && own && waiting.get().committed().isPresent()) {
                process = Found.Guest.WAITS;
                epoch = waiting.get().committed().getAsLong();
            }
        }
        if (process == Found.Guest.GONE) {
            guest.checkNoneUnnoted();
        }
        // By somebody's wish: no standby may go on from before that.
        boolean stopped = process == Found.Guest.GONE && guest.isNotedShutDown();
        return new Found.Primary(
                new Copy(self, life.copy()),
                life.generation(),
                stopped ? Optional.empty() : life.peer(),
                process,
                disks.isPresent(),
                disks.filter(DisksNote::strayed).isPresent(),
                life.leaving(),
                epoch);
    }

    private Found other() throws HypervisorException, IOException {
        Optional<ReplicaFiles.CopyNote> copy = files.copy();
        Optional<Standby> process = standby.find();
        if (copy.isPresent() && process.isPresent()) {
            boolean committing = process.get().committing().isPresent();
            long epoch = committing
                    ? process.get().committing().getAsLong() - 1
                    : process.get().committed().orElse(0);
            if (committing || epoch > 0) {
                Copy mine = new Copy(self, copy.get().copy());
                CopyFacts facts =
                        new CopyFacts(mine, CopyFacts.Kind.STANDBY, copy.get().generation(), epoch, false);
                return new Found.Standby(facts, committing);
            }
        }
        if (copy.isPresent() && process.isEmpty()) {
            Optional<CopyFacts> resting = resting(copy.get());
            if (resting.isPresent()) {
                return new Found.Idle(resting);
            }
        }
        // What its primary was sending came through the agent that is no more.
        standby.drop();
        return new Found.Idle(disks());
    }

    /** A standby that was stopped: its memory is there, and its disks are noted to be of the same epoch. */
    private Optional<CopyFacts> resting(ReplicaFiles.CopyNote copy) throws HypervisorException, IOException {
        Optional<DisksNote> disks = files.disks();
        return standby.atRest()
                .filter(rest -> disks.filter(
                                note -> note.whole() && note.copy().equals(copy.copy()) && note.epoch() == rest.epoch())
                        .isPresent())
                .map(rest -> CopyFacts.resting(new Copy(self, copy.copy()), copy.generation(), rest.epoch()));
    }

    /** Disks that nobody has noted anything about get an id before the store can name them. */
    private Optional<CopyFacts> disks() throws IOException {
        Optional<DisksNote> note = files.disks();
        if (note.isEmpty() && files.hasDisks()) {
            note = Optional.of(new DisksNote(freshIds.get(), 0, true, false));
            files.write(note.get());
        }
        return note.filter(DisksNote::whole).map(disks -> disks.facts(self));
    }
}
