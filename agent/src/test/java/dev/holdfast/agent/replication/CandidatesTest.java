package dev.holdfast.agent.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Copy;
import dev.holdfast.coordinator.replication.Found;
import dev.holdfast.coordinator.replication.Out;
import dev.holdfast.coordinator.replication.Policy;
import dev.holdfast.coordinator.replication.ReplicaEvent;
import dev.holdfast.coordinator.replication.ReplicaState;
import dev.holdfast.coordinator.replication.Self;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class CandidatesTest implements PeerCalls {
    private static final Copy PEER = new Copy(new Name("n2"), new Name("t"));

    private long nanos;
    private final Candidates candidates =
            new Candidates(() -> List.of(PEER.node()), this, () -> new Name("fresh"), () -> nanos);
    private ReplicaState state = Out.begin(new Self(Rig.NODE, Policy.pause()));

    private void tell(ReplicaEvent event) {
        ReplicaState next = event.applyTo(state).next();
        candidates.moved(state, event, next);
        state = next;
    }

    /** A standby that takes so many epochs and is lost then. */
    private void standby(int epochs) {
        state = Out.begin(new Self(Rig.NODE, Policy.pause()));
        tell(new ReplicaEvent.Recovered(new Found.Primary(
                new Copy(Rig.NODE, new Name("h")), 4, Optional.empty(), Found.Guest.THERE, true, false, false, 0)));
        tell(new ReplicaEvent.PeerOffered(PEER));
        tell(new ReplicaEvent.SeedReady());
        for (int epoch = 1; epoch <= epochs; epoch++) {
            tell(new ReplicaEvent.StandbyAt(PEER, epoch));
            tell(new ReplicaEvent.EpochDue());
        }
        tell(new ReplicaEvent.StandbyLost(PEER));
    }

    private boolean isTriedAfter(Duration wait) {
        nanos += wait.toNanos();
        return candidates.next().isPresent();
    }

    @Test
    void aNodeThatTakesItsFirstEpochsOnlyIsLeftAloneForLongerEachTime() {
        assertThat(isTriedAfter(Duration.ZERO)).isTrue();
        for (int i = 0; i < 4; i++) {
            standby(i);
        }
        assertThat(isTriedAfter(Duration.ofSeconds(7))).isFalse();
        assertThat(isTriedAfter(Duration.ofSeconds(1))).isTrue();
    }

    @Test
    void oneThatWasAStandbyForLongIsTriedSoon() {
        for (int i = 0; i < 10; i++) {
            standby(20);
        }
        assertThat(isTriedAfter(Duration.ofSeconds(1))).isTrue();
    }

    @Override
    public boolean isReady(Name node) {
        return true;
    }

    @Override
    public PeerLink.Opening offer(Copy copy, long generation) {
        throw new AssertionError();
    }

    @Override
    public void tellVoid(Copy copy) {}
}
