package dev.holdfast.coordinator.protocol.message;

import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundId;
import java.util.function.Function;

/**
 * A message of the group channel. It may be lost, doubled, late or out of order; whoever handles one must be idempotent.
 * Each carries the round and the epoch of the reign that opened it.
 */
public sealed interface GroupMessage {

    /** The round it belongs to. */
    RoundId round();

    /** The epoch that opened the round. */
    Epoch epoch();

    /**
     * Leader to members: all are ready, stop.
     *
     * @param atNanos when, by the leader's wall clock, so that all stop as one although they hear of it one after the other; a
     *     wish that nothing but the skew rests on. Whoever is late, or does not know the leader's clock, stops at once
     */
    record Freeze(RoundId round, Epoch epoch, long atNanos) implements GroupMessage {}

    /**
     * Member to members: all my machines stand still. Acts as {@link Freeze} too.
     *
     * @param member the node that stands still
     */
    record Frozen(RoundId round, Epoch epoch, Name member) implements GroupMessage {}

    /**
     * Member to members: I have given up; thaw at once, this round will not commit.
     *
     * @param member the node that gave up
     * @param because why; the others pass it on to the leader with their votes
     */
    record VoidRound(RoundId round, Epoch epoch, Name member, Refusal because) implements GroupMessage {}

    /**
     * Member to leader: how far a long phase has come. Only for display.
     *
     * @param member the node
     * @param phase what goes on: {@code preparing}, {@code frozen}, {@code thawed}, {@code draining}, {@code hashing}, {@code loading}
     * @param done units done
     * @param total units in all, 0 if unknown
     */
    record Progress(RoundId round, Epoch epoch, Name member, String phase, long done, long total)
            implements GroupMessage {}

    /** Exhaustive choice. */
    default <R> R match(
            Function<Freeze, R> freeze,
            Function<Frozen, R> frozen,
            Function<VoidRound, R> voided,
            Function<Progress, R> progress) {
        if (this instanceof Freeze message) {
            return freeze.apply(message);
        }
        if (this instanceof Frozen message) {
            return frozen.apply(message);
        }
        if (this instanceof VoidRound message) {
            return voided.apply(message);
        }
        return progress.apply((Progress) this);
    }
}
