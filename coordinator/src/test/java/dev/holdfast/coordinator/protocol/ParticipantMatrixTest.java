package dev.holdfast.coordinator.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.coordinator.protocol.participant.Binding;
import dev.holdfast.coordinator.protocol.participant.Closing;
import dev.holdfast.coordinator.protocol.participant.Draining;
import dev.holdfast.coordinator.protocol.participant.Finishing;
import dev.holdfast.coordinator.protocol.participant.Freezing;
import dev.holdfast.coordinator.protocol.participant.GivenUp;
import dev.holdfast.coordinator.protocol.participant.Idle;
import dev.holdfast.coordinator.protocol.participant.Intending;
import dev.holdfast.coordinator.protocol.participant.Loading;
import dev.holdfast.coordinator.protocol.participant.Membership;
import dev.holdfast.coordinator.protocol.participant.Over;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect.Timer;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent;
import dev.holdfast.coordinator.protocol.participant.ParticipantState;
import dev.holdfast.coordinator.protocol.participant.Preparing;
import dev.holdfast.coordinator.protocol.participant.Ready;
import dev.holdfast.coordinator.protocol.participant.Releasing;
import dev.holdfast.coordinator.protocol.participant.Still;
import dev.holdfast.coordinator.protocol.participant.Thawing;
import dev.holdfast.coordinator.protocol.participant.Voted;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** T0: what a participant does in every state on every event. */
final class ParticipantMatrixTest {

    private static final String TABLE = "participant.matrix";

    private static Map<String, ParticipantState> states() {
        Map<String, ParticipantState> states = new LinkedHashMap<>();
        states.put("Idle", new Idle(Samples.node(1)));
        add(states, "checkpoint", RoundKind.CHECKPOINT);
        add(states, "revert", RoundKind.REVERT);
        return states;
    }

    private static void add(Map<String, ParticipantState> states, String word, RoundKind kind) {
        Membership m = new Membership(Samples.node(1), Samples.spec("r", kind, 1, 1, 2));
        boolean revert = kind == RoundKind.REVERT;
        Map<String, ParticipantState> mine = new LinkedHashMap<>();
        mine.put("Intending", new Intending(m));
        mine.put("Preparing", new Preparing(m));
        mine.put("Ready", new Ready(m));
        mine.put("Freezing", new Freezing(m, Set.of()));
        mine.put("Freezing, others still", new Freezing(m, Set.of(Samples.node(2))));
        mine.put("Still", new Still(m, Set.of(Samples.node(1)), revert));
        if (revert) {
            mine.put("Loading", new Loading(m));
            mine.put("Releasing", new Releasing(m, Samples.report(1)));
        } else {
            mine.put("Still, captured", new Still(m, Set.of(Samples.node(1)), true));
            mine.put("Still, all heard", new Still(m, Set.of(Samples.node(1), Samples.node(2)), false));
            mine.put("Thawing", new Thawing(m));
            mine.put("Draining", new Draining(m));
        }
        mine.put("Binding", new Binding(m, Samples.report(1)));
        mine.put("Voted DURABLE", new Voted(m, new Vote.Durable(Samples.report(1))));
        mine.put("Voted NO", new Voted(m, new Vote.No(Samples.refusal())));
        mine.put("Finishing C", new Finishing(m, Decision.COMMITTED));
        mine.put("Finishing A", new Finishing(m, Decision.ABORTED));
        mine.put("GivenUp", new GivenUp(m, Samples.refusal(), false, false));
        mine.put("GivenUp, undone", new GivenUp(m, Samples.refusal(), true, false));
        mine.put("GivenUp, decided", new GivenUp(m, Samples.refusal(), false, true));
        mine.put("Closing", new Closing(m));
        mine.put("Over", new Over(m));
        mine.forEach((name, state) -> states.put(word.charAt(0) + " " + name, state));
    }

