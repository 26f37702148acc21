package dev.holdfast.coordinator.port;

import dev.holdfast.coordinator.protocol.JournalEntry;
import dev.holdfast.coordinator.protocol.RoundId;
import java.io.IOException;
import java.util.List;

/** This node's stable memory of the rounds it takes part in. Blocks for a flush. Thread-safe. */
public interface Journal {

    /**
     * Writes or replaces the round's entry; on stable storage when it returns.
     *
     * @throws UnreadableEntryException an entry of that round is there already, and cannot be read; nothing was written
     * @throws IOException it may or may not be on stable storage
     */
    void write(JournalEntry entry) throws IOException;

    /** Removes the round's entry, or sets it aside if it cannot be read. Idempotent. */
    void remove(RoundId round) throws IOException;

    /**
     * All entries that can be read, each on stable storage when this returns: an entry that only looks durable would bind
     * this node to a vote that a power cut takes back. Entries that cannot are reported to the log and kept for {@code fsck}; they prevent
     * nothing but an entry of the same round.
     */
    List<JournalEntry> entries() throws IOException;
}
