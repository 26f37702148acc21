package dev.holdfast.coordinator.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class RoundViewTest {

    private static final Name FIRST = Samples.node(1);
    private static final Name LAST = Samples.node(2);
    private static final Vote DURABLE = new Vote.Durable(Samples.report(1));
    private static final Vote NO = new Vote.No(Samples.refusal());

    private static Set<Name> waitsFor(
            RoundState state, Set<Name> ready, Map<Name, Vote> votes, Set<Name> acknowledged) {
        RoundSpec spec = Samples.spec("r", RoundKind.CHECKPOINT, 1, 1, 2);
        return RoundView.of(spec, state, 0, ready, votes, acknowledged).waitsFor();
    }

    @Test
    void waitsForReadyThenForVotesThenForAcknowledgements() {
        assertThat(waitsFor(RoundState.PREPARING, Set.of(), Map.of(), Set.of())).containsExactly(FIRST, LAST);
        assertThat(waitsFor(RoundState.PREPARING, Set.of(FIRST), Map.of(), Set.of()))
                .containsExactly(LAST);
        assertThat(waitsFor(RoundState.PREPARING, Set.of(FIRST, LAST), Map.of(), Set.of()))
                .containsExactly(FIRST, LAST);
        assertThat(waitsFor(RoundState.PREPARING, Set.of(FIRST, LAST), Map.of(FIRST, DURABLE), Set.of()))
                .containsExactly(LAST);
        assertThat(waitsFor(RoundState.COMMITTED, Set.of(FIRST, LAST), Map.of(), Set.of(LAST)))
                .containsExactly(FIRST);
    }

    private static RoundView view(RoundState state, int version, Set<Name> ready, Set<Name> acknowledged) {
        RoundSpec spec = Samples.spec("r", RoundKind.REVERT, 1, 1, 2);
        return RoundView.of(spec, state, version, ready, Map.of(), acknowledged);
    }

    @Test
    void aRecordThatBeginsAnewWithItsDecisionIsLaterThanAllThatWasSeenBefore() {
        RoundView concluded = view(RoundState.COMMITTED, 0, Set.of(), Set.of(LAST));
        RoundView decided = view(RoundState.COMMITTED, 1, Set.of(FIRST), Set.of(FIRST));
        assertThat(concluded.isAtLeast(decided)).isTrue();
        assertThat(decided.isAtLeast(concluded)).as("that came late").isFalse();
        assertThat(concluded.isAtLeast(view(RoundState.PREPARING, 3, Set.of(FIRST), Set.of())))
                .isTrue();
        assertThat(view(RoundState.PREPARING, 0, Set.of(), Set.of()).isAtLeast(concluded))
                .as("that came late")
                .isFalse();
        assertThat(view(RoundState.COMMITTED, 0, Set.of(), Set.of(FIRST, LAST)).isAtLeast(concluded))
                .isTrue();
        assertThat(concluded.isAtLeast(view(RoundState.COMMITTED, 0, Set.of(), Set.of(FIRST, LAST))))
                .isFalse();
    }

    @Test
    void waitsForNoMoreOfAMemberThatVotedWithoutBeingReady() {
        assertThat(waitsFor(RoundState.PREPARING, Set.of(FIRST), Map.of(LAST, NO), Set.of()))
                .containsExactly(FIRST);
        assertThat(waitsFor(RoundState.PREPARING, Set.of(), Map.of(LAST, NO), Set.of()))
                .containsExactly(FIRST);
    }
}
