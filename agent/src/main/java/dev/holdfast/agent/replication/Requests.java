package dev.holdfast.agent.replication;

import dev.holdfast.coordinator.replication.Leading;
import dev.holdfast.coordinator.replication.Reason;
import dev.holdfast.coordinator.replication.ReplicaEvent;
import dev.holdfast.coordinator.replication.ReplicaState;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Wishes for another role, from the asking to the waiting. The machine's thread. */
final class Requests {
    private final Waiters waiters;
    private final Supplier<ReplicaState> state;
    private final BooleanSupplier sending;
    private final Consumer<ReplicaEvent> events;
    private final Map<ReplicaEvent, CompletableFuture<Optional<Reason>>> asked = new IdentityHashMap<>();
    private final List<Deferred> deferred = new ArrayList<>();
    private CompletableFuture<Optional<Reason>> promotion = new CompletableFuture<>();

    private record Deferred(Wish wish, CompletableFuture<Optional<Reason>> answer) {}

    /** @param sending whether an epoch is on its way or was asked for, or a round has the machine */
    Requests(Waiters waiters, Supplier<ReplicaState> state, BooleanSupplier sending, Consumer<ReplicaEvent> events) {
        this.waiters = waiters;
        this.state = state;
        this.sending = sending;
        this.events = events;
    }

    void ask(Wish wish, CompletableFuture<Optional<Reason>> answer) {
        if (wish == Wish.PROMOTE && state.get() instanceof Leading) {
            answer.complete(Optional.empty());
            return;
        }
        if (sending.getAsBoolean()) {
            // The epoch that is on its way would let the guest run again; it ends soon. So does a round that has
            // stopped it.
            deferred.add(new Deferred(wish, answer));
            return;
        }
        ReplicaEvent event = wish.event();
        asked.put(event, answer);
        events.accept(event);
    }

    /** Whether such a wish waits for something to end. */
    boolean defers(Wish wish) {
        return deferred.stream().anyMatch(each -> each.wish() == wish);
    }

    /** Perhaps nothing is on its way any more, and its event was taken. */
    void resume() {
        List<Deferred> now = List.copyOf(deferred);
        deferred.clear();
        now.forEach(each -> ask(each.wish(), each.answer()));
    }

    /** The rules have taken the wish up, if it was one. */
    void moved(ReplicaEvent event) {
        CompletableFuture<Optional<Reason>> answer = asked.remove(event);
        if (event instanceof ReplicaEvent.DemoteAsked || event instanceof ReplicaEvent.RetireAsked) {
            // Whoever still waits for a promotion must not take the answer to this for theirs.
            promotion.complete(Optional.of(Reason.REVOKED));
        }
        if (answer != null) {
            promotion = event instanceof ReplicaEvent.PromoteAsked ? answer : promotion;
            waiters.addCommand(answer);
        }
    }

    /** They have not. @return whether it was one */
    boolean rejected(ReplicaEvent event) {
        CompletableFuture<Optional<Reason>> answer = asked.remove(event);
        return answer != null && answer.complete(Optional.of(Reason.BUSY));
    }
}
