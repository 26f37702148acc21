package dev.holdfast.coordinator.protocol.participant;

import dev.holdfast.coordinator.protocol.JournalEntry;
import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.Timer;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.WriteJournal;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.Loaded;

/** Revert: all members are held; the old state is being loaded beside the held machines. */
public record Loading(Membership membership) implements Unbound {

    @Override
    public String activity() {
        return "was loading memory";
    }

    @Override
    public boolean bounds(Timer timer) {
        return timer == Timer.DEADLINE;
    }

    @Override
    public Step<ParticipantState, ParticipantEffect> onLoaded(Loaded event) {
        return Step.to(
                new Binding(membership, event.report()),
                new WriteJournal(JournalEntry.voted(membership.spec(), event.report())));
    }

    @Override
    public void checkInvariants() {
        if (!membership.isRevert()) {
            throw new IllegalStateException("only a revert loads");
        }
    }
}
