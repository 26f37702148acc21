package dev.holdfast.agent.round;

import dev.holdfast.agent.snapshot.SnapshotException;
import dev.holdfast.agent.snapshot.VmSnapshots;
import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.agent.vm.VmRegistry;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.attribute.FileTime;
import java.util.HashMap;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds chains that a round has left to be tidied and that nobody has tidied: it gave way, or the agent died. What cannot be done is not tried
 * again until there is another snapshot. One thread.
 */
public final class UntidyChains {
    private static final Logger LOG = LoggerFactory.getLogger(UntidyChains.class);

    private final NodeParts parts;
    private final VmRegistry vms;
    private final Map<Name, FileTime> seen = new HashMap<>();

    /**
     * @param parts tidies them
     * @param vms the machines of this node
     */
    public UntidyChains(NodeParts parts, VmRegistry vms) {
        this.parts = parts;
        this.vms = vms;
    }

    /** Tidies those of machines that run here. May take long. */
    public void tidy() {
        for (ManagedVm machine : vms.all()) {
            // The chain of one that does not run here may be another node's.
            if (machine.definition().hasLayers() && machine.process().isPresent()) {
                try {
                    tidy(machine);
                } catch (SnapshotException e) {
                    LOG.debug(
                            "{}: its chain is not looked at now: {}",
                            machine.name(),
                            e.because().text());
                } catch (IOException e) {
                    LOG.debug("{}: its chain is not looked at now: {}", machine.name(), e.toString());
                }
            }
        }
    }

    private void tidy(ManagedVm machine) throws SnapshotException, IOException {
        VmSnapshots snapshots = parts.open(machine);
        // Each sidecar that is written changes the time of their directory.
        FileTime changed = Files.getLastModifiedTime(snapshots.chain().snapshotFiles());
        boolean due = !changed.equals(seen.get(machine.name()));
        // Whoever is at it will have changed it, or tidies it then.
        if (due
                && parts.inTheWay(machine.name()).isEmpty()
                && (!snapshots.isUntidy() || parts.compact(machine.name()))) {
            seen.put(machine.name(), changed);
        }
    }
}
