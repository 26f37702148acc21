package dev.holdfast.agent.replication;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Alone;
import dev.holdfast.coordinator.replication.Leading;
import dev.holdfast.coordinator.replication.Life;
import dev.holdfast.coordinator.replication.Protected;
import dev.holdfast.coordinator.replication.ReplicaEvent;
import dev.holdfast.coordinator.replication.ReplicaState;
import dev.holdfast.coordinator.replication.Seeding;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps a machine's epochs back while a round has the machine: from {@link #park} or {@link #standAlone} to {@link #end} none is begun,
 * and no standby is built. In memory: with the agent it ends, except that of a revert, which is in the journal. Thread-safe.
 *
 * <p>The bound of how far the guest may go beyond its standby is armed again all the time while it is parked. So the guest is not held
 * for the round, and an agent that dies in it leaves a guard that holds the guest as ever.
 */
public final class Parking implements Epochs {
    private static final Logger LOG = LoggerFactory.getLogger(Parking.class);
    private static final int RENEWALS = 4;
    private static final Name LOOK = new Name("dry-run");

    private final Tools tools;
    private final Machine machine;
    private volatile @Nullable Stay stay;
    private long renewedAt;
    /** Of the stay that there is. */
    private volatile boolean wanted;

    private volatile boolean voided;

    /** What it works with. */
    record Tools(
            Name vm,
            ReplicaPlan plan,
            RecordBook record,
            LagBound bound,
            SerialThread thread,
            LongSupplier nanoClock) {}

    /** The machine that is kept back; on its thread. */
    interface Machine {
        ReplicaState state();

        /** Whether something is under way with a standby. */
        boolean isBusy();

        /** Whether a round has stopped the guest, or is about to. */
        boolean isFrozen();

        /** What epochs follow each other by, now. */
        Duration interval();

        void post(ReplicaEvent event);

        /** Nothing is kept back any more. */
        void freed();
    }

    /**
     * A round that has the machine.
     *
     * @param ready done when the round may go on
     * @param life is set for a revert, which begins one
     */
    private record Stay(
            Name operation,
            long since,
            Duration bound,
            CompletableFuture<Void> ready,
            @Nullable NewLife life) {
        boolean isRevert() {
            return life != null;
        }
    }

    Parking(Tools tools, Machine machine) {
        this.tools = tools;
        this.machine = machine;
    }

    /** Whether a round has the machine. */
    boolean isParked() {
        return stay != null;
    }

    /** Whether an epoch may not begin. A guest that waits for its standby would wait for the round as well: that comes first. */
    boolean keepsEpochsBack() {
        Stay now = stay;
        return now != null
                && (now.isRevert()
                        || now.ready().isDone()
                        || !(machine.state() instanceof Protected leading)
                        || leading.runs());
    }

    /** It is to be handed over, and whoever wants that does not wait for a checkpoint. Nothing if no round has it. */
    void want() {
        Stay now = stay;
        wanted = now != null && !now.isRevert();
    }

    /** Whether somebody wants it, and a round still has it. */
    boolean isWanted() {
        return wanted;
    }

    /** The checkpoint was given up when its guest ran again already: what is still written of its memory is of no use. */
    void voided(Name operation) {
        Stay now = stay;
        voided = now != null && now.operation().equals(operation);
    }

    boolean isVoided() {
        return voided;
    }

    /**
     * Whether a guest that is seen to stand still will go on without anybody's doing: a round has stopped it, or an epoch, or it waits for its
     * standby or the store. One that has no standby, and is in no round, was paused by a person.
     */
    public boolean letsRunAgain() {
        return machine.isFrozen() || !(machine.state() instanceof Alone);
    }

    /** Whether a revert has it: then its process may change, or stand still for long. */
    boolean isReverting() {
        Stay now = stay;
        return now != null && now.isRevert();
    }

    /** An agent before this one had begun a revert that is not known to be over. Before the machine is started. */
    public void resume(Name operation) {
        stay = new Stay(
                operation,
                tools.nanoClock().getAsLong(),
                Duration.ZERO,
                CompletableFuture.completedFuture(null),
                newLife(CompletableFuture.completedFuture(null)));
    }

    private NewLife newLife(CompletableFuture<Void> begun) {
        return new NewLife(tools.record(), tools.thread(), machine, begun);
    }

    @Override
    public CompletableFuture<Void> park(Duration bound) {
        return park(LOOK, bound);
    }

    @Override
    public void end() {
        end(LOOK);
    }

    /**
     * Waits for the end of an epoch that is under way; none is begun any more. Returns at once.
     *
     * @param bound after this the epochs go on by themselves
     * @return done when there is none; fails with {@link HypervisorException} if the machine is not led here, or {@link #end} comes first
     */
    public CompletableFuture<Void> park(Name operation, Duration bound) {
        return begin(operation, bound, new CompletableFuture<>(), false);
    }

    /**
     * Begins a new life, in which this node's copy is the only member of the set, and takes the standby off: it must not go on from what a
     * revert takes back. Returns at once.
     *
     * @return done when the store has it and the standby is off; fails as that of {@link #park}, or if the store does not take it
     */
    public CompletableFuture<Void> standAlone(Name operation) {
        return begin(operation, Duration.ZERO, new CompletableFuture<>(), true);
    }

