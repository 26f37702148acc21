package dev.holdfast.agent.snapshot;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.RunningVm;
import java.util.Optional;

/**
 * The place where the agent keeps its one connection to a machine. A hypervisor's socket serves one client, so everybody
 * shares it.
 */
public interface VmSlot {
    /**
     * The machine's process, if it runs on this node.
     *
     * @throws HypervisorException UNKNOWN if there is a process that does not answer; it is not absent then
     */
    Optional<RunningVm> running() throws HypervisorException;

    /** From now on this process is the machine; empty: it does not run. Called by reverts. */
    void became(Optional<RunningVm> process);
}
