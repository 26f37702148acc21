package dev.holdfast.agent.round;

import dev.holdfast.agent.journal.VmClaims;
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
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes the digests of frozen layers in the background. A frozen layer never changes until it is merged, so that there is no
 * hurry: no round waits for it, and it gives way to every operation on a machine of this node. One thread.
 */
public final class LayerDigests {
    private static final Logger LOG = LoggerFactory.getLogger(LayerDigests.class);
    private static final long GIVE_WAY_NANOS = 100_000_000L;

    private final NodeParts parts;
    private final VmRegistry vms;
    private final VmClaims claims;
    private final Map<Name, FileTime> complete = new HashMap<>();

    /**
     * @param parts opens the chains
     * @param vms the machines of this node
     * @param claims who holds them
     */
    public LayerDigests(NodeParts parts, VmRegistry vms, VmClaims claims) {
        this.parts = parts;
        this.vms = vms;
        this.claims = claims;
    }

    /** Takes what is missing, of the machines that run here. May take long. */
    public void take() {
        for (ManagedVm machine : vms.all()) {
            if (!machine.definition().hypervisor().isOwn() || machine.process().isEmpty()) {
                continue;
            }
            try {
                take(machine);
            } catch (SnapshotException e) {
                LOG.debug("{}: no digests now: {}", machine.name(), e.because().text());
            } catch (IOException e) {
                LOG.debug("{}: no digests now: {}", machine.name(), e.toString());
            }
        }
    }

    private void take(ManagedVm machine) throws SnapshotException, IOException {
        VmSnapshots snapshots = parts.open(machine);
        // Each sidecar that is written changes the time of their directory.
        FileTime changed = Files.getLastModifiedTime(snapshots.chain().snapshotFiles());
        // It may move to another node meanwhile, which then has the chain for itself.
        if (!changed.equals(complete.get(machine.name()))
                && snapshots.recordDigests(
                        (done, total) -> giveWay(), () -> machine.process().isPresent())) {
            complete.put(machine.name(), changed);
        }
    }

    private void giveWay() {
        while (vms.all().stream().anyMatch(vm -> claims.holder(vm.name()).isPresent())
                && !Thread.currentThread().isInterrupted()) {
            LockSupport.parkNanos(GIVE_WAY_NANOS);
        }
    }
}
