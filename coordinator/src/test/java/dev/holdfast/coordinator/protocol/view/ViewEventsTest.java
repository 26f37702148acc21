package dev.holdfast.coordinator.protocol.view;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.RoundState;
import dev.holdfast.coordinator.protocol.RoundView;
import dev.holdfast.coordinator.protocol.Samples;
import dev.holdfast.coordinator.protocol.Vote;
import dev.holdfast.coordinator.protocol.leader.Closed;
import dev.holdfast.coordinator.protocol.leader.Decided;
import dev.holdfast.coordinator.protocol.leader.Gathering;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent;
import dev.holdfast.coordinator.protocol.leader.Unopened;
import dev.holdfast.coordinator.protocol.participant.Idle;
import dev.holdfast.coordinator.protocol.participant.Membership;
import dev.holdfast.coordinator.protocol.participant.Over;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent;
import dev.holdfast.coordinator.protocol.participant.ParticipantState;
import dev.holdfast.coordinator.protocol.participant.Ready;
import dev.holdfast.coordinator.protocol.participant.Voted;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What the store's view of a round means to the machines. */
final class ViewEventsTest {

    private static final Name SELF = Samples.node(1);
    private static final Name OTHER = Samples.node(2);
    private static final RoundSpec SPEC = Samples.spec("r", RoundKind.REVERT, 1, 1, 2);
    private static final Membership MEMBERSHIP = new Membership(SELF, SPEC);
    private static final ParticipantState IN_DOUBT = new Voted(MEMBERSHIP, new Vote.Durable(Samples.report(1)));

    private static RoundView view(RoundState state, Set<Name> ready, Map<Name, Vote> votes, Set<Name> acknowledged) {
        return RoundView.of(SPEC, state, 0, ready, votes, acknowledged);
    }

    private static RoundView decided(Set<Name> acknowledged) {
        return view(RoundState.COMMITTED, Set.of(), Map.of(), acknowledged);
    }

    @Test
    void anOpenRoundIsNewsOnlyToAMemberWithoutAMachine() {
        RoundView open = view(RoundState.PREPARING, Set.of(), Map.of(), Set.of());
        assertThat(ViewEvents.forParticipant(SELF, new Idle(SELF), open))
                .containsExactly(new ParticipantEvent.RoundOpened(SPEC));
        assertThat(ViewEvents.forParticipant(SELF, new Ready(MEMBERSHIP), open)).isEmpty();
        assertThat(ViewEvents.forParticipant(Samples.node(3), new Idle(Samples.node(3)), open))
                .isEmpty();
    }

    @Test
    void aNodeThatHasVotedAndKnowsNothingOfTheRoundDoesNotBeginItAnew() {
        RoundView voted =
                view(RoundState.PREPARING, Set.of(SELF), Map.of(SELF, new Vote.Durable(Samples.report(1))), Set.of());
        assertThat(ViewEvents.forParticipant(SELF, new Idle(SELF), voted)).isEmpty();
    }

    @Test
    void aMemberInDoubtLearnsTheDecisionEvenIfSomebodyAcknowledgedForIt() {
        assertThat(ViewEvents.forParticipant(SELF, IN_DOUBT, decided(Set.of(SELF))))
                .containsExactly(new ParticipantEvent.DecisionRead(SPEC, Decision.COMMITTED));
    }

    @Test
    void aMemberThatIsDoneHearsOfTheRoundUntilItsAcknowledgementArrived() {
        Over over = new Over(MEMBERSHIP);
        assertThat(ViewEvents.forParticipant(SELF, over, decided(Set.of(OTHER))))
                .hasSize(1);
        assertThat(ViewEvents.forParticipant(SELF, over, decided(Set.of(SELF)))).isEmpty();
        assertThat(ViewEvents.forParticipant(SELF, new Idle(SELF), decided(Set.of(SELF))))
                .isEmpty();
    }

    @Test
    void aRoundWithoutAMachineIsFound() {
        RoundView open = view(RoundState.PREPARING, Set.of(), Map.of(), Set.of());
        assertThat(ViewEvents.forLeader(new Unopened(), open)).containsExactly(new LeaderEvent.Found(open));
        assertThat(ViewEvents.forLeader(new Closed(), open)).isEmpty();
    }

    @Test
    void votesComeBeforeReadySoThatNobodyIsFrozenAfterANo() {
        Vote no = new Vote.No(Samples.refusal());
        RoundView open = view(RoundState.PREPARING, Set.of(SELF, OTHER), Map.of(OTHER, no), Set.of());
        assertThat(ViewEvents.forLeader(new Gathering(SPEC, 0, Set.of(SELF), Map.of()), open))
                .containsExactly(new LeaderEvent.VoteSeen(OTHER, no), new LeaderEvent.ReadySeen(OTHER));
    }

    @Test
    void onlyNewAcknowledgementsAreSeen() {
        Decided state = new Decided(SPEC, Decision.COMMITTED, Set.of(SELF));
        assertThat(ViewEvents.forLeader(state, decided(Set.of(SELF, OTHER))))
                .containsExactly(new LeaderEvent.AcknowledgementSeen(OTHER));
    }
}
