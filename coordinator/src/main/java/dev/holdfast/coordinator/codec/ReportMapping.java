package dev.holdfast.coordinator.codec;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.holdfast.coordinator.protocol.MemberReport;
import dev.holdfast.coordinator.protocol.Part;
import dev.holdfast.coordinator.protocol.RoundOptions;
import dev.holdfast.coordinator.protocol.VmReport;

/** A member's report as JSON. Stateless. */
final class ReportMapping {

    private static final String ENCRYPTED = "encrypted";

    private ReportMapping() {}

    static ObjectNode write(MemberReport report) {
        ObjectNode json = Json.NODES.objectNode();
        json.put("node", report.node().value());
        json.put("clockErrorNanos", report.clockErrorNanos());
        json.put("software", report.software());
        ArrayNode vms = json.putArray("vms");
        report.vms().forEach(vm -> vms.add(writeVm(vm)));
        return json;
    }

    static MemberReport read(Fields json) throws CodecException {
        return new MemberReport(
                json.name("node"),
                json.number("clockErrorNanos"),
                json.text("software"),
                json.list("vms", ReportMapping::readVm));
    }

    private static ObjectNode writeVm(VmReport vm) {
        ObjectNode json = Json.NODES.objectNode();
        json.put("vm", vm.vm().value());
        json.put("frozenAtNanos", vm.frozenAtNanos());
        json.put("capturedAtNanos", vm.capturedAtNanos());
        json.put("thawedAtNanos", vm.thawedAtNanos());
        json.put("pauseNanos", vm.pauseNanos());
        json.put("method", vm.method().name());
        json.put("quiesce", vm.quiesce());
        json.put("hypervisor", vm.hypervisor());
        ArrayNode parts = json.putArray("parts");
        vm.parts().forEach(part -> parts.add(writePart(part)));
        return json;
    }

    private static VmReport readVm(Fields json) throws CodecException {
        return new VmReport(
                json.name("vm"),
                json.number("frozenAtNanos"),
                json.number("capturedAtNanos"),
                json.number("thawedAtNanos"),
                json.number("pauseNanos"),
                json.choice("method", RoundOptions.CaptureMethod.class),
                json.text("quiesce"),
                json.text("hypervisor"),
                json.list("parts", ReportMapping::readPart));
    }

    /** Older nodes neither write nor know the last of them. */
    private static ObjectNode writePart(Part part) {
        ObjectNode json = Json.NODES
                .objectNode()
                .put("role", part.role())
                .put("path", part.path())
                .put("bytes", part.bytes())
                .put("sha256", part.sha256());
        return part.encrypted() ? json.put(ENCRYPTED, true) : json;
    }

    private static Part readPart(Fields json) throws CodecException {
        return new Part(
                json.text("role"),
                json.text("path"),
                json.number("bytes"),
                json.text("sha256"),
                json.has(ENCRYPTED) && json.flag(ENCRYPTED));
    }
}
