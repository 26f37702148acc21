package dev.holdfast.coordinator.protocol.participant;

import dev.holdfast.coordinator.protocol.JournalEntry;
import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.WriteJournal;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.Drained;

/** The guests run again; the parts are on their way to stable storage. */
public record Draining(Membership membership) implements Unbound {

    @Override
    public String activity() {
        return "was writing memory";
    }

    @Override
    public Step<ParticipantState, ParticipantEffect> onDrained(Drained event) {
        return Step.to(
                new Binding(membership, event.report()),
                new WriteJournal(JournalEntry.voted(membership.spec(), event.report())));
    }

    @Override
    public void checkInvariants() {
        if (membership.isRevert()) {
            throw new IllegalStateException("a revert drains nothing");
        }
    }
}
