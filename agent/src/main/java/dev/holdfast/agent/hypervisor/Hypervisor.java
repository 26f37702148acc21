package dev.holdfast.agent.hypervisor;

import dev.holdfast.coordinator.protocol.Name;
import java.util.Optional;
import java.util.Set;

/** Starts and finds virtual machines. Thread-safe; one machine is to be handled by one thread at a time. */
public interface Hypervisor {
    /**
     * Starts a machine as a process that outlives this one. Blocks until it answers, at most about 30 s, or until its memory
     * is loaded.
     *
     * @throws HypervisorException REFUSED with the hypervisor's own words if it does not start, or runs already, or
     *     {@linkplain #isBarred is barred} and is started as the machine itself
     */
    RunningVm start(VmDefinition definition, StartMode mode) throws HypervisorException;

    /**
     * Whether a stop is noted that needed no agent: the resource agent leaves a file {@code stopped} in the run directory of the
     * machine. Until it is gone the machine is not started here, whatever is still under way.
     */
    boolean isBarred(VmDefinition definition);

    /** Whether the layers of a machine may be merged while nobody runs it: not if another process than its own may use them. */
    default boolean ownsLayers(VmDefinition definition) {
        return true;
    }

    /** What is known of the memory images that it writes and loads. */
    default MemoryImages images() {
        return MemoryImages.PLAIN;
    }

    /** Takes the note of a stop back. */
    void permit(VmDefinition definition) throws HypervisorException;

    /**
     * Finds the process of a machine that was started before, perhaps by an agent that is no more, and takes over its
     * control connection.
     *
     * @return empty if it does not run
     * @throws HypervisorException UNKNOWN if its process is there but does not answer
     */
    default Optional<RunningVm> find(VmDefinition definition) throws HypervisorException {
        return find(definition, Optional.empty());
    }

    /**
     * The machines that have a process on this node, by what they were started as; also those whose definition has gone.
     * Quick, asks no process. One that cannot be told for sure is among them.
     */
    Set<Name> running();

    /** Whether a machine is among {@link #running()}: its process was started by this driver. */
    default boolean mayRun(Name vm) {
        return running().contains(vm);
    }

    /** Finds an instance that was started {@link StartMode#beside} the machine itself. */
    Optional<RunningVm> find(VmDefinition definition, Optional<String> instance) throws HypervisorException;

    /**
     * Ends a process at once with KILL, whoever talks to it, and returns when it is gone. Does nothing if there is none. Any
     * thread.
     *
     * @throws HypervisorException UNKNOWN if it does not end
     */
    void kill(VmDefinition definition, Optional<String> instance) throws HypervisorException;

    /**
     * Adopts an instance that was started beside as the machine itself: its directory takes the machine's place. The old
     * process must be gone.
     */
    RunningVm takePlace(RunningVm instance, VmDefinition definition) throws HypervisorException;
}
