package dev.holdfast.coordinator.zookeeper;

import dev.holdfast.coordinator.codec.CodecException;
import dev.holdfast.coordinator.codec.RecordCodec;
import dev.holdfast.coordinator.codec.RoundRecord;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundView;
import dev.holdfast.coordinator.protocol.Vote;
import java.io.IOException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;

/** Reads rounds from the store. Thread-safe. */
final class RoundReader {

    private final StoreSession session;
    private final Schema schema;

    RoundReader(StoreSession session) {
        this.session = session;
        this.schema = session.schema();
    }

    /**
     * A round as it was when this was called, or later. The record is read before what is beside it: a view may show votes
     * that are newer than its state, never older ones.
     */
    Optional<RoundView> view(RoundId round) throws StoreUnreachableException {
        Optional<Wire.Data> data = session.newest(schema.round(round));
        if (data.isEmpty()) {
            return Optional.empty();
        }
        RoundRecord record = record(round, data.get().bytes());
        if (record.state().decision().isPresent()) {
            remember(record, data.get().stat().getMzxid());
        }
        Set<Name> ready = new HashSet<>();
        Set<Name> acknowledged = new HashSet<>();
        Map<Name, Vote> votes = new HashMap<>();
        for (String child : session.children(schema.round(round))) {
            if (child.startsWith(Schema.READY)) {
                ready.add(new Name(child.substring(Schema.READY.length())));
            } else if (child.startsWith(Schema.ACKNOWLEDGED)) {
                acknowledged.add(new Name(child.substring(Schema.ACKNOWLEDGED.length())));
            } else if (child.startsWith(Schema.VOTE)) {
                Name node = new Name(child.substring(Schema.VOTE.length()));
                Optional<Wire.Data> vote = session.get(schema.vote(round, node));
                if (vote.isPresent()) {
                    votes.put(node, vote(round, node, vote.get().bytes()));
                }
            }
        }
        return Optional.of(
                RoundView.of(record.spec(), record.state(), data.get().version(), ready, votes, acknowledged));
    }

    /** A store in which a decision is missing that this node has seen must not be believed. */
    private void remember(RoundRecord decided, long transaction) throws StoreUnreachableException {
        try {
            session.trust().saw(decided.spec().epoch(), transaction);
        } catch (IOException forgotten) {
            throw new StoreUnreachableException(
                    "a decision was read, but this node could not remember the store's state: " + forgotten.getMessage()
                            + ". Repair the state directory",
                    forgotten);
        }
    }

    /** The rounds there are. */
    SortedSet<RoundId> ids() throws StoreUnreachableException {
        SortedSet<RoundId> ids = new TreeSet<>();
        session.children(schema.rounds()).forEach(id -> ids.add(new RoundId(id)));
        return ids;
    }

    RoundRecord record(RoundId round, byte[] bytes) throws StoreUnreachableException {
        try {
            return RecordCodec.decodeRound(bytes);
        } catch (CodecException unreadable) {
            throw unreadable(schema.round(round), unreadable);
        }
    }

    private Vote vote(RoundId round, Name node, byte[] bytes) throws StoreUnreachableException {
        try {
            return RecordCodec.decodeVote(bytes);
        } catch (CodecException unreadable) {
            throw unreadable(schema.vote(round, node), unreadable);
        }
    }

    static StoreUnreachableException unreadable(String path, CodecException why) {
        return new StoreUnreachableException(
                "the store holds a record that cannot be read, at %s: %s".formatted(path, why.getMessage()), why);
    }
}
