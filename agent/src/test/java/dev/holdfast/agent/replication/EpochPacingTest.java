package dev.holdfast.agent.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.hypervisor.replication.EpochEnd;
import dev.holdfast.agent.hypervisor.replication.EpochEnd.Outcome;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class EpochPacingTest {
    private static final Duration WANTED = Duration.ofSeconds(1);

    private final EpochPacing pacing = new EpochPacing(WANTED);
    private long epoch;

    private void ended(Outcome outcome, long millis) {
        pacing.ended(new EpochEnd(++epoch, outcome, "", Duration.ZERO, Duration.ofMillis(millis), 1));
    }

    @Test
    void keepsTheIntervalWhileEpochsAreShort() {
        ended(Outcome.COMMITTED, 500);
        assertThat(pacing.interval()).isEqualTo(WANTED);
    }

    @Test
    void leavesTheGuestAsMuchTimeAsAnEpochTakes() {
        ended(Outcome.COMMITTED, 1500);
        assertThat(pacing.interval()).isEqualTo(Duration.ofSeconds(3));
    }

    @Test
    void isStretchedByWhatWasGivenUpAndNeverBeyondTenTimes() {
        ended(Outcome.ABORTED, 100);
        assertThat(pacing.interval()).isEqualTo(Duration.ofSeconds(2));
        for (int i = 0; i < 10; i++) {
            ended(Outcome.ABORTED, 100);
        }
        assertThat(pacing.interval()).isEqualTo(Duration.ofSeconds(10));
        ended(Outcome.COMMITTED, 60_000);
        assertThat(pacing.interval()).isEqualTo(Duration.ofSeconds(10));
    }

    @Test
    void comesBackStepByStepAndForANewStandbyAtOnce() {
        ended(Outcome.ABORTED, 100);
        ended(Outcome.COMMITTED, 100);
        assertThat(pacing.interval()).isEqualTo(Duration.ofMillis(1500));
        for (int i = 0; i < 10; i++) {
            ended(Outcome.COMMITTED, 100);
        }
        assertThat(pacing.interval()).isEqualTo(WANTED);
        ended(Outcome.ABORTED, 100);
        pacing.begin();
        assertThat(pacing.interval()).isEqualTo(WANTED);
    }

    @Test
    void anEpochWithoutAnAnswerChangesNothing() {
        ended(Outcome.UNDECIDED, 60_000);
        assertThat(pacing.interval()).isEqualTo(WANTED);
    }

    @Test
    void keepsTheLastEnds() {
        for (int i = 0; i < EpochPacing.KEPT + 5; i++) {
            ended(Outcome.COMMITTED, 10);
        }
        assertThat(pacing.ends()).hasSize(EpochPacing.KEPT);
        assertThat(pacing.ends().get(0).epoch()).isEqualTo(6);
    }
}
