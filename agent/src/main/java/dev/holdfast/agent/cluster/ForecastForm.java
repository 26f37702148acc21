package dev.holdfast.agent.cluster;

import dev.holdfast.agent.cluster.MemberParts.Forecast;
import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.agent.snapshot.Room;
import dev.holdfast.coordinator.protocol.Name;
import java.util.Optional;

/** What another agent foresees for a machine, on its way to whoever asked. That agent may be of an older or a newer version. */
final class ForecastForm {

    private ForecastForm() {}

    static JsonObject write(Forecast forecast) {
        return JsonObject.of(forecast);
    }

    /**
     * What is not known here is left out, and what is missing is taken for unknown; but for the problems, without which nothing is foreseen.
     *
     * @param vm the machine that was asked about
     * @throws JsonException if it is no forecast
     */
    static Forecast read(Name vm, JsonObject form) throws JsonException {
        if (form.any("problems").isEmpty()) {
            throw new JsonException("\"problems\" is missing");
        }
        return new Forecast(
                vm,
                form.texts("problems"),
                room(vm, form),
                form.number("pause_millis").orElse(-1L),
                form.text("method").orElse(""));
    }

    private static Room.Need room(Name vm, JsonObject form) throws JsonException {
        Optional<JsonObject> room = form.object("room");
        if (room.isPresent()) {
            return new Room.Need(
                    room.get().text("vm").orElse(vm.value()),
                    room.get().text("of").orElse(""),
                    room.get().number("bytes").orElse(0L),
                    room.get().number("available").orElse(0L),
                    room.get().text("advice").orElse(""));
        }
        // An older one says only how much, and not of what: that is added to nothing else.
        return new Room.Need(
                vm.value(),
                "room for " + vm,
                form.number("bytes").orElse(0L),
                form.number("free_bytes").orElse(0L),
                "make room there");
    }
}
