package dev.holdfast.coordinator.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.coordinator.protocol.leader.Closed;
import dev.holdfast.coordinator.protocol.leader.Decided;
import dev.holdfast.coordinator.protocol.leader.Deciding;
import dev.holdfast.coordinator.protocol.leader.Gathering;
import dev.holdfast.coordinator.protocol.leader.LeaderEffect.Timer;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent;
import dev.holdfast.coordinator.protocol.leader.LeaderState;
import dev.holdfast.coordinator.protocol.leader.Opening;
import dev.holdfast.coordinator.protocol.leader.Unopened;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** T0: what the leader does in every state on every event. */
final class LeaderMatrixTest {

    private static final String TABLE = "leader.matrix";
    private static final RoundSpec SPEC = Samples.spec("r", RoundKind.CHECKPOINT, 1, 1, 2);
    private static final Name FIRST = Samples.node(1);
    private static final Name LAST = Samples.node(2);

    private static Vote durable(int index) {
        return new Vote.Durable(Samples.report(index));
    }

    private static Map<String, LeaderState> states() {
        Map<String, LeaderState> states = new LinkedHashMap<>();
        states.put("Unopened", new Unopened());
        states.put("Opening", new Opening(SPEC));
        states.put("Gathering", new Gathering(SPEC, 0, Set.of(FIRST), Map.of()));
        states.put("Gathering, frozen", new Gathering(SPEC, 0, Set.of(FIRST, LAST), Map.of(FIRST, durable(1))));
        states.put(
                "Deciding C",
                new Deciding(
                        SPEC, Decision.COMMITTED, List.of(Samples.report(1), Samples.report(2)), Samples.refusal()));
        states.put("Deciding A", new Deciding(SPEC, Decision.ABORTED, List.of(), Samples.refusal()));
        states.put("Decided C", new Decided(SPEC, Decision.COMMITTED, Set.of(FIRST)));
        states.put("Decided A", new Decided(SPEC, Decision.ABORTED, Set.of()));
        states.put("Closed", new Closed());
        return states;
    }

    private static Map<String, LeaderEvent> events() {
        Map<String, LeaderEvent> events = new LinkedHashMap<>();
        events.put("Opened", new LeaderEvent.Opened(0));
        events.put("OpenRefused", new LeaderEvent.OpenRefused(Samples.refusal()));
        events.put("ReadySeen, first", new LeaderEvent.ReadySeen(FIRST));
        events.put("ReadySeen, last", new LeaderEvent.ReadySeen(LAST));
        events.put("ReadySeen, stranger", new LeaderEvent.ReadySeen(Samples.node(3)));
        events.put("VoteSeen DURABLE, first", new LeaderEvent.VoteSeen(FIRST, durable(1)));
        events.put("VoteSeen DURABLE, last", new LeaderEvent.VoteSeen(LAST, durable(2)));
        events.put("VoteSeen NO, last", new LeaderEvent.VoteSeen(LAST, new Vote.No(Samples.refusal())));
        events.put("VoteSeen NO, stranger", new LeaderEvent.VoteSeen(Samples.node(3), new Vote.No(Samples.refusal())));
        events.put("AcknowledgementSeen, first", new LeaderEvent.AcknowledgementSeen(FIRST));
        events.put("AcknowledgementSeen, last", new LeaderEvent.AcknowledgementSeen(LAST));
        events.put("AcknowledgementSeen, stranger", new LeaderEvent.AcknowledgementSeen(Samples.node(3)));
        events.put("Found open", found(RoundState.PREPARING, Map.of(FIRST, durable(1)), Set.of()));
        events.put(
                "Found all DURABLE",
                found(RoundState.PREPARING, Map.of(FIRST, durable(1), LAST, durable(2)), Set.of()));
        events.put(
                "Found with NO",
                found(RoundState.PREPARING, Map.of(FIRST, durable(1), LAST, new Vote.No(Samples.refusal())), Set.of()));
        events.put("Found COMMITTED", found(RoundState.COMMITTED, Map.of(), Set.of(FIRST)));
        events.put("Found ABORTED", found(RoundState.ABORTED, Map.of(), Set.of()));
        events.put("Found done", found(RoundState.ABORTED, Map.of(), Set.of(FIRST, LAST)));
        events.put("DecisionWritten", new LeaderEvent.DecisionWritten());
        events.put("CommitRefused", new LeaderEvent.CommitRefused(3, Samples.refusal()));
        events.put("RecordIs open", new LeaderEvent.RecordIs(RoundState.PREPARING, 3));
        events.put("RecordIs COMMITTED", new LeaderEvent.RecordIs(RoundState.COMMITTED, 3));
        events.put("RecordIs ABORTED", new LeaderEvent.RecordIs(RoundState.ABORTED, 3));
        events.put("OutcomeUnknown", new LeaderEvent.OutcomeUnknown());
        events.put("Deposed", new LeaderEvent.Deposed());
        for (Timer timer : Timer.values()) {
            events.put("TimerPassed " + timer, new LeaderEvent.TimerPassed(timer));
        }
        events.put("AbortRequested", new LeaderEvent.AbortRequested(Samples.refusal()));
        return events;
    }

    private static LeaderEvent found(RoundState state, Map<Name, Vote> votes, Set<Name> acknowledged) {
        return new LeaderEvent.Found(RoundView.of(SPEC, state, 2, Set.of(FIRST, LAST), votes, acknowledged));
    }

    private static Step<LeaderState, ?> step(LeaderState state, LeaderEvent event) {
        state.checkInvariants();
        Step<LeaderState, ?> step = event.applyTo(state);
        step.next().checkInvariants();
        return step;
    }

    @Test
    void everyStateAnswersEveryEventAsTheTableSays() {
        Map<String, String> actual = Matrix.actual(states(), events(), LeaderMatrixTest::step);
        assertThat(Matrix.differences(actual, Matrix.expected(TABLE, actual))).isEmpty();
    }

    @Test
    void theTableLeavesOutNoStateAndNoEvent() {
        Set<String> states = new TreeSet<>();
        states().values().forEach(state -> states.add(state.getClass().getSimpleName()));
        assertThat(states).isEqualTo(Sealed.leaves(LeaderState.class));
        Set<String> events = new TreeSet<>();
        events().values().forEach(event -> events.add(event.getClass().getSimpleName()));
        assertThat(events).isEqualTo(Sealed.leaves(LeaderEvent.class));
    }

    @Test
    void neverSendsTheOtherDecisionAfterOneWasSentThatMayLand() {
        for (String name : new String[] {"Deciding C", "Deciding A"}) {
            events().values().stream()
                    .filter(event -> !(event instanceof LeaderEvent.CommitRefused))
                    .forEach(event -> step(states().get(name), event).effects().stream()
                            .filter(
                                    dev.holdfast.coordinator.protocol.leader.LeaderEffect.WriteDecision.class
                                            ::isInstance)
                            .forEach(effect -> assertThat(effect.toString())
                                    .contains("decision=" + (name.endsWith("C") ? "COMMITTED" : "ABORTED"))));
        }
    }
}
