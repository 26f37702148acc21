package dev.holdfast.coordinator.protocol.leader;

import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.RoundView;
import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.protocol.leader.LeaderEffect.Open;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent.Found;

/** The leader has not touched the round yet. */
public record Unopened() implements LeaderState {

    /** Begins a round that is new. */
    public static Step<LeaderState, LeaderEffect> begin(RoundSpec spec) {
        return Step.to(new Opening(spec), new Open(spec));
    }

    /** Finishes or aborts what an earlier leader left. Without every DURABLE nobody can have been told "committed". */
    @Override
    public Step<LeaderState, LeaderEffect> onFound(Found event) {
        RoundView view = event.view();
        if (view.state().decision().isPresent()) {
            return Decided.begin(
                    view.spec(), view.state().decision().get(), view.acknowledged(), Refusal.failed("see the history"));
        }
        Gathering gathered = new Gathering(view.spec(), view.version(), view.ready(), view.votes());
        if (gathered.allDurable()) {
            return Deciding.begin(gathered, Decision.COMMITTED, Refusal.failed("not refused"));
        }
        return Deciding.begin(
                gathered,
                Decision.ABORTED,
                gathered.refusal()
                        .orElse(Refusal.failed("the leader changed before all members had voted; try again")));
    }

    @Override
    public void checkInvariants() {
        // There is nothing here.
    }
}
