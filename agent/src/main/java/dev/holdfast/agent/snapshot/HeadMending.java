package dev.holdfast.agent.snapshot;

import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.snapshot.chain.ChainDirectory;
import dev.holdfast.agent.snapshot.chain.HeadFsck;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The head of a machine's chain, looked at and made anew without opening the chain. Stateless. */
public final class HeadMending {

    private HeadMending() {}

    /** Who knows where the newest data goes. */
    public interface Evidence {
        /** The file that the machine's process writes each disk to; empty if it certainly has none anywhere. */
        Optional<Map<String, Path>> written() throws SnapshotException;
    }

    /**
     * Looks and touches nothing.
     *
     * @param evidence asked only if the head leads nowhere
     * @return empty if the head leads to a generation, or if what is wrong with the chain is something else
     */
    public static Optional<HeadFsck.Broken> look(VmDefinition definition, Evidence evidence) throws SnapshotException {
        try {
            Optional<HeadFsck> head = of(definition);
            return head.isPresent() && !head.get().leadsSomewhere()
                    ? head.get().look(evidence.written())
                    : Optional.empty();
        } catch (IOException e) {
            throw SnapshotException.of(e);
        }
    }

    /**
     * Makes the head anew; the caller sees to it that nothing else is done with the machine.
     *
     * @return whether there was a reason to
     * @throws SnapshotException what it has to be is not certain
     */
    public static boolean mend(VmDefinition definition, Optional<Map<String, Path>> written, SnapshotTools tools)
            throws SnapshotException {
        try {
            Optional<HeadFsck> head = of(definition);
            return head.isPresent() && head.get().mend(written, tools.images(), tools.clock());
        } catch (IOException e) {
            throw SnapshotException.of(e);
        }
    }

    private static Optional<HeadFsck> of(VmDefinition definition) throws IOException {
        if (!definition.hasLayers()) {
            return Optional.empty();
        }
        Set<Path> directories = new HashSet<>();
        Set<String> disks = new HashSet<>();
        for (VmDefinition.Disk disk : definition.disks()) {
            directories.add(ChainDirectory.locate(disk.id(), disk.path()));
            disks.add(disk.id());
        }
        return directories.size() == 1 ? HeadFsck.of(directories.iterator().next(), disks) : Optional.empty();
    }
}
