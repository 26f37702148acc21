package dev.holdfast.coordinator.codec;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.holdfast.coordinator.port.ImageKeys;
import dev.holdfast.coordinator.port.NodeRegistry;
import dev.holdfast.coordinator.protocol.CheckpointRecord;
import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.JournalEntry;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.RoundState;
import dev.holdfast.coordinator.protocol.Vote;
import java.util.List;

/**
 * Records of the store and of the journals as JSON bytes (UTF-8, one object, {@code format} and {@code version} in each).
 * Reading throws {@link CodecException} for anything malformed, oversized or newer than {@link #VERSION}; writing cannot
 * fail. Stateless and thread-safe.
 */
public final class RecordCodec {

    /** The version that is written, and the newest that is read. */
    public static final int VERSION = 1;

    private static final String ROUND = "round";
    private static final String VOTE = "vote";
    private static final String CHECKPOINT = "checkpoint";
    private static final String GROUP = "group";
    private static final String TIMELINE = "timeline";
    private static final String NODE = "node";
    private static final String JOURNAL = "journal";
    private static final String HISTORY = "history";

    private RecordCodec() {}

    /** A round's own record. */
    public static byte[] encode(RoundRecord round) {
        ObjectNode json = Json.document(ROUND, VERSION);
        json.set("spec", SpecMapping.write(round.spec()));
        json.put("state", round.state().name());
        round.because().ifPresent(why -> json.set("because", SpecMapping.writeRefusal(why)));
        return Json.bytes(json);
    }

    /** Reads what {@link #encode(RoundRecord)} wrote. */
    public static RoundRecord decodeRound(byte[] bytes) throws CodecException {
        return decode(
                bytes,
                ROUND,
                json -> new RoundRecord(
                        json.object("spec", SpecMapping::read),
                        json.choice("state", RoundState.class),
                        json.optionalObject("because", SpecMapping::readRefusal)));
    }

    /** A member's vote. */
    public static byte[] encode(Vote vote) {
        ObjectNode json = Json.document(VOTE, VERSION);
        vote.match(
                yes -> json.put("vote", "DURABLE").set("report", ReportMapping.write(yes.report())),
                no -> json.put("vote", "NO").set("because", SpecMapping.writeRefusal(no.because())));
        return Json.bytes(json);
    }

    /** Reads what {@link #encode(Vote)} wrote. */
    public static Vote decodeVote(byte[] bytes) throws CodecException {
        return decode(bytes, VOTE, json -> {
            String vote = json.text("vote");
            if (vote.equals("DURABLE")) {
                return new Vote.Durable(json.object("report", ReportMapping::read));
            }
            if (vote.equals("NO")) {
                return new Vote.No(json.object("because", SpecMapping::readRefusal));
            }
            throw new CodecException("vote.vote must be DURABLE or NO, not \"" + vote + "\"");
        });
    }

    /** A checkpoint of the catalogue; also the form of a sidecar's record. */
    public static byte[] encode(CheckpointRecord checkpoint) {
        ObjectNode json = Json.document(CHECKPOINT, VERSION);
        json.put("group", checkpoint.group().value());
        json.put("name", checkpoint.name().value());
        json.put("round", checkpoint.round().value());
        json.put("epoch", checkpoint.epoch().value());
        checkpoint.parent().ifPresent(parent -> json.put("parent", parent.value()));
        json.put("description", checkpoint.description());
        json.put("state", checkpoint.state().name());
        ArrayNode reports = json.putArray("reports");
        checkpoint.reports().forEach(report -> reports.add(ReportMapping.write(report)));
        return Json.bytes(json);
    }

    /** Reads what {@link #encode(CheckpointRecord)} wrote. */
    public static CheckpointRecord decodeCheckpoint(byte[] bytes) throws CodecException {
        return decode(
                bytes,
                CHECKPOINT,
                json -> new CheckpointRecord(
                        json.name("group"),
                        json.name("name"),
                        json.parsed("round", RoundId::new),
                        new Epoch(json.number("epoch")),
                        json.optionalName("parent"),
                        json.text("description"),
                        json.choice("state", CheckpointRecord.State.class),
                        json.list("reports", ReportMapping::read)));
    }

    /** A group's own record. */
    public static byte[] encode(GroupRecord group) {
        ObjectNode json = Json.document(GROUP, VERSION).put("name", group.name().value());
        json.set("vms", SpecMapping.names(group.vms()));
        return Json.bytes(json);
    }

    /** Reads what {@link #encode(GroupRecord)} wrote. */
    public static GroupRecord decodeGroup(byte[] bytes) throws CodecException {
        return decode(bytes, GROUP, json -> new GroupRecord(json.name("name"), json.names("vms")));
    }

