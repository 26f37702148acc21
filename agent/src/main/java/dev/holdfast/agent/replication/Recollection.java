package dev.holdfast.agent.replication;

import dev.holdfast.agent.hypervisor.HypervisorException;
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
        if (guest.process().isPresent()) {
            process = Found.Guest.THERE;
        } else {
            Optional<Standby> waiting = standby.find();
            boolean own =
                    files.copy().filter(note -> note.copy().equals(life.copy())).isPresent();
            if (waiting.isPresent() && own && waiting.get().committed().isPresent()) {
                process = Found.Guest.WAITS;
                epoch = waiting.get().committed().getAsLong();
            }
        }
        return new Found.Primary(
                new Copy(self, life.copy()),
                life.generation(),
                life.peer(),
                process,
                disks.isPresent(),
                disks.filter(DisksNote::strayed).isPresent(),
                life.leaving(),
                epoch);
    }

    private Found other() throws HypervisorException, IOException {
        Optional<ReplicaFiles.CopyNote> copy = files.copy();
        Optional<Standby> process = standby.find();
        if (copy.isPresent() && process.isPresent() && process.get().committed().isPresent()) {
            CopyFacts facts = new CopyFacts(
                    new Copy(self, copy.get().copy()),
                    CopyFacts.Kind.STANDBY,
                    copy.get().generation(),
                    process.get().committed().getAsLong(),
                    false);
            // A commit that was cut off is completed by finding it.
            return new Found.Standby(facts, false);
        }
        // What its primary was sending came through the agent that is no more.
        standby.drop();
        return new Found.Idle(disks());
    }

    /** Disks that nobody has noted anything about get an id before the store can name them. */
    private Optional<CopyFacts> disks() throws IOException {
        Optional<DisksNote> note = files.disks();
        if (note.isEmpty() && files.hasDisks()) {
            note = Optional.of(new DisksNote(freshIds.get(), 0, true, false));
            files.write(note.get());
        }
        return note.filter(DisksNote::whole)
                .map(disks -> new CopyFacts(
                        new Copy(self, disks.copy()), CopyFacts.Kind.DISKS, disks.generation(), 0, disks.strayed()));
    }
}
