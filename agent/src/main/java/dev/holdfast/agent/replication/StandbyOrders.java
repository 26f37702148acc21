package dev.holdfast.agent.replication;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.coordinator.replication.Following;
import dev.holdfast.coordinator.replication.ReplicaEvent;
import dev.holdfast.coordinator.replication.ReplicaState;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** What the primary of a standby orders. Commits go through the rules; the rest is done between their effects. */
final class StandbyOrders implements StandbyDoorway.Orders {
    private final SerialThread thread;
    private final StandbySide standby;
    private final Waiters waiters;
    private final Supplier<ReplicaState> state;
    private final Consumer<ReplicaEvent> events;

    StandbyOrders(
            SerialThread thread,
            StandbySide standby,
            Waiters waiters,
            Supplier<ReplicaState> state,
            Consumer<ReplicaEvent> events) {
        this.thread = thread;
        this.standby = standby;
        this.waiters = waiters;
        this.state = state;
        this.events = events;
    }

    /** Something to be done on the machine's thread. */
    interface Task {
        void run() throws HypervisorException, IOException;
    }

    /** Done when it is done. */
    static CompletableFuture<Void> on(SerialThread thread, Task task) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        thread.execute(() -> {
            try {
                task.run();
                done.complete(null);
            } catch (HypervisorException | IOException e) {
                done.completeExceptionally(e);
            }
        });
        return done;
    }

    @Override
    public void carryOut(OrderLine.Order order, long epoch, Duration patience)
            throws HypervisorException, InterruptedException {
        switch (order) {
            case BEAT -> standby.beat(patience);
            case FOLLOW -> await(on(thread, standby::follow), patience);
            case BEGIN ->
                await(
                        on(thread, () -> {
                            following();
                            standby.begin(epoch);
                        }),
                        patience);
            case ABANDON -> await(on(thread, () -> standby.abandon(epoch)), patience);
            case COMMIT -> commit(epoch, patience);
        }
    }

    private Following following() throws HypervisorException {
        if (state.get() instanceof Following following) {
            return following;
        }
        throw new HypervisorException(Kind.REFUSED, "this node does not follow any more");
    }

    private void commit(long epoch, Duration patience) throws HypervisorException, InterruptedException {
        if (following().epoch() >= epoch) {
            return;
        }
        StandbyDoorway door = standby.doorway()
                .orElseThrow(() -> new HypervisorException(Kind.REFUSED, "this node does not follow any more"));
        // The guest stands still, and all that it has written has been answered; the rest of its memory may be on its
        // way.
        standby.checkEarly(epoch);
        if (standby.takesMemory()) {
            door.awaitAll(epoch, patience);
        }
        CompletableFuture<Void> committed = new CompletableFuture<>();
        thread.execute(() -> {
            if (state.get() instanceof Following following && following.epoch() < epoch) {
                waiters.addCommit(epoch, committed);
                events.accept(new ReplicaEvent.MemoryComplete(following.copy(), epoch));
            } else if (state.get() instanceof Following) {
                committed.complete(null);
            } else {
                committed.completeExceptionally(
                        new HypervisorException(Kind.REFUSED, "this node does not follow any more"));
            }
        });
        await(committed, patience);
    }

    /** The rules do not take an epoch: another commit of it is under way, or never. */
    void rejected(ReplicaEvent.MemoryComplete event, ReplicaState now) {
        boolean underWay = now instanceof Following following
                && following.copy().equals(event.copy())
                && following.epoch() + 1 == event.epoch();
        if (!underWay) {
            waiters.disappoint("epoch " + event.epoch() + " does not follow what is committed here");
        }
    }

    private static void await(CompletableFuture<Void> done, Duration patience)
            throws HypervisorException, InterruptedException {
        try {
            done.get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new HypervisorException(
                    Kind.UNKNOWN, "not done within " + patience.toMillis() + " ms; it still may be", e);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof HypervisorException why) {
                throw new HypervisorException(why.kind(), String.valueOf(why.getMessage()), e);
            }
            throw new HypervisorException(Kind.FAILED, String.valueOf(e.getCause()), e);
        }
    }
}