    /** Where a group's timeline stands. */
    public static byte[] encode(TimelineRecord timeline) {
        ObjectNode json = Json.document(TIMELINE, VERSION);
        timeline.current().ifPresent(current -> json.put("current", current.value()));
        return Json.bytes(json);
    }

    /** Reads what {@link #encode(TimelineRecord)} wrote. */
    public static TimelineRecord decodeTimeline(byte[] bytes) throws CodecException {
        return decode(bytes, TIMELINE, json -> new TimelineRecord(json.optionalName("current")));
    }

    /** What a node tells of itself. */
    public static byte[] encode(NodeRegistry.Node node) {
        ObjectNode json = Json.document(NODE, VERSION)
                .put("node", node.node().value())
                .put("identity", node.identity())
                .put("channelAddress", node.channelAddress())
                .put("controlAddress", node.controlAddress())
                .put("software", node.software())
                .put("recordVersion", node.recordVersion());
        ObjectNode vms = json.putObject("vms");
        node.vms().forEach((vm, state) -> vms.put(vm.value(), state));
        if (!node.unreadable().isEmpty()) {
            ArrayNode unreadable = json.putArray("unreadable");
            node.unreadable().forEach(definition -> unreadable.add(UnreadableMapping.write(definition)));
        }
        if (!node.imageKeys().equals(ImageKeys.NONE)) {
            ObjectNode keys = json.putObject("imageKeys");
            node.imageKeys().writing().ifPresent(key -> keys.put("writing", key.value()));
            keys.set("reading", SpecMapping.names(node.imageKeys().reading()));
        }
        return Json.bytes(json);
    }

    /** Reads what {@link #encode(NodeRegistry.Node)} wrote. */
    public static NodeRegistry.Node decodeNode(byte[] bytes) throws CodecException {
        return decode(
                bytes,
                NODE,
                json -> new NodeRegistry.Node(
                        json.name("node"),
                        json.text("identity"),
                        json.text("channelAddress"),
                        json.text("controlAddress"),
                        json.text("software"),
                        Math.toIntExact(json.number("recordVersion")),
                        json.textsByName("vms"),
                        json.has("unreadable") ? json.list("unreadable", UnreadableMapping::read) : List.of(),
                        json.optionalObject(
                                        "imageKeys",
                                        keys -> new ImageKeys(keys.optionalName("writing"), keys.names("reading")))
                                .orElse(ImageKeys.NONE)));
    }

    /** An entry of a participant's journal. */
    public static byte[] encode(JournalEntry entry) {
        ObjectNode json = Json.document(JOURNAL, VERSION);
        json.set("spec", SpecMapping.write(entry.spec()));
        entry.report().ifPresent(report -> json.set("report", ReportMapping.write(report)));
        return Json.bytes(json);
    }

    /** Reads what {@link #encode(JournalEntry)} wrote. */
    public static JournalEntry decodeJournal(byte[] bytes) throws CodecException {
        return decode(
                bytes,
                JOURNAL,
                json -> new JournalEntry(
                        json.object("spec", SpecMapping::read), json.optionalObject("report", ReportMapping::read)));
    }

    /** One line of the history. */
    public static byte[] encode(HistoryRecord line) {
        return Json.bytes(Json.document(HISTORY, VERSION)
                .put("round", line.round().value())
                .put("kind", line.kind().name())
                .put("epoch", line.epoch().value())
                .put("group", line.group().value())
                .put("checkpoint", line.checkpoint().value())
                .put("outcome", line.outcome().name())
                .put("text", line.text())
                .put("at", line.at().toString()));
    }

    /** Reads what {@link #encode(HistoryRecord)} wrote. */
    public static HistoryRecord decodeHistory(byte[] bytes) throws CodecException {
        return decode(
                bytes,
                HISTORY,
                json -> new HistoryRecord(
                        json.parsed("round", RoundId::new),
                        json.choice("kind", RoundKind.class),
                        new Epoch(json.number("epoch")),
                        json.name("group"),
                        json.name("checkpoint"),
                        json.choice("outcome", Decision.class),
                        json.text("text"),
                        json.instant("at")));
    }

    private static <T> T decode(byte[] bytes, String format, Fields.Mapping<T> mapping) throws CodecException {
        Fields json = Json.read(bytes, format, VERSION);
        try {
            return mapping.from(json);
        } catch (IllegalArgumentException | ArithmeticException refused) {
            throw new CodecException(
                    "a " + format + " record holds a value that cannot be: " + refused.getMessage(), refused);
        }
    }
}
