package dev.holdfast.agent.migration;

import dev.holdfast.agent.cluster.MigrationDesk;
import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.coordinator.engine.RoundRefusedException;
import dev.holdfast.coordinator.protocol.Name;
import java.util.Optional;

/**
 * Answers the other node. Thread-safe.
 *
 * @param departures what leaves this node
 * @param arrivals what comes to it
 */
public record Desk(Departures departures, Arrivals arrivals) implements MigrationDesk {
    @Override
    public JsonObject answer(JsonObject body) throws RoundRefusedException, JsonException {
        Name id = Word.name(body, Word.MIGRATION);
        return switch (Word.ask(body)) {
            case RECEIVE -> arrivals.receive(body);
            case LISTEN -> arrivals.listen(body);
            case LOADED -> arrivals.loaded(id);
            case RUN -> arrivals.run(body);
            case DROP -> arrivals.drop(body);
            case COMING -> Word.answer(departures.isUnderWay(id) ? Word.Answer.COMING : Word.Answer.UNKNOWN);
        };
    }

    @Override
    public Optional<Name> destinationOfDisks(Name vm) {
        return departures.destinationOfDisks(vm);
    }
}
