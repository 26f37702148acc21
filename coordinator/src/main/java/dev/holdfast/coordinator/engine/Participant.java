package dev.holdfast.coordinator.engine;

import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.participant.ParticipantState;
import java.util.Collection;
import java.util.List;

/** This node's part in one round. Immutable, but for its effects; used on the engine's thread only. */
record Participant(RoundSpec spec, ParticipantState state, ParticipantEffects effects) {

    Standing standing() {
        return new Standing(spec.id(), state.waitsForTheEnd(), state.makesTrue());
    }

    /** The rounds that some of these wait for the end of. */
    static List<RoundSpec> waiting(Collection<Participant> participants) {
        return participants.stream()
                .filter(one -> one.state.waitsForTheEnd())
                .map(Participant::spec)
                .toList();
    }
}
