package dev.holdfast.coordinator.port;

import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.MemberReport;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.RoundState;
import dev.holdfast.coordinator.protocol.RoundView;
import dev.holdfast.coordinator.protocol.Vote;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Holds every decision. All methods block for up to the store's time-out and must never be called while a guest of the
 * caller is frozen. What a method reports as done is durable on a quorum when it returns. Thread-safe.
 */
public interface DecisionLog {

    /** What became of a write. A lost connection is neither success nor failure. */
    sealed interface Written {

        /**
         * It is there.
         *
         * @param version version of the round's record now
         */
        record Done(int version) implements Written {}

        /** It is not there, and cannot come later. */
        record Refused(Refusal because) implements Written {}

        /**
         * The record had another version than the caller named; nothing was written.
         *
         * @param state what the record says
         * @param version its version
         */
        record Conflict(RoundState state, int version) implements Written {}

        /** Another reign has begun; nothing was written. */
        record StaleEpoch() implements Written {}

        /** It may be there, or may still land. */
        record Unknown() implements Written {}
    }

    /**
     * Opens a round: in one multi, checks that the epoch is still {@code spec.epoch()}, creates the round's record
     * PREPARING, reserves the checkpoint's name (checkpoint rounds), and creates a claim for each member machine. All or
     * nothing; claims outlive their holder.
     *
     * @return Done, Refused (BUSY with who holds what; PREFLIGHT if the name exists), StaleEpoch or Unknown
     */
    Written open(RoundSpec spec);

    /**
     * Decides a round: in one multi, checks the epoch, sets the record's state naming its expected version, and for a
     * committed checkpoint creates the checkpoint's record (for a committed revert, makes the checkpoint the group's
     * current one).
     *
     * @param reign the caller's epoch, not necessarily the one that opened the round
     * @return Done, Conflict, StaleEpoch or Unknown; Refused if the record has the expected version but what goes with a
     *     commitment cannot be written: nothing was, and no write that named this version or a lower one can land any more
     */
    Written decide(
            RoundSpec spec,
            Decision decision,
            int expectedVersion,
            Epoch reign,
            List<MemberReport> reports,
            Refusal because);

    /**
     * Resolves an unknown outcome by a write: reads the record and, if it is open, writes it unchanged naming the version
     * read, together with a check of the epoch.
     *
     * @return Conflict with what the record says and its version <em>after</em> the write, Refused if there is no such
     *     round, StaleEpoch or Unknown
     */
    Written touch(RoundId round, Epoch reign);

    /**
     * Removes a decided round, its votes and the claims that belong to it, checking the epoch. Idempotent.
     *
     * @return Done, StaleEpoch or Unknown
     */
    Written close(RoundSpec spec, Epoch reign);

    /** Says READY. Idempotent. */
    void sayReady(RoundId round, Name member) throws StoreUnreachableException;

    /** Casts the final vote. Write-once: if there is one already, nothing changes and nothing is thrown. */
    void castVote(RoundId round, Name member, Vote vote) throws StoreUnreachableException;

    /** Tells that the decision was carried out. Idempotent; a round that is gone already is fine. */
    void acknowledge(RoundId round, Name member) throws StoreUnreachableException;

    /** Reads one round from the server (not from a cache). Empty means there is no record, which decides nothing. */
    Optional<RoundView> read(RoundId round) throws StoreUnreachableException;

    /** What the store has of a round. */
    enum Remains {
        /** Its record. */
        RECORD,
        /** No record, but the checkpoint that it made, whole or being deleted: it was committed. */
        CHECKPOINT,
        /** Neither. Which says nothing of how it ended: checkpoints are deleted, and a revert makes none. */
        NOTHING
    }

    /**
     * Looks on the server, first for the record: what a commitment writes is there before the record can go.
     *
     * @throws StoreUnreachableException also if what is there cannot be read, or the store lacks more than this round
     */
    Remains remains(RoundSpec spec) throws StoreUnreachableException;

    /** All rounds there are, but for those whose records cannot be read. */
    List<RoundView> rounds() throws StoreUnreachableException;

    /**
     * The same for one who only takes part: those of them in which it does, and of the votes only its own need be there. If each of N
     * nodes read all rounds and all their votes, that would be the most that the store does.
     */
    default List<RoundView> roundsFor(Name member) throws StoreUnreachableException {
        return rounds();
    }

    /**
     * What is wrong with the rounds whose records could not be read when they were last looked at, one text for each, and
     * what to do. Does not ask the store. Such a round is passed over: nothing is decided or deleted by it, and the machines
     * it claims stay claimed.
     */
    List<String> unreadable();

    /**
     * Calls the listener with a fresh view whenever a round in which the member takes part appears or its record changes, and while
     * this node holds office whenever any round does, or one of its members says something; level-triggered: views in between may be
     * left out, the last one is not. Called on a thread of the store; must not block. For one listener.
     *
     * @param member this node
     */
    void watch(Name member, Consumer<RoundView> listener);
}
