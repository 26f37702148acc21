package dev.holdfast.agent.replication;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.replication.EpochEnd;
import dev.holdfast.agent.hypervisor.replication.EpochLimits;
import dev.holdfast.agent.hypervisor.replication.Primary;
import dev.holdfast.agent.hypervisor.replication.StandbyLink;
import dev.holdfast.agent.hypervisor.replication.Standstill;
import dev.holdfast.coordinator.replication.Copy;
import dev.holdfast.coordinator.replication.ReplicaEvent;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a primary does with its standby. The orders come on the machine's thread; what takes long runs on a second one and brings
 * its event when it has ended.
 */
final class PrimarySide {
    private static final Logger LOG = LoggerFactory.getLogger(PrimarySide.class);
    private static final Duration DETACH = Duration.ofSeconds(10);
    private static final Duration HANGING = Duration.ofMillis(500);
    private static final Duration END = Duration.ofSeconds(5);
    private final ReplicaPlan plan;
    private final Guest guest;
    private final PeerCalls peers;
    private final Path sockets;
    private final Executor worker;
    private final LongSupplier nanoClock;
    private final Consumer<ReplicaEvent> events;
    private final SerialThread thread;
    private final EpochPacing pacing;
    private final StreamLimits streams;
    private final Uptake uptake;
    private final AtomicInteger busy = new AtomicInteger();
    private volatile boolean sending;
    private volatile boolean held;
    private volatile Runnable waiting = () -> {};
    private volatile long committed;
    private volatile long committedAt;
    private volatile long begunAt;
    private volatile Optional<Seeded> seed = Optional.empty();
    private volatile String problem = "";
    private final Runnable idle;
    private final EarlyStops stops;
    private final LagBound bound;
    private final StandbyWay way;

    /** How far the disks of a new standby are, in bytes. */
    record Seeded(long done, long total) {}

    /** What it works with. */
    record Tools(
            Guest guest,
            PeerCalls peers,
            Path sockets,
            Executor worker,
            SerialThread thread,
            LongSupplier nanoClock,
            Standstill guard,
            LagBound bound) {}

    /**
     * @param events takes what comes of it
     * @param idle called on the machine's thread when something long has ended, after its event was taken
     */
    PrimarySide(ReplicaPlan plan, Tools tools, Consumer<ReplicaEvent> events, Runnable idle) {
        this.plan = plan;
        this.guest = tools.guest();
        this.peers = tools.peers();
        this.sockets = tools.sockets();
        this.worker = tools.worker();
        this.thread = tools.thread();
        this.nanoClock = tools.nanoClock();
        this.events = events;
        this.idle = idle;
        this.stops = new EarlyStops(tools.guard(), thread, this::cut);
        this.bound = tools.bound();
        this.way = new StandbyWay(nanoClock);
        this.pacing = new EpochPacing(plan.interval());
        this.streams = new StreamLimits(plan, pacing);
        this.uptake = new Uptake(plan.maxLag().plus(plan.interval().multipliedBy(2)));
    }

    EpochPacing pacing() {
        return pacing;
    }

    /** How far the disks of a new standby are, while they are copied. */
    Optional<Seeded> seed() {
        return seed;
    }

    /** Why a standby was lost last; empty if none was. */
    String problem() {
        return problem;
    }

    /** Whether an epoch is on its way. */
    boolean isSending() {
        return sending;
    }

    boolean isBusy() {
        return busy.get() > 0;
    }

    /** For how long the guest may run beyond an epoch. */
    Duration farthest() {
        return plan.maxLag().plus(pacing.interval());
    }

    /** How long ago an epoch was committed on the standby; empty if this agent has not seen it. */
    Optional<Duration> since(long epoch) {
        return epoch > 0 && committed == epoch
                ? Optional.of(Duration.ofNanos(nanoClock.getAsLong() - committedAt))
                : Optional.empty();
    }

    /** When the next epoch is due, from now. */
    Duration untilNext() {
        long left = begunAt + pacing.interval().toNanos() - nanoClock.getAsLong();
        return Duration.ofNanos(Math.max(0, left));
    }

