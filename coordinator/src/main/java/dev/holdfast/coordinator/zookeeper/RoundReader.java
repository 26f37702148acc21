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
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import org.apache.zookeeper.Watcher;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads rounds from the store. One record that cannot be read must not stop all rounds: {@link #seen} and {@link #all} pass
 * it over, tell the log once, and remember it for {@link #unreadable}. Thread-safe.
 */
final class RoundReader {

    private static final Logger LOG = LoggerFactory.getLogger(RoundReader.class);

    /**
     * Who is told, once, of the next change of what is read.
     *
     * @param record of the round's record
     * @param words of what members say
     */
    record Watches(Optional<Watcher> record, Optional<Watcher> words) {
        static final Watches NONE = new Watches(Optional.empty(), Optional.empty());
    }

    private final StoreSession session;
    private final Schema schema;
    /** Votes are written once, so none is read twice. */
    private final Map<RoundId, Map<Name, Vote>> known = new ConcurrentHashMap<>();
    /**
     * Who takes part never changes, so whoever does not need not look again and again. But a record may have been damaged when it was
     * read: it is read whenever it changes, and who took part once does so for good.
     */
    private final Map<RoundId, Set<Name>> members = new ConcurrentHashMap<>();

    private final SortedMap<String, String> unreadable = new ConcurrentSkipListMap<>();

    RoundReader(StoreSession session) {
        this.session = session;
        this.schema = session.schema();
    }

    /**
     * A round as it was when this was called, or later. The record is read before what is beside it: a view may show votes
     * that are newer than its state, never older ones.
     *
     * @throws StoreUnreachableException also if it cannot be read
     */
    Optional<RoundView> view(RoundId round) throws StoreUnreachableException {
        try {
            return decoded(round, Watches.NONE, Optional.empty());
        } catch (CodecException why) {
            throw unreadable(schema.round(round), why);
        }
    }

    /**
     * The same; empty also for a round that cannot be read.
     *
     * @param member who only takes part: empty for a round in which it does not, and of the votes only its own is read
     */
    Optional<RoundView> seen(RoundId round, Watches watches, Optional<Name> member) throws StoreUnreachableException {
        try {
            Optional<RoundView> view = decoded(round, watches, member);
            unreadable.remove(round.value());
            return view;
        } catch (CodecException why) {
            passOver(round.value(), String.valueOf(why.getMessage()));
            return Optional.empty();
        }
    }

    /** As far as is known. */
    private boolean isOfOthers(RoundId round, Optional<Name> member) {
        Set<Name> nodes = members.get(round);
        return nodes != null && member.isPresent() && !nodes.contains(member.get());
    }

    private void passOver(String round, String why) {
        String path = schema.rounds() + "/" + round;
        String text =
                ("the round at %s cannot be read: %s. It is passed over, and its machines take part in no other round."
                                + " If a newer Holdfast wrote it, update this node; if it is damaged, docs/operations.md tells how to"
                                + " remove it")
                        .formatted(path, why);
        if (!text.equals(unreadable.put(round, text))) {
            LOG.error("{}", text);
        }
    }

    /** What is wrong with the rounds that were passed over. */
    List<String> unreadable() {
        return List.copyOf(unreadable.values());
    }

    /** All rounds that can be read. @param member as for {@link #seen} */
    List<RoundView> all(Optional<Name> member) throws StoreUnreachableException {
        List<RoundView> views = new ArrayList<>();
        for (RoundId id : ids()) {
            if (isOfOthers(id, member)) {
                continue;
            }
            seen(id, Watches.NONE, member).ifPresent(views::add);
        }
        return views;
    }

    private Optional<RoundView> decoded(RoundId round, Watches watches, Optional<Name> member)
            throws StoreUnreachableException, CodecException {
        Optional<Wire.Data> data = session.newest(schema.round(round), watches.record());
        if (data.isEmpty()) {
            known.remove(round);
            members.remove(round);
            return Optional.empty();
        }
        RoundRecord record = RecordCodec.decodeRound(data.get().bytes());
        members.computeIfAbsent(round, id -> ConcurrentHashMap.newKeySet())
                .addAll(record.spec().members().nodes());
        if (record.state().decision().isPresent()) {
            remember(record, data.get().stat().getMzxid());
        }
        if (isOfOthers(round, member)) {
            return Optional.empty();
        }
        Optional<List<String>> children = session.childrenOf(schema.round(round), watches.words());
        if (children.isEmpty()) {
            // It was closed since: what is read of it now would look like a round that nobody has acknowledged.
            return Optional.empty();
        }
        Set<Name> ready = new HashSet<>();
        Set<Name> acknowledged = new HashSet<>();
        Set<Name> voters = new HashSet<>();
        for (String child : children.get()) {
            if (child.startsWith(Schema.READY)) {
                ready.add(name(child, Schema.READY));
            } else if (child.startsWith(Schema.ACKNOWLEDGED)) {
                acknowledged.add(name(child, Schema.ACKNOWLEDGED));
            } else if (child.startsWith(Schema.VOTE)
                    && record.state().decision().isEmpty()) {
                voters.add(name(child, Schema.VOTE));
            }
        }
        member.ifPresent(alone -> voters.retainAll(Set.of(alone)));
        return Optional.of(RoundView.of(
                record.spec(), record.state(), data.get().version(), ready, votes(round, voters), acknowledged));
    }

    private Map<Name, Vote> votes(RoundId round, Set<Name> voters) throws StoreUnreachableException, CodecException {
        Map<Name, Vote> read = known.computeIfAbsent(round, id -> new ConcurrentHashMap<>());
        Map<String, Name> missing = new HashMap<>();
        for (Name node : voters) {
            if (!read.containsKey(node)) {
                missing.put(schema.vote(round, node), node);
            }
        }
        Map<String, Wire.Data> found = session.getAll(List.copyOf(missing.keySet()));
        for (Map.Entry<String, Wire.Data> entry : found.entrySet()) {
            read.put(
                    missing.get(entry.getKey()),
                    RecordCodec.decodeVote(entry.getValue().bytes()));
        }
        Map<Name, Vote> votes = new HashMap<>(read);
        votes.keySet().retainAll(voters);
        return votes;
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
        List<String> found = session.children(schema.rounds());
        unreadable.keySet().retainAll(found);
        known.keySet().removeIf(round -> !found.contains(round.value()));
        members.keySet().removeIf(round -> !found.contains(round.value()));
        for (String id : found) {
            id(id).ifPresent(ids::add);
        }
        return ids;
    }

    /** The id that a path's part names, if it does. */
    Optional<RoundId> id(String part) {
        try {
            return Optional.of(new RoundId(part));
        } catch (IllegalArgumentException none) {
            passOver(part, String.valueOf(none.getMessage()));
            return Optional.empty();
        }
    }

    RoundRecord record(RoundId round, byte[] bytes) throws StoreUnreachableException {
        try {
            return RecordCodec.decodeRound(bytes);
        } catch (CodecException unreadable) {
            throw unreadable(schema.round(round), unreadable);
        }
    }

    private static Name name(String child, String prefix) throws CodecException {
        try {
            return new Name(child.substring(prefix.length()));
        } catch (IllegalArgumentException none) {
            throw new CodecException("\"" + child + "\" is the word of no node", none);
        }
    }

    static StoreUnreachableException unreadable(String path, CodecException why) {
        return new StoreUnreachableException(
                "the store holds a record that cannot be read, at %s: %s".formatted(path, why.getMessage()), why);
    }
}
