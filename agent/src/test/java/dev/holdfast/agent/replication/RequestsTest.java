package dev.holdfast.agent.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.coordinator.replication.Out;
import dev.holdfast.coordinator.replication.Policy;
import dev.holdfast.coordinator.replication.Reason;
import dev.holdfast.coordinator.replication.ReplicaEvent;
import dev.holdfast.coordinator.replication.ReplicaState;
import dev.holdfast.coordinator.replication.Self;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Wishes that come while something is under way. */
class RequestsTest {
    private final ReplicaState state = Out.begin(new Self(Rig.NODE, Policy.pause()));
    private final List<ReplicaEvent> told = new ArrayList<>();
    private boolean bound = true;
    private final Requests requests = new Requests(new Waiters(), () -> state, () -> bound, told::add);

    @Test
    void whatComesWhileAnEpochIsOnItsWayIsToldAtItsEndAndNotBefore() {
        requests.ask(Wish.DEMOTE, new CompletableFuture<>());
        requests.resume();
        assertThat(told).isEmpty();
        assertThat(requests.defers(Wish.DEMOTE)).isTrue();
        assertThat(requests.defers(Wish.SWITCHOVER)).isFalse();

        bound = false;
        requests.resume();
        assertThat(told).hasSize(1).first().isInstanceOf(ReplicaEvent.DemoteAsked.class);
        assertThat(requests.defers(Wish.DEMOTE)).isFalse();
    }

    @Test
    void aPromotionThatIsTakenBackIsAnsweredSo() {
        bound = false;
        CompletableFuture<Optional<Reason>> promotion = new CompletableFuture<>();
        requests.ask(Wish.PROMOTE, promotion);
        requests.moved(told.get(0));
        requests.ask(Wish.DEMOTE, new CompletableFuture<>());
        requests.moved(told.get(1));
        assertThat(promotion).isCompletedWithValue(Optional.of(Reason.REVOKED));
    }
}
