package dev.holdfast.coordinator.protocol.view;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundView;
import dev.holdfast.coordinator.protocol.leader.Decided;
import dev.holdfast.coordinator.protocol.leader.Gathering;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent;
import dev.holdfast.coordinator.protocol.leader.LeaderState;
import dev.holdfast.coordinator.protocol.leader.Unopened;
import dev.holdfast.coordinator.protocol.participant.Idle;
import dev.holdfast.coordinator.protocol.participant.Over;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent;
import dev.holdfast.coordinator.protocol.participant.ParticipantState;
import java.util.ArrayList;
import java.util.List;

/**
 * Turns what the store shows into events, for the state a machine is in now. Level-triggered: derived anew from the latest
 * view after every change of view or state, so that nothing is lost that an earlier state could not use. Pure.
 */
public final class ViewEvents {

    private ViewEvents() {}

    /**
     * What a view means to a participant. A view in which this node has acknowledged means nothing any more to a machine that
     * is done; one that is in doubt still learns the decision, since the acknowledgement may be a person's, or of an earlier
     * life. A node that has voted and knows nothing of the round has lost its journal: it does not begin anew, it waits for the
     * decision. Views of one round must come in the order in which they were read.
     */
    public static List<ParticipantEvent> forParticipant(Name self, ParticipantState state, RoundView view) {
        boolean done = state instanceof Idle || state instanceof Over;
        boolean member = view.spec().members().nodes().contains(self);
        if (!member || (done && view.acknowledged().contains(self))) {
            return List.of();
        }
        return view.state()
                .decision()
                .map(decision -> List.<ParticipantEvent>of(new ParticipantEvent.DecisionRead(view.spec(), decision)))
                .orElseGet(() -> state instanceof Idle && !view.votes().containsKey(self)
                        ? List.of(new ParticipantEvent.RoundOpened(view.spec()))
                        : List.of());
    }

    /**
     * What a view means to the half of the leader in office. A machine that is closed must be forgotten and an {@link Unopened}
     * one asked instead: a round that is still there, or that appears after its opening was given up, is found and finished.
     */
    public static List<LeaderEvent> forLeader(LeaderState state, RoundView view) {
        List<LeaderEvent> events = new ArrayList<>();
        if (state instanceof Unopened) {
            events.add(new LeaderEvent.Found(view));
        }
        if (state instanceof Gathering gathering) {
            view.votes().forEach((member, vote) -> {
                if (!gathering.votes().containsKey(member)) {
                    events.add(new LeaderEvent.VoteSeen(member, vote));
                }
            });
            view.ready().stream()
                    .filter(member -> !gathering.ready().contains(member))
                    .forEach(member -> events.add(new LeaderEvent.ReadySeen(member)));
        }
        if (state instanceof Decided decided) {
            view.acknowledged().stream()
                    .filter(member -> !decided.acknowledged().contains(member))
                    .forEach(member -> events.add(new LeaderEvent.AcknowledgementSeen(member)));
        }
        return events;
    }
}