    private static Map<String, ParticipantEvent> events(RoundKind kind) {
        RoundSpec spec = Samples.spec("r", kind, 1, 1, 2);
        RoundSpec foreign = Samples.spec("f", kind, 1, 2, 3);
        Map<String, ParticipantEvent> events = new LinkedHashMap<>();
        events.put("RoundOpened", new ParticipantEvent.RoundOpened(spec));
        events.put("RoundOpened, no member", new ParticipantEvent.RoundOpened(foreign));
        events.put("Recovered INTENT", new ParticipantEvent.Recovered(JournalEntry.intent(spec)));
        events.put("Recovered VOTED", new ParticipantEvent.Recovered(JournalEntry.voted(spec, Samples.report(1))));
        events.put("Journaled", new ParticipantEvent.Journaled());
        events.put("JournalClosed", new ParticipantEvent.JournalClosed());
        events.put("JournalFailed", new ParticipantEvent.JournalFailed("test"));
        events.put("EntryUnreadable", new ParticipantEvent.EntryUnreadable("test"));
        events.put("Prepared", new ParticipantEvent.Prepared());
        events.put("PhaseFailed", new ParticipantEvent.PhaseFailed(Samples.refusal()));
        events.put("FreezeHeard", new ParticipantEvent.FreezeHeard());
        events.put("FrozenHeard, last", new ParticipantEvent.FrozenHeard(Samples.node(2)));
        events.put("FrozenHeard, stranger", new ParticipantEvent.FrozenHeard(Samples.node(3)));
        events.put("VoidHeard", new ParticipantEvent.VoidHeard(Samples.node(2), Samples.refusal()));
        events.put("VmsFrozen", new ParticipantEvent.VmsFrozen());
        events.put("Captured", new ParticipantEvent.Captured());
        events.put("ThawAnswered, proven", new ParticipantEvent.ThawAnswered(new ThawFacts(true, 0, true, 1)));
        events.put("ThawAnswered, ran", new ParticipantEvent.ThawAnswered(new ThawFacts(false, 0, true, 1)));
        events.put("ThawAnswered, resumed", new ParticipantEvent.ThawAnswered(new ThawFacts(true, 1, true, 1)));
        events.put("ThawAnswered, other", new ParticipantEvent.ThawAnswered(new ThawFacts(true, 0, false, 1)));
        events.put(
                "ThawAnswered, late",
                new ParticipantEvent.ThawAnswered(
                        new ThawFacts(true, 0, true, Samples.OPTIONS.deadline().toNanos())));
        events.put("Drained", new ParticipantEvent.Drained(Samples.report(1)));
        events.put("Loaded", new ParticipantEvent.Loaded(Samples.report(1)));
        events.put("GuardReleased", new ParticipantEvent.GuardReleased(false));
        events.put("GuardReleased, fired", new ParticipantEvent.GuardReleased(true));
        events.put("DecisionRead C", new ParticipantEvent.DecisionRead(spec, Decision.COMMITTED));
        events.put("DecisionRead A", new ParticipantEvent.DecisionRead(spec, Decision.ABORTED));
        events.put("DecisionRead, no member", new ParticipantEvent.DecisionRead(foreign, Decision.ABORTED));
        events.put("RecordGone", new ParticipantEvent.RecordGone(false));
        events.put("RecordGone, committed", new ParticipantEvent.RecordGone(true));
        events.put("NothingWaits", new ParticipantEvent.NothingWaits());
        events.put("CarriedOut", new ParticipantEvent.CarriedOut());
        for (Timer timer : Timer.values()) {
            events.put("TimerPassed " + timer, new ParticipantEvent.TimerPassed(timer));
        }
        events.put("GiveUp", new ParticipantEvent.GiveUp(Samples.refusal()));
        events.put("StoreBack", new ParticipantEvent.StoreBack());
        return events;
    }

    private static Map<String, String> actual() {
        Map<String, String> table = new LinkedHashMap<>();
        states().forEach((name, state) -> {
            RoundKind kind = name.startsWith("r ") ? RoundKind.REVERT : RoundKind.CHECKPOINT;
            table.putAll(Matrix.actual(Map.of(name, state), events(kind), ParticipantMatrixTest::step));
        });
        table.putAll(Matrix.actual(
                Map.of("Idle (revert)", states().get("Idle")), events(RoundKind.REVERT), ParticipantMatrixTest::step));
        return table;
    }

    private static Step<ParticipantState, ?> step(ParticipantState state, ParticipantEvent event) {
        state.checkInvariants();
        Step<ParticipantState, ?> step = event.applyTo(state);
        step.next().checkInvariants();
        return step;
    }

    @Test
    void everyStateAnswersEveryEventAsTheTableSays() {
        Map<String, String> actual = actual();
        assertThat(Matrix.differences(actual, Matrix.expected(TABLE, actual))).isEmpty();
    }

    @Test
    void theTableLeavesOutNoStateAndNoEvent() {
        Set<String> states = new TreeSet<>();
        states().values().forEach(state -> states.add(state.getClass().getSimpleName()));
        assertThat(states).isEqualTo(Sealed.leaves(ParticipantState.class));
        Set<String> events = new TreeSet<>();
        events(RoundKind.CHECKPOINT)
                .values()
                .forEach(event -> events.add(event.getClass().getSimpleName()));
        assertThat(events).isEqualTo(Sealed.leaves(ParticipantEvent.class));
    }

    @Test
    void persistsBeforeItSends() {
        states().forEach((name, state) -> events(name.startsWith("r ") ? RoundKind.REVERT : RoundKind.CHECKPOINT)
                .forEach((event, value) -> {
                    try {
                        Step<ParticipantState, ?> step = step(state, value);
                        boolean writes = step.effects().stream()
                                .anyMatch(effect ->
                                        effect.getClass().getSimpleName().endsWith("Journal"));
                        assertThat(writes && step.effects().size() > 1)
                                .as("%s on %s: nothing may be sent in the step that writes the journal", name, event)
                                .isFalse();
                    } catch (IllegalStateException bug) {
                        // The table says where this is right.
                    }
                }));
    }
}
