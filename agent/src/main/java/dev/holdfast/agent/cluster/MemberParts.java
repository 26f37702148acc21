package dev.holdfast.agent.cluster;

import dev.holdfast.agent.control.reply.Verification.State;
import dev.holdfast.agent.snapshot.Room;
import dev.holdfast.coordinator.engine.RoundRefusedException;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.RoundOptions;
import java.util.List;

/** What this node can do to its machines' parts of a checkpoint, outside of rounds. Methods block. Thread-safe. */
public interface MemberParts {

    /**
     * What a round would cost a machine.
     *
     * @param vm the machine
     * @param problems why it would be refused; empty if it would not
     * @param room what would be written; in a revert the RAM that the old memory takes beside the running machine. Members of one node
     *     may need the same room
     * @param pauseMillis how long the machine would probably stand still, by its last captures; -1 if nothing is known
     * @param method the method that would be chosen; in a revert the one that the checkpoint was taken with
     */
    record Forecast(Name vm, List<String> problems, Room.Need room, long pauseMillis, String method) {}

    /** Checks without touching anything. For a revert all of the memory image is read. */
    Forecast preflight(RoundKind kind, Name vm, Name checkpoint, RoundOptions options) throws RoundRefusedException;

    /** By what a machine is tied to others past the network; two members that have one in common cannot be captured together. */
    List<String> ties(Name vm, RoundOptions options) throws RoundRefusedException;

    /** Removes a machine's part of a checkpoint; merges what only it needed. Idempotent. */
    void delete(Name vm, Name checkpoint) throws RoundRefusedException;

    /**
     * What was found of a part.
     *
     * @param role {@code snapshot}: the part as a whole; {@code memory}: the image in it
     * @param path its chain
     * @param state whether it is as it was
     * @param detail what is wrong, or empty
     */
    record Checked(String role, String path, State state, String detail) {}

    /** Checks a machine's part against its sidecar: digests, chain, image structure. Reads everything. */
    List<Checked> verify(Name vm, Name checkpoint) throws RoundRefusedException;
}
