package dev.holdfast.agent.hypervisor;

import dev.holdfast.coordinator.protocol.Name;
import java.nio.file.Path;
import java.util.Set;

/** A driver that starts its machines itself: each has a run directory, which tells whether it may run and whether it was stopped. Thread-safe. */
public abstract class OwnHypervisor implements Hypervisor {
    private final RunDirectory runDirectory;

    /** @param runDirectory holds {@code vms/NAME/} */
    protected OwnHypervisor(Path runDirectory) {
        this.runDirectory = new RunDirectory(runDirectory);
    }

    protected final RunDirectory runDirectory() {
        return runDirectory;
    }

    @Override
    public final boolean isBarred(VmDefinition definition) {
        return runDirectory.isBarred(definition.name());
    }

    @Override
    public final void permit(VmDefinition definition) throws HypervisorException {
        runDirectory.permit(definition.name());
    }

    @Override
    public final Set<Name> running() {
        return runDirectory.machines(this::mayRun);
    }

    /** Asks no driver's {@link #running()}, which asks this. */
    @Override
    public abstract boolean mayRun(Name vm);
}
