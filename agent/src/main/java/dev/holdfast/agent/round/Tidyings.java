package dev.holdfast.agent.round;

import dev.holdfast.agent.snapshot.SnapshotException;
import dev.holdfast.coordinator.protocol.Name;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * The chains of this node that are being tidied. Nobody has asked for that, so that it gives way to whoever wants the machine, and none is begun
 * before that one has it. Thread-safe.
 */
final class Tidyings {
    private final Map<Name, Tidying> underWay = new HashMap<>();
    /** How many want a machine. */
    private final Map<Name, Integer> wanting = new HashMap<>();

    private final Duration patience;

    /** @param patience how long whoever wants a machine waits for the one step that is under way. Below a second most copies of files are made */
    Tidyings(Duration patience) {
        this.patience = patience;
    }

    private static final class Tidying {
        private final CountDownLatch over = new CountDownLatch(1);
        private volatile boolean wanted;
    }

    /** Tidies one chain. */
    interface Work {
        /** @param wanted whether somebody waits for the machine, so that no further step is to be begun */
        void run(BooleanSupplier wanted) throws SnapshotException;
    }

    /**
     * Tidies the chain of a machine.
     *
     * @return false if that is under way, or gave way, or somebody wants the machine: there may be more to do
     */
    boolean run(Name vm, Work work) throws SnapshotException {
        Optional<Tidying> begun = begin(vm);
        if (begun.isEmpty()) {
            return false;
        }
        Tidying tidying = begun.get();
        try {
            work.run(() -> tidying.wanted);
            return !tidying.wanted;
        } finally {
            end(vm);
            tidying.over.countDown();
        }
    }

    private synchronized Optional<Tidying> begin(Name vm) {
        if (wanting.containsKey(vm) || underWay.containsKey(vm)) {
            return Optional.empty();
        }
        Tidying tidying = new Tidying();
        underWay.put(vm, tidying);
        return Optional.of(tidying);
    }

    private synchronized void end(Name vm) {
        underWay.remove(vm);
    }

    /**
     * Has the tidying of a machine end after its step, waits for that, and takes the machine before another one can begin.
     *
     * @param claim takes it, and says who is in the way
     * @return what the claim says; empty if the step that is under way was waited for too long, and the claim was not tried
     */
    <R> Optional<R> ahead(Name vm, Supplier<R> claim) {
        Optional<Tidying> tidying = want(vm);
        try {
            return tidying.isEmpty() || isOver(tidying.get()) ? Optional.of(claim.get()) : Optional.empty();
        } finally {
            wantNoMore(vm);
        }
    }

    private synchronized Optional<Tidying> want(Name vm) {
        wanting.merge(vm, 1, Integer::sum);
        Optional<Tidying> tidying = Optional.ofNullable(underWay.get(vm));
        tidying.ifPresent(each -> each.wanted = true);
        return tidying;
    }

    private synchronized void wantNoMore(Name vm) {
        wanting.computeIfPresent(vm, (name, count) -> count == 1 ? null : count - 1);
    }

    private boolean isOver(Tidying tidying) {
        try {
            return tidying.over.await(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
