package dev.holdfast.coordinator.protocol.leader;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.protocol.Vote;
import dev.holdfast.coordinator.protocol.leader.LeaderEffect.Reply;
import dev.holdfast.coordinator.protocol.leader.LeaderEffect.StartTimer;
import dev.holdfast.coordinator.protocol.leader.LeaderEffect.Timer;
import dev.holdfast.coordinator.protocol.leader.LeaderEffect.Touch;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent.Deposed;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent.OpenRefused;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent.Opened;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent.OutcomeUnknown;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent.RecordIs;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent.TimerPassed;
import java.util.Map;
import java.util.Set;

/**
 * The write that creates the round is under way. Should it land after this leader has lost office, the next one finds the
 * round without votes and aborts it.
 */
public record Opening(RoundSpec spec) implements LeaderState {

    @Override
    public Step<LeaderState, LeaderEffect> onOpened(Opened event) {
        return gather(event.version());
    }

    @Override
    public Step<LeaderState, LeaderEffect> onRecordIs(RecordIs event) {
        Refusal because = Refusal.failed("another leader ended the round before this one knew that it was open");
        return event.state()
                .decision()
                .map(decision -> Decided.begin(spec, decision, Set.of(), because))
                .orElseGet(() -> gather(event.version()));
    }

    private Step<LeaderState, LeaderEffect> gather(int version) {
        return Step.to(
                new Gathering(spec, version, Set.<Name>of(), Map.<Name, Vote>of()),
                new StartTimer(Timer.PREPARE, spec.options().prepareTimeout()));
    }

    @Override
    public Step<LeaderState, LeaderEffect> onOpenRefused(OpenRefused event) {
        return Step.to(new Closed(), new Reply(Outcome.aborted(event.because())));
    }

    @Override
    public Step<LeaderState, LeaderEffect> onOutcomeUnknown(OutcomeUnknown event) {
        return Step.to(this, new StartTimer(Timer.RETRY, Deciding.RETRY_AFTER));
    }

    @Override
    public Step<LeaderState, LeaderEffect> onTimerPassed(TimerPassed event) {
        if (event.timer() != Timer.RETRY) {
            return Step.rejected(this, event + " is not for Opening");
        }
        return Step.to(this, new Touch(spec.id()));
    }

    @Override
    public Step<LeaderState, LeaderEffect> onDeposed(Deposed event) {
        return Step.to(new Closed(), new Reply(Outcome.unknown()));
    }

    @Override
    public void checkInvariants() {
        // A specification checks itself.
    }
}
