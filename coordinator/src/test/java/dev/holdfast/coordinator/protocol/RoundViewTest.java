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

    @Test
    void waitsForNoMoreOfAMemberThatVotedWithoutBeingReady() {
        assertThat(waitsFor(RoundState.PREPARING, Set.of(FIRST), Map.of(LAST, NO), Set.of()))
                .containsExactly(FIRST);
        assertThat(waitsFor(RoundState.PREPARING, Set.of(), Map.of(LAST, NO), Set.of()))
                .containsExactly(FIRST);
    }
}