    private interface Work {
        void run() throws HypervisorException, IOException, InterruptedException;
    }

    /** Does something long for a standby, which is lost if that fails. */
    private void work(Copy peer, Work work) {
        busy.incrementAndGet();
        worker.execute(() -> {
            boolean concluded = false;
            try {
                work.run();
                concluded = true;
            } catch (HypervisorException e) {
                concluded = true;
                if (isForTheStandby(e)) {
                    LOG.warn("the standby {} is given up: {}", peer, e.getMessage());
                    lost(peer, String.valueOf(e.getMessage()));
                }
            } catch (IOException e) {
                concluded = true;
                LOG.info("{} does not become or stay the standby: {}", peer, e.getMessage());
                lost(peer, String.valueOf(e.getMessage()));
            } catch (InterruptedException e) {
                concluded = true;
                Thread.currentThread().interrupt();
            } finally {
                if (!concluded) {
                    lost(peer, "a task of the agent broke; see its log");
                }
                sending = false;
                busy.decrementAndGet();
                thread.execute(idle);
            }
        });
    }

    /** A guest that has crashed, or hangs, leaves a standby that can go on; one that hangs on its standby is told of by no sign of life. */
    private boolean isForTheStandby(HypervisorException why) {
        if (guest.isEnding()) {
            return false;
        }
        while (why.kind() == Kind.UNKNOWN && way.isBeating() && !guest.answers()) {
            LOG.warn(
                    "the machine's process does not answer; nothing is concluded for its standby: {}",
                    why.getMessage());
            LockSupport.parkNanos(HANGING.toNanos());
        }
        return !guest.isEnding();
    }

    private void lost(Copy peer, String why) {
        problem = why;
        cut();
        events.accept(new ReplicaEvent.StandbyLost(peer));
    }

    private void cut() {
        try {
            guest.primary().cut();
        } catch (HypervisorException e) {
            LOG.info("the connection to the standby is not cut: {}", e.getMessage());
        }
    }

    void seed(Copy peer, long generation) {
        work(peer, () -> {
            if (guest.primary().isAttached()) {
                guest.primary().detach(DETACH);
            }
            PeerLink.Opening opening = peers.offer(peer, generation);
            boolean whole = false;
            try {
                copyDisks(peer, opening);
                whole = true;
            } finally {
                seed = Optional.empty();
                if (!whole) {
                    // It was never in the set, and what it has is of no use to anybody.
                    peers.tellVoid(peer);
                }
            }
            events.accept(new ReplicaEvent.SeedReady());
        });
    }

    private void copyDisks(Copy peer, PeerLink.Opening opening) throws HypervisorException, IOException {
        PeerLink open = PeerLink.open(peer, plan.content(), opening, sockets);
        pacing.begin();
        uptake.begin();
        held = false;
        way.lead(open, plan.maxLag(), why -> lost(peer, why));
        Progress told = (done, total) -> seed = Optional.of(new Seeded(done, total));
        try {
            guest.primary().attach(open, plan.bytesPerSecond(), told, stops);
        } finally {
            stops.end();
        }
    }

    /** @param last the guest is not to run after it */
    void send(Copy peer, long epoch, boolean last) {
        sending = true;
        begunAt = nanoClock.getAsLong();
        work(peer, () -> {
            PeerLink link = way.to(peer);
            StandbyLink standby = last ? link : new BoundedLink(link, bound, farthest());
            Primary primary = guest.primary();
            if (last) {
                // QEMU sends one stream at a time; that of a checkpoint which was given up is of no use.
                primary.endCapture(END);
            }
            boolean still = last || held;
            EpochLimits limits = streams.limits(last, epoch, held);
            EpochEnd end = epoch == 1 && !last
                    ? stops.epoch(limits, () -> sent(primary, peer, standby, epoch, limits, false))
                    : sent(primary, peer, standby, epoch, limits, last);
            pacing.ended(end);
            conclude(peer, end, primary, still);
        });
    }