    private CompletableFuture<Void> begin(
            Name operation, Duration bound, CompletableFuture<Void> ready, boolean revert) {
        tools.thread().execute(() -> {
            Stay before = stay;
            if (before != null && !before.operation().equals(operation)) {
                if (!before.operation().equals(LOOK)) {
                    ready.completeExceptionally(
                            new HypervisorException(Kind.REFUSED, before.operation() + " has not ended; wait for it"));
                    return;
                }
                before.ready().completeExceptionally(new HypervisorException(Kind.REFUSED, "a round has begun"));
            }
            long now = tools.nanoClock().getAsLong();
            become(new Stay(operation, now, bound, ready, revert ? newLife(ready) : null));
            renewedAt = now - Duration.ofDays(1).toNanos();
            lookAgain();
        });
        return ready;
    }

    /** Has {@link #settled} called. */
    private void lookAgain() {
        machine.post(new ReplicaEvent.Retry());
    }

    /** The round is over, or has all it needs of the guest. Does nothing if it does not have the machine. Idempotent. */
    public void end(Name operation) {
        tools.thread().execute(() -> {
            Stay now = stay;
            if (now != null && now.operation().equals(operation)) {
                free(now);
            }
        });
    }

    /** The round is given up; what it has done already is undone before {@link #end}. */
    void giveUp(Name operation) {
        tools.thread().execute(() -> {
            Stay now = stay;
            if (now != null && now.operation().equals(operation) && !now.ready().isDone()) {
                free(now);
            }
        });
    }

    private void become(@Nullable Stay next) {
        stay = next;
        wanted = false;
        voided = false;
    }

    private void free(Stay from) {
        become(null);
        from.ready()
                .completeExceptionally(
                        new HypervisorException(Kind.FAILED, "the round that had " + tools.vm() + " was given up"));
        renew();
        machine.freed();
    }

    @Override
    public Optional<String> obstacle() {
        ReplicaState state = machine.state();
        if (!(state instanceof Leading leading)) {
            return Optional.of("%s is replicated and is not promoted on this node".formatted(tools.vm()));
        }
        if (!leading.lead().settled()) {
            return Optional.of(
                    "the disks of %s are still on their way back to the epoch it was promoted with; wait a moment"
                            .formatted(tools.vm()));
        }
        if (state instanceof Seeding) {
            return Optional.of("the standby of %s is being built; 'holdfast vm replication %s' shows how far it is"
                    .formatted(tools.vm(), tools.vm()));
        }
        return state instanceof Alone || state instanceof Protected
                ? Optional.empty()
                : Optional.of("%s has lost its standby, and the store has not been told yet".formatted(tools.vm()));
    }

    /** Everything that was decided is done and nothing waits. The machine's thread. */
    void settled() {
        Stay now = stay;
        if (now == null || now.ready().isDone()) {
            return;
        }
        Optional<Life> life = machine.state().life();
        if (life.isEmpty() || !(machine.state() instanceof Leading)) {
            fail(now, obstacle().orElse("it is being given up"));
        } else if (now.life() != null) {
            if (life.get().settled()) {
                now.life().settled(life.get());
            }
        } else if (isQuiet()) {
            renew();
            now.ready().complete(null);
        }
    }

    private void fail(Stay now, String why) {
        become(null);
        now.ready().completeExceptionally(new HypervisorException(Kind.REFUSED, why));
        machine.freed();
    }

    private boolean isQuiet() {
        ReplicaState state = machine.state();
        return !machine.isBusy()
                && obstacle().isEmpty()
                && (state instanceof Alone || state instanceof Protected leading && leading.runs());
    }

    /** Called all the time, on the machine's thread. */
    void look() {
        Stay now = stay;
        if (now == null) {
            return;
        }
        long nanos = tools.nanoClock().getAsLong();
        if (!now.isRevert() && nanos - now.since() > now.bound().toNanos()) {
            LOG.warn("{}: {} has not ended; epochs go on without waiting for it", tools.vm(), now.operation());
            free(now);
        } else if (nanos - renewedAt > tools.plan().maxLag().dividedBy(RENEWALS).toNanos()) {
            renew();
        }
        // This agent was late, so that the guard has held the guest; no epoch would end that before the round does.
        if (!now.isRevert()
                && !wanted
                && now.ready().isDone()
                && machine.state() instanceof Protected leading
                && leading.isHeld()) {
            letGo(leading);
        }
    }

    private void letGo(Protected leading) {
        if (machine.isFrozen()) {
            return;
        }
        if (arm(leading)) {
            machine.post(new ReplicaEvent.BoundRenewed());
        }
    }

    private void renew() {
        if (machine.state() instanceof Protected leading && leading.runs()) {
            arm(leading);
        }
    }

    private boolean arm(Protected leading) {
        renewedAt = tools.nanoClock().getAsLong();
        try {
            tools.bound().arm(leading.epoch(), tools.plan().maxLag().plus(machine.interval()));
            return true;
        } catch (NotYetException e) {
            LOG.debug("{}: the guard is asked again", tools.vm(), e);
            return false;
        }
    }
}
