package dev.holdfast.coordinator.codec;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Copy;
import dev.holdfast.coordinator.replication.ReplicationRecord;
import java.util.Optional;
import java.util.TreeSet;

/** Records of replicated machines, in the form of {@link RecordCodec}. Stateless and thread-safe. */
public final class ReplicationCodec {

    private static final String FORMAT = "replica";

    private ReplicationCodec() {}

    /**
     * The record of a machine.
     *
     * @param vm whose; written for people, and to notice a record under a wrong name
     */
    public static byte[] encode(Name vm, ReplicationRecord record) {
        ObjectNode json =
                Json.document(FORMAT, RecordCodec.VERSION).put("vm", vm.value()).put("generation", record.generation());
        record.primary().ifPresent(primary -> json.set("primary", copy(primary)));
        ArrayNode set = json.putArray("inSync");
        record.inSync().forEach(each -> set.add(copy(each)));
        return Json.bytes(json);
    }

    /**
     * Reads what {@link #encode} wrote.
     *
     * @param vm whose it must be
     */
    public static ReplicationRecord decode(Name vm, byte[] bytes) throws CodecException {
        Fields json = Json.read(bytes, FORMAT, RecordCodec.VERSION);
        Name said = json.name("vm");
        if (!said.equals(vm)) {
            throw new CodecException("the replica record of " + vm + " is one of " + said);
        }
        long generation = json.number("generation");
        Optional<Copy> primary = json.optionalObject("primary", ReplicationCodec::copy);
        TreeSet<Copy> set = new TreeSet<>(json.list("inSync", ReplicationCodec::copy));
        try {
            return new ReplicationRecord(generation, primary, set);
        } catch (IllegalArgumentException refused) {
            throw new CodecException(
                    "the replica record of " + vm + " holds a value that cannot be: " + refused.getMessage(), refused);
        }
    }

    private static ObjectNode copy(Copy copy) {
        return Json.NODES
                .objectNode()
                .put("node", copy.node().value())
                .put("id", copy.id().value());
    }

    private static Copy copy(Fields json) throws CodecException {
        return new Copy(json.name("node"), json.name("id"));
    }
}
