package dev.holdfast.coordinator.codec;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.Members;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.RoundOptions;
import dev.holdfast.coordinator.protocol.RoundSpec;

/** A round's specification as JSON. Stateless. */
final class SpecMapping {

    private static final String ALLOW_DEGRADED = "allowDegraded";

    private SpecMapping() {}

    static ObjectNode write(RoundSpec spec) {
        ObjectNode json = Json.NODES.objectNode();
        json.put("id", spec.id().value());
        json.put("kind", spec.kind().name());
        json.put("epoch", spec.epoch().value());
        json.put("group", spec.group().value());
        json.put("checkpoint", spec.checkpoint().value());
        spec.parent().ifPresent(parent -> json.put("parent", parent.value()));
        ObjectNode members = json.putObject("members");
        spec.members().byNode().forEach((node, vms) -> {
            ArrayNode list = members.putArray(node.value());
            vms.forEach(vm -> list.add(vm.value()));
        });
        json.set("options", writeOptions(spec.options()));
        return json;
    }

    static RoundSpec read(Fields json) throws CodecException {
        return new RoundSpec(
                json.parsed("id", RoundId::new),
                json.choice("kind", RoundKind.class),
                new Epoch(json.number("epoch")),
                json.name("group"),
                json.name("checkpoint"),
                json.optionalName("parent"),
                new Members(json.namesByName("members")),
                json.object("options", SpecMapping::readOptions));
    }

    static ObjectNode writeOptions(RoundOptions options) {
        ObjectNode json = Json.NODES
                .objectNode()
                .put("deadline", options.deadline().toString())
                .put("prepareTimeout", options.prepareTimeout().toString())
                .put("drainTimeout", options.drainTimeout().toString())
                .put("maxPause", options.maxPause().toString())
                .put("method", options.method().name())
                .put("quiesce", options.quiesce().name())
                .put("paused", options.paused())
                .put("description", options.description());
        if (options.allowDegraded()) {
            json.put(ALLOW_DEGRADED, true);
        }
        return json;
    }

    static RoundOptions readOptions(Fields json) throws CodecException {
        RoundOptions options = new RoundOptions(
                json.duration("deadline"),
                json.duration("prepareTimeout"),
                json.duration("drainTimeout"),
                json.duration("maxPause"),
                json.choice("method", RoundOptions.CaptureMethod.class),
                json.choice("quiesce", RoundOptions.Quiesce.class),
                json.flag("paused"),
                json.text("description"));
        // An older agent that writes it anew leaves it out, and a newer one refuses then, which is the safe side.
        return options.withDegraded(json.has(ALLOW_DEGRADED) && json.flag(ALLOW_DEGRADED));
    }

    static ObjectNode writeRefusal(Refusal refusal) {
        return Json.NODES.objectNode().put("kind", refusal.kind().name()).put("text", refusal.text());
    }

    static Refusal readRefusal(Fields json) throws CodecException {
        return new Refusal(json.choice("kind", Refusal.Kind.class), json.text("text"));
    }

    /** The value of a name, for lists. */
    static ArrayNode names(Iterable<Name> names) {
        ArrayNode list = Json.NODES.arrayNode();
        names.forEach(name -> list.add(name.value()));
        return list;
    }
}
