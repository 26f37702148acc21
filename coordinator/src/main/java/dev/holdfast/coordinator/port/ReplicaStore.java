package dev.holdfast.coordinator.port;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.ReplicationRecord;
import dev.holdfast.coordinator.replication.ReplicationRecord.Stored;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * The records of replicated machines: one a machine, changed by compare-and-set alone, never removed. Methods do not block; each
 * answer comes within the store's bound, on a thread of the store that must not be blocked for long. Thread-safe.
 */
public interface ReplicaStore {

    /** What became of a write. */
    sealed interface WriteOutcome {

        /** Handles each kind. */
        <T> T match(Function<Written, T> written, Function<Refused, T> refused, Function<Unknown, T> unknown);

        /**
         * The record says what was written.
         *
         * @param version of the record now
         */
        record Written(int version) implements WriteOutcome {
            @Override
            public <T> T match(
                    Function<Written, T> written, Function<Refused, T> refused, Function<Unknown, T> unknown) {
                return written.apply(this);
            }
        }

        /** Nothing was written and never will be: the record has another version, is there already, or is not there. */
        record Refused() implements WriteOutcome {
            @Override
            public <T> T match(
                    Function<Written, T> written, Function<Refused, T> refused, Function<Unknown, T> unknown) {
                return refused.apply(this);
            }
        }

        /**
         * It took effect, or not, or will at any time. Also whenever the store does not answer: whether something was sent is not
         * told apart.
         *
         * @param why for the log
         */
        record Unknown(String why) implements WriteOutcome {
            @Override
            public <T> T match(
                    Function<Written, T> written, Function<Refused, T> refused, Function<Unknown, T> unknown) {
                return unknown.apply(this);
            }
        }
    }

    /** A watch that is under way. Ended, it tells nothing new; a call that is under way may still be seen. */
    interface Watch extends AutoCloseable {
        @Override
        void close();
    }

    /**
     * Reads a machine's record as it was when this was called, or later.
     *
     * @return empty if the store, known and answering, has none; fails with {@link StoreUnreachableException} if the store is
     *     silent, is not the one this node knows, or holds a record that this version cannot read
     */
    CompletionStage<Optional<Stored>> read(Name vm);

    /**
     * Writes a machine's record if it has this version.
     *
     * @param version that it must have; {@link ReplicationRecord#NO_VERSION} if there must be none
     * @return never fails
     */
    CompletionStage<WriteOutcome> write(Name vm, int version, ReplicationRecord next);

    /**
     * Tells what a machine's record says: once as soon as the store answers, after each change, and after each reconnection.
     * Changes that follow each other closely may be told as one, and one may be told twice. What is told may be older than what
     * {@link #read} answers.
     *
     * @param changed must not block
     */
    Watch watch(Name vm, Consumer<Optional<Stored>> changed);
}
