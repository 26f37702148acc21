package dev.holdfast.agent.hypervisor.replication;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.VmDefinition;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/** Starts machines that can be followed, and those that follow. Thread-safe; each machine is for one thread at a time. */
public interface Replication {
    /**
     * Looks for a process of the machine that is in none of its notes.
     *
     * @throws HypervisorException UNKNOWN if there is one: it may be the machine itself
     */
    default void checkNoneUnnoted(VmDefinition definition) throws HypervisorException {}

    /**
     * Starts a machine that a standby can be attached to while it runs. Otherwise as
     * {@link dev.holdfast.agent.hypervisor.Hypervisor#start}.
     */
    RunningVm start(VmDefinition definition, StartMode mode) throws HypervisorException;

    /**
     * The sending side of a machine that {@link #start} has started or a standby has become; also one that has a standby
     * attached already, by an agent that is no more.
     *
     * @throws HypervisorException REFUSED if nothing can be attached to it
     */
    Primary primary(RunningVm machine) throws HypervisorException;

    /**
     * Starts a process that follows. It has no network and does not run; its disks have content of some kind and are
     * overwritten when a primary attaches.
     *
     * @param definition as on the primary's node, with this node's disks
     * @param content what its epochs will consist of
     */
    Standby startStandby(VmDefinition definition, StandbyPlace place, EpochContent content) throws HypervisorException;

    /**
     * Finds a standby that was started before. A commit that was cut off is completed first.
     *
     * @return empty if there is none, or its process is gone, and with it the copy
     */
    Optional<Standby> findStandby(VmDefinition definition, StandbyPlace place) throws HypervisorException;

    /** What {@link Standby#rest} has left; empty if there is nothing, or a process. */
    Optional<AtRest> atRest(VmDefinition definition, StandbyPlace place) throws HypervisorException;

    /**
     * The memory of a standby that was ended. The machine goes on by {@link #start} with
     * {@link dev.holdfast.agent.hypervisor.StartMode#restore}.
     *
     * @param epoch of which it is, as the disks are
     * @param memory the image; empty if its epochs were of disks alone: the machine boots
     */
    record AtRest(long epoch, Optional<Path> memory) {}

    /** Empties the place of a standby that has no process any more. */
    void clear(StandbyPlace place) throws HypervisorException;

    /**
     * Clears up after {@link Standby#failOver}, beside the running guest: waits until the disks are back at the epoch, closes
     * what the standby had beyond them, and empties its place. Before it the machine must not end of its own will, nor be
     * captured. To be repeated when it failed.
     *
     * @param bound how long to wait for the disks
     */
    void settle(RunningVm machine, StandbyPlace place, Duration bound) throws HypervisorException;
}
