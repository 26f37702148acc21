package dev.holdfast.coordinator.protocol.leader;

import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.MemberReport;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.protocol.leader.LeaderEffect.Reply;
import dev.holdfast.coordinator.protocol.leader.LeaderEffect.StartTimer;
import dev.holdfast.coordinator.protocol.leader.LeaderEffect.Timer;
import dev.holdfast.coordinator.protocol.leader.LeaderEffect.Touch;
import dev.holdfast.coordinator.protocol.leader.LeaderEffect.WriteDecision;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent.CommitRefused;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent.DecisionWritten;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent.Deposed;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent.OpenRefused;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent.OutcomeUnknown;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent.RecordIs;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent.TimerPassed;
import java.time.Duration;
import java.util.List;
import java.util.Set;

/**
 * The decision is on its way to the store. Once a write was sent its outcome is the store's alone: this leader repeats
 * <em>the same</em> decision with a newer version, and never sends the other one; but for a commitment of which the store
 * has proved that it is not there and cannot come.
 *
 * @param spec the round
 * @param decision what was sent
 * @param reports the members' parts, for COMMITTED
 * @param because the reason, for ABORTED
 */
public record Deciding(RoundSpec spec, Decision decision, List<MemberReport> reports, Refusal because)
        implements LeaderState {

    /** How long to wait before asking what became of a write. */
    static final Duration RETRY_AFTER = Duration.ofMillis(200);

    public Deciding {
        reports = List.copyOf(reports);
    }

    static Step<LeaderState, LeaderEffect> begin(Gathering gathered, Decision decision, Refusal because) {
        List<MemberReport> reports = decision == Decision.COMMITTED ? gathered.reports() : List.of();
        Deciding state = new Deciding(gathered.spec(), decision, reports, because);
        return Step.to(state, state.write(gathered.version()));
    }

    private WriteDecision write(int version) {
        return new WriteDecision(spec, decision, version, reports, because);
    }

    @Override
    public Step<LeaderState, LeaderEffect> onDecisionWritten(DecisionWritten event) {
        return end(decision);
    }

    @Override
    public Step<LeaderState, LeaderEffect> onRecordIs(RecordIs event) {
        return event.state().decision().map(this::end).orElseGet(() -> Step.to(this, write(event.version())));
    }

    /** Every commitment that was sent named this version or a lower one: it is not there, and ABORTED outruns the rest. */
    @Override
    public Step<LeaderState, LeaderEffect> onCommitRefused(CommitRefused event) {
        if (decision != Decision.COMMITTED) {
            return Step.rejected(this, event + " does not fit " + decision);
        }
        Deciding aborting = new Deciding(spec, Decision.ABORTED, List.of(), event.because());
        return Step.to(aborting, aborting.write(event.version()));
    }

    private Step<LeaderState, LeaderEffect> end(Decision decided) {
        // Aborted by another leader although this one had begun to commit: why is in that leader's log.
        Refusal why = decision == Decision.COMMITTED ? Refusal.failed("another leader aborted the round") : because;
        Outcome outcome = decided == Decision.COMMITTED ? Outcome.committed() : Outcome.aborted(why);
        return Step.to(new Decided(spec, decided, Set.of()), new Reply(outcome));
    }

    @Override
    public Step<LeaderState, LeaderEffect> onOutcomeUnknown(OutcomeUnknown event) {
        return Step.to(this, new StartTimer(Timer.RETRY, RETRY_AFTER));
    }

    @Override
    public Step<LeaderState, LeaderEffect> onTimerPassed(TimerPassed event) {
        if (event.timer() != Timer.RETRY) {
            return Step.rejected(this, event + " is late");
        }
        return Step.to(this, new Touch(spec.id()));
    }

    /** There is no such round any more: another leader decided and closed it. */
    @Override
    public Step<LeaderState, LeaderEffect> onOpenRefused(OpenRefused event) {
        return Step.to(new Closed(), new Reply(Outcome.unknown()));
    }

    @Override
    public Step<LeaderState, LeaderEffect> onDeposed(Deposed event) {
        return Step.to(new Closed(), new Reply(Outcome.unknown()));
    }

    @Override
    public void checkInvariants() {
        if (decision == Decision.COMMITTED
                && reports.size() != spec.members().nodes().size()) {
            throw new IllegalStateException("COMMITTED with " + reports.size() + " parts of "
                    + spec.members().nodes().size());
        }
    }
}
