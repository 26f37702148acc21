package dev.holdfast.coordinator.protocol.leader;

import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.protocol.leader.LeaderEffect.Close;
import dev.holdfast.coordinator.protocol.leader.LeaderEffect.Reply;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent.AcknowledgementSeen;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent.Deposed;
import java.util.Collections;
import java.util.Set;
import java.util.TreeSet;

/**
 * The decision is in the store. The record stays until every member has carried it out, because a member in doubt must be
 * able to read it: a missing record licenses nothing.
 *
 * @param spec the round
 * @param decision what the record says
 * @param acknowledged members that are done
 */
public record Decided(RoundSpec spec, Decision decision, Set<Name> acknowledged) implements LeaderState {

    public Decided {
        acknowledged = Collections.unmodifiableSet(new TreeSet<>(acknowledged));
    }

    static Step<LeaderState, LeaderEffect> begin(
            RoundSpec spec, Decision decision, Set<Name> acknowledged, Refusal because) {
        Outcome outcome = decision == Decision.COMMITTED ? Outcome.committed() : Outcome.aborted(because);
        Decided state = new Decided(spec, decision, acknowledged);
        if (state.complete()) {
            return Step.to(new Closed(), new Reply(outcome), new Close(spec));
        }
        return Step.to(state, new Reply(outcome));
    }

    private boolean complete() {
        return acknowledged.containsAll(spec.members().nodes());
    }

    @Override
    public Step<LeaderState, LeaderEffect> onAcknowledgementSeen(AcknowledgementSeen event) {
        if (!spec.members().nodes().contains(event.member()) || acknowledged.contains(event.member())) {
            return Step.rejected(this, event + " is no news");
        }
        Set<Name> more = new TreeSet<>(acknowledged);
        more.add(event.member());
        Decided next = new Decided(spec, decision, more);
        return next.complete() ? Step.to(new Closed(), new Close(spec)) : Step.to(next);
    }

    @Override
    public Step<LeaderState, LeaderEffect> onDeposed(Deposed event) {
        return Step.to(new Closed());
    }

    @Override
    public void checkInvariants() {
        if (complete()) {
            throw new IllegalStateException("all members are done, but the round is not closed");
        }
    }
}
