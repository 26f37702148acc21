package dev.holdfast.coordinator.protocol.participant;

import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.Acknowledge;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.CloseJournal;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.StartTimer;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.Timer;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.JournalClosed;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.JournalFailed;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.TimerPassed;

/**
 * What became of the round is true on this node; its journal entry is being removed. Only then may the node acknowledge: with the last
 * acknowledgement the record goes, and an entry that came back without a record would be in doubt until somebody has looked what became of the round.
 */
public record Closing(Membership membership) implements ParticipantState {

    static Step<ParticipantState, ParticipantEffect> begin(Membership membership) {
        return Step.to(new Closing(membership), new CloseJournal());
    }

    @Override
    public Step<ParticipantState, ParticipantEffect> onJournalClosed(JournalClosed event) {
        return Step.to(new Over(membership), new Acknowledge());
    }

    @Override
    public Step<ParticipantState, ParticipantEffect> onJournalFailed(JournalFailed event) {
        return Step.to(this, new StartTimer(Timer.RETRY, Finishing.RETRY_AFTER));
    }

    @Override
    public Step<ParticipantState, ParticipantEffect> onTimerPassed(TimerPassed event) {
        if (event.timer() != Timer.RETRY) {
            return Step.rejected(this, event + " is late in Closing");
        }
        return begin(membership);
    }

    @Override
    public void checkInvariants() {
        // Membership checks itself.
    }
}
