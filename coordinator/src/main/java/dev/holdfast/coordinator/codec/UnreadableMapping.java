package dev.holdfast.coordinator.codec;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.holdfast.coordinator.port.UnreadableDefinition;

/** Definitions that a node cannot read, as JSON. */
final class UnreadableMapping {

    private UnreadableMapping() {}

    static ObjectNode write(UnreadableDefinition definition) {
        ObjectNode json = Json.NODES.objectNode().put("file", definition.file());
        definition.vm().ifPresent(vm -> json.put("vm", vm.value()));
        json.set("groups", SpecMapping.names(definition.groups()));
        return json.put("anyGroup", definition.anyGroup()).put("because", definition.because());
    }

    static UnreadableDefinition read(Fields json) throws CodecException {
        return new UnreadableDefinition(
                json.text("file"),
                json.optionalName("vm"),
                json.names("groups"),
                json.flag("anyGroup"),
                json.text("because"));
    }
}
