package dev.holdfast.coordinator.protocol;

import dev.holdfast.coordinator.protocol.leader.Decided;
import dev.holdfast.coordinator.protocol.leader.Gathering;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent;
import dev.holdfast.coordinator.protocol.leader.LeaderState;
import dev.holdfast.coordinator.protocol.leader.Unopened;
import dev.holdfast.coordinator.protocol.message.GroupMessage;
import dev.holdfast.coordinator.protocol.participant.Idle;
import dev.holdfast.coordinator.protocol.participant.Over;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent;
import dev.holdfast.coordinator.protocol.participant.ParticipantState;
import java.util.Optional;

/**
 * Turns what the store shows, and what the channel brings, into events of the machines. Pure, and level-triggered: the
 * answer depends on the state and the latest view alone, so nothing is lost that did not fit an earlier state. Whoever owns a
 * leader's machine asks for every view and after every step, until nothing comes any more; whoever owns a participant's
 * machine asks once for every view and once after every step that was not itself a view's. Views of one round must be
 * handed over in the order in which they were read, and once in a while without a change, because a write that was not
 * answered (Close, Acknowledge) may have been lost.
 */
public final class ViewEvents {

    private ViewEvents() {}

    /**
     * What a node should hear of a round.
     *
     * @param self this node
     * @param state its machine's state; {@link Idle} if there is none <em>and the journal has been replayed</em>
     * @param view the round, read from the store; a round that is not there says nothing at all
     */
    public static Optional<ParticipantEvent> forParticipant(Name self, ParticipantState state, RoundView view) {
        if (!view.spec().members().nodes().contains(self)) {
            return Optional.empty();
        }
        Optional<Decision> decision = view.state().decision();
        if (decision.isEmpty()) {
            return state instanceof Idle
                    ? Optional.of(new ParticipantEvent.RoundOpened(view.spec()))
                    : Optional.empty();
        }
        boolean done = state instanceof Idle || state instanceof Over;
        if (done && view.acknowledged().contains(self)) {
            return Optional.empty();
        }
        return Optional.of(new ParticipantEvent.DecisionRead(view.spec(), decision.get()));
    }

    /**
     * What the leader in office should hear of a round, one thing at a time.
     *
     * @param state its machine's state; {@link Unopened} if there is none. A machine that is closed must be forgotten, so that
     *     a round that is still there, or appears after the write that opened it was given up, is found and finished
     * @param view the round, read from the store
     */
    public static Optional<LeaderEvent> forLeader(LeaderState state, RoundView view) {
        if (state instanceof Unopened) {
            return Optional.of(new LeaderEvent.Found(view));
        }
        if (state instanceof Gathering gathering) {
            return vote(gathering, view).or(() -> ready(gathering, view));
        }
        if (state instanceof Decided decided) {
            return view.acknowledged().stream()
                    .filter(view.spec().members().nodes()::contains)
                    .filter(member -> !decided.acknowledged().contains(member))
                    .findFirst()
                    .map(LeaderEvent.AcknowledgementSeen::new);
        }
        return Optional.empty();
    }

    /** Votes come before READY: after a NO nobody needs to be frozen. */
    private static Optional<LeaderEvent> vote(Gathering gathering, RoundView view) {
        return view.votes().entrySet().stream()
                .filter(entry -> view.spec().members().nodes().contains(entry.getKey()))
                .filter(entry -> !gathering.votes().containsKey(entry.getKey()))
                .findFirst()
                .map(entry -> new LeaderEvent.VoteSeen(entry.getKey(), entry.getValue()));
    }

    private static Optional<LeaderEvent> ready(Gathering gathering, RoundView view) {
        return view.ready().stream()
                .filter(view.spec().members().nodes()::contains)
                .filter(member -> !gathering.ready().contains(member))
                .findFirst()
                .map(LeaderEvent.ReadySeen::new);
    }

    /**
     * What a participant of a round should hear of a message. Empty for a message of another round, of another reign's
     * attempt, from a node that is no member, or that is for display only: dropped and counted.
     *
     * @param spec the round of the machine
     */
    public static Optional<ParticipantEvent> forMessage(RoundSpec spec, GroupMessage message) {
        if (!message.round().equals(spec.id()) || !message.epoch().equals(spec.epoch())) {
            return Optional.empty();
        }
        return message.match(
                freeze -> Optional.of(new ParticipantEvent.FreezeHeard()),
                frozen -> member(spec, frozen.member(), new ParticipantEvent.FrozenHeard(frozen.member())),
                voided -> member(
                        spec, voided.member(), new ParticipantEvent.VoidHeard(voided.member(), voided.because())),
                progress -> Optional.empty());
    }

    private static Optional<ParticipantEvent> member(RoundSpec spec, Name from, ParticipantEvent event) {
        return spec.members().nodes().contains(from) ? Optional.of(event) : Optional.empty();
    }
}
