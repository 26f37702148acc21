package dev.holdfast.agent.round;

import dev.holdfast.agent.snapshot.SnapshotException;
import dev.holdfast.coordinator.protocol.Name;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** The chains of this node that are being tidied. Nobody has asked for that, so that it gives way to whoever wants the machine. Thread-safe. */
final class Tidyings {
    private final Map<Name, Tidying> underWay = new ConcurrentHashMap<>();
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
     * @return false if that is under way, or gave way: there may be more to do
     */
    boolean run(Name vm, Work work) throws SnapshotException {
        Tidying tidying = new Tidying();
        if (underWay.putIfAbsent(vm, tidying) != null) {
            return false;
        }
        try {
            work.run(() -> tidying.wanted);
            return !tidying.wanted;
        } finally {
            underWay.remove(vm);
            tidying.over.countDown();
        }
    }

    /**
     * Has the tidying of a machine end after its step, and waits for that.
     *
     * @return whether the machine is tidied no more
     */
    boolean giveWay(Name vm) {
        Tidying tidying = underWay.get(vm);
        if (tidying == null) {
            return true;
        }
        tidying.wanted = true;
        try {
            return tidying.over.await(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
