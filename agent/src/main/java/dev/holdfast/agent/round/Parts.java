package dev.holdfast.agent.round;

import dev.holdfast.coordinator.port.Snapshotter.PhaseException;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundSpec;
import java.util.Set;

/** Finds or makes a machine's part in a round. Thread-safe. */
public interface Parts {

    /** @throws PhaseException the machine is not here, or another operation holds it */
    VmPart part(RoundSpec spec, Name vm) throws PhaseException;

    /** Ends the round's claim on the machines of this node. */
    void end(RoundSpec spec);

    /**
     * Looks whether there is room for all machines of this node together; each looks for itself again.
     *
     * @throws PhaseException there is not
     */
    void requireRoom(RoundSpec spec, Set<Name> mine) throws PhaseException;

    /** Where a machine of the round is, now that the round is decided. */
    Whereabouts whereabouts(RoundSpec spec, Name vm) throws PhaseException;

    /**
     * Whether something of the round waits for its decision in a machine's chain, wherever the machine runs.
     *
     * @throws PhaseException nobody can tell now, because the chain cannot be read or the machine is not defined on this node
     */
    boolean isUnderWay(RoundSpec spec, Name vm) throws PhaseException;
}
