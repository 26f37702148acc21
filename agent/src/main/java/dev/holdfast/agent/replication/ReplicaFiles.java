package dev.holdfast.agent.replication;

import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.json.DurableFile;
import dev.holdfast.agent.snapshot.chain.ChainDirectory;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What one machine's replication keeps in files: the note of a life in the node's state directory, that of the disks beside them,
 * and that of a standby's copy on the volatile medium, which goes with its memory. What is written is durable on return. One thread.
 */
final class ReplicaFiles {
    private static final DurableFile<LifeNote> LIVES = new DurableFile<>("replica-life", 1, LifeNote.class);
    private static final DurableFile<DisksNote> DISKS = new DurableFile<>("replica-disks", 1, DisksNote.class);
    private static final DurableFile<CopyNote> COPIES = new DurableFile<>("replica-copy", 1, CopyNote.class);
    private static final String DISKS_NOTE = "replica.json";
    private static final String COPY_NOTE = "copy.json";

    private final Path life;
    private final VmDefinition machine;
    private final Path place;

    /**
     * A standby's copy.
     *
     * @param copy its id
     * @param generation of the primary it follows
     */
    record CopyNote(Name copy, long generation) {}

    /**
     * @param stateDirectory of this node, on lasting storage
     * @param place of the standby, on a volatile medium
     */
    ReplicaFiles(Path stateDirectory, VmDefinition machine, Path place) {
        this.life = stateDirectory.resolve("replication").resolve(machine.name() + ".json");
        this.machine = machine;
        this.place = place;
    }

    /** Where the chain of the machine's disks is or will be. @throws IOException its disks do not all lie in one */
    Path chain() throws IOException {
        Path found = null;
        for (VmDefinition.Disk disk : machine.disks()) {
            Path directory = ChainDirectory.locate(disk.id(), disk.path());
            if (found != null && !found.equals(directory)) {
                throw new IOException("only a machine whose disks lie in one chain of layers can be replicated");
            }
            found = directory;
        }
        if (found == null) {
            throw new IOException("a machine without disks cannot be replicated");
        }
        return found;
    }

    /** Whether a guest could boot from what is there. */
    boolean hasDisks() throws IOException {
        return Files.exists(chain().resolve("head"), LinkOption.NOFOLLOW_LINKS);
    }

    Optional<LifeNote> life() throws IOException {
        return Files.exists(life) ? Optional.of(LIVES.read(life)) : Optional.empty();
    }

    void write(LifeNote note) throws IOException {
        Files.createDirectories(life.toAbsolutePath().getParent());
        LIVES.write(life, note);
    }

    void forgetLife() throws IOException {
        if (Files.exists(life)) {
            DurableFile.delete(life);
        }
    }

    Optional<DisksNote> disks() throws IOException {
        Path note = chain().resolve(DISKS_NOTE);
        return Files.exists(note) ? Optional.of(DISKS.read(note)) : Optional.empty();
    }

    void write(DisksNote note) throws IOException {
        Files.createDirectories(chain());
        DISKS.write(chain().resolve(DISKS_NOTE), note);
    }

    Optional<CopyNote> copy() throws IOException {
        Path note = place.resolve(COPY_NOTE);
        return Files.exists(note) ? Optional.of(COPIES.read(note)) : Optional.empty();
    }

    void write(CopyNote note) throws IOException {
        Files.createDirectories(place);
        COPIES.write(place.resolve(COPY_NOTE), note);
    }

    void forgetCopy() throws IOException {
        if (Files.exists(place.resolve(COPY_NOTE))) {
            DurableFile.delete(place.resolve(COPY_NOTE));
        }
    }
}