    private EpochEnd sent(Primary primary, Copy peer, StandbyLink standby, long epoch, EpochLimits limits, boolean last)
            throws HypervisorException {
        EpochEnd end = last ? primary.lastEpoch(standby, epoch, limits) : primary.epoch(standby, epoch, limits);
        // The guest stands still meanwhile.
        long until = nanoClock.getAsLong() + plan.maxLag().toNanos();
        while (end.outcome() == EpochEnd.Outcome.UNDECIDED && way.isBeating() && until - nanoClock.getAsLong() > 0) {
            LOG.info("whether {} has committed epoch {} is asked again: {}", peer, epoch, end.why());
            end = primary.commitAgain(standby, epoch, limits);
        }
        return end;
    }

    /** @param still the guest stood still when it began */
    private void conclude(Copy peer, EpochEnd end, Primary primary, boolean still) throws HypervisorException {
        switch (end.outcome()) {
            case COMMITTED -> {
                refuseIfTooSlow(peer, end);
                uptake.begin();
                committed = end.epoch();
                committedAt = nanoClock.getAsLong();
                events.accept(new ReplicaEvent.StandbyAt(peer, end.epoch()));
            }
            case ABORTED -> {
                if (!primary.isComplete()) {
                    throw new HypervisorException(Kind.FAILED, end.why());
                }
                LOG.info("epoch {} was given up: {}", end.epoch(), end.why());
                givenUp(peer, end, still);
            }
            case UNDECIDED -> throw new HypervisorException(Kind.UNKNOWN, end.why());
        }
    }

    private void givenUp(Copy peer, EpochEnd end, boolean still) throws HypervisorException {
        Uptake.Guest did =
                still ? Uptake.Guest.STOOD_STILL : end.epoch() == 1 ? Uptake.Guest.UNBOUND : Uptake.Guest.RAN;
        if (uptake.isLostAfter(did, begunAt, nanoClock.getAsLong())) {
            throw new HypervisorException(Kind.FAILED, "it is there and takes no epoch: " + end.why());
        }
        if (held) {
            // The bound has passed while the epoch was on its way, and its end has let the guest run again.
            guest.pause();
        }
        Duration wait = held && plan.interval().compareTo(untilNext()) < 0 ? plan.interval() : untilNext();
        AtomicBoolean told = new AtomicBoolean();
        Runnable answer = () -> {
            if (told.compareAndSet(false, true)) {
                events.accept(new ReplicaEvent.StandbyAt(peer, end.epoch() - 1));
            }
        };
        waiting = answer;
        thread.after(wait, answer);
    }

    /** Somebody waits for the last epoch: what is put off until the next one is due is told now. */
    void hurry() {
        waiting.run();
    }

    private void refuseIfTooSlow(Copy peer, EpochEnd end) throws HypervisorException {
        Optional<String> why = streams.tooSlow(end);
        if (why.isPresent()) {
            peers.tellVoid(peer);
            throw new HypervisorException(Kind.FAILED, why.get());
        }
    }

    /** Takes the standby off. */
    void detach() throws NotYetException {
        dropLink();
        try {
            Primary primary = guest.primary();
            primary.cut();
            if (isBusy()) {
                throw new NotYetException("what is under way with the standby has to end first");
            }
            primary.detach(DETACH);
        } catch (HypervisorException e) {
            if (!guest.isGone() && e.kind() != Kind.REFUSED) {
                throw new NotYetException(e);
            }
            LOG.warn("the standby is taken off the disks when there is another one: {}", e.getMessage());
        }
    }

    /** Nothing reaches the standby any more. */
    void dropLink() {
        way.end();
    }

    /** Whether the guest stands still for want of its standby. */
    boolean isHeld() {
        return held;
    }

    /** The guest may run. */
    void letGo() {
        held = false;
    }

    /** Keeps the guest still, also after an epoch that is on its way and is given up. A standby that hangs would make it hang as well. */
    void hold() throws NotYetException {
        held = true;
        try {
            if (way.isOpen() && !way.isFresh()) {
                cut();
            }
            guest.pause();
        } catch (HypervisorException e) {
            if (!guest.isGone()) {
                throw new NotYetException(e);
            }
        }
    }
}
