package dev.holdfast.agent.replication;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.replication.EpochContent;
import dev.holdfast.coordinator.replication.Alone;
import dev.holdfast.coordinator.replication.Protected;
import dev.holdfast.coordinator.replication.Reason;
import dev.holdfast.coordinator.replication.ReplicaState;
import dev.holdfast.coordinator.replication.Seeding;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What becomes of a guest whose node is to give the machine up, before the rules know of it, and afterwards if it stays. */
final class Farewell {
    private static final Logger LOG = LoggerFactory.getLogger(Farewell.class);
    private static final Duration SHUT_DOWN = Duration.ofSeconds(30);

    private final EpochContent content;
    private final Guest guest;
    private final Supplier<ReplicaState> state;
    private final SerialThread thread;

    Farewell(EpochContent content, Guest guest, Supplier<ReplicaState> state, SerialThread thread) {
        this.content = content;
        this.guest = guest;
        this.state = state;
        this.thread = thread;
    }

    /** Blocks for as long as a guest takes to shut down. Epochs go on. */
    void before(Wish wish, CompletableFuture<Optional<Reason>> answer) {
        if (state.get().life().isEmpty() || guest.isGone()) {
            return;
        }
        if (wish == Wish.DEMOTE && !guest.canHandOver()) {
            // A guest that does nothing any more cannot hand over; its standby has what there is.
            LOG.warn(
                    "{} is to be demoted and hangs, has panicked or met a disk error: its process is killed",
                    guest.name());
            guest.kill();
        } else if (content == EpochContent.DISKS && isForShutdown(wish)) {
            shutDown(answer);
        }
    }

    private boolean isForShutdown(Wish wish) {
        ReplicaState now = state.get();
        return switch (wish) {
            case SWITCHOVER -> now instanceof Protected;
            case DEMOTE -> now instanceof Protected || now instanceof Alone || now instanceof Seeding;
            case PROMOTE, RETIRE, DISCARD -> false;
        };
    }

    /** It has to boot anyway: better from file systems that were closed. */
    private void shutDown(CompletableFuture<Optional<Reason>> answer) {
        answer.whenComplete((refused, failure) -> {
            if (failure != null || refused.isPresent()) {
                thread.execute(this::stay);
            }
        });
        try {
            boolean done = guest.shutDown(SHUT_DOWN);
            LOG.info("{} is given up, and its guest {}", guest.name(), done ? "has shut down" : "does not shut down");
        } catch (HypervisorException e) {
            LOG.warn("the guest of {} is not shut down: {}", guest.name(), e.getMessage());
        }
    }

    /** Where the rules hold the guest they let it run later. */
    private void stay() {
        ReplicaState now = state.get();
        boolean runs = now instanceof Alone || now instanceof Seeding || now instanceof Protected led && led.runs();
        try {
            guest.begin(runs);
        } catch (HypervisorException e) {
            LOG.warn("{} stays, and its guest does not boot: {}", guest.name(), e.getMessage());
        }
    }
}
