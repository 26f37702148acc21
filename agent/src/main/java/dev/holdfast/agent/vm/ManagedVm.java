package dev.holdfast.agent.vm;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.coordinator.protocol.Name;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A machine that is defined on this node, and its process while it has one. Whoever uses the process holds the lock, one
 * thread at a time; who only wants to show its state never waits for it.
 */
public final class ManagedVm {

    /** Shown for a machine without a process. */
    public static final String STOPPED = "stopped";

    /** Shown when the process is there but does not answer. */
    public static final String UNKNOWN = "unknown";

    /** Shown for a machine that runs although its definition is gone, or cannot be read. */
    public static final String UNDEFINED = "undefined";

    private final VmDefinition definition;
    private final Optional<Name> group;
    private final ReentrantLock lock = new ReentrantLock();
    private volatile @Nullable RunningVm process;
    private volatile String lastState = STOPPED;
    private volatile boolean still;
    private volatile boolean inDoubt;

    ManagedVm(VmDefinition definition, Optional<Name> group) {
        this.definition = definition;
        this.group = group;
    }

    /** Its name. */
    public Name name() {
        return definition.name();
    }

    /** How its administrator described it. */
    public VmDefinition definition() {
        return definition;
    }

    /** The group it is checkpointed with. */
    public Optional<Name> group() {
        return group;
    }

    /** Its process, if it runs. */
    public Optional<RunningVm> process() {
        RunningVm present = process;
        return present != null && present.isAlive() ? Optional.of(present) : Optional.empty();
    }

    /** Guards the process: held for each single call, or for a sequence that must not be interrupted. */
    public ReentrantLock lock() {
        return lock;
    }

    /** Replaces the process: after a start, an adoption, a stop (null), a revert. */
    public void setProcess(@Nullable RunningVm now) {
        RunningVm before = process;
        process = now;
        if (before != null && before != now) {
            before.close();
        }
        lastState = now == null ? STOPPED : lastState;
    }

    /**
     * A round is about to freeze it, or has: its process is not asked for its state then, and nobody is told, because either
     * would lengthen the freeze.
     */
    public void holdStill(boolean now) {
        still = now;
    }

    /** Whether a round is about to freeze it, or has. */
    public boolean isHeldStill() {
        return still;
    }

    /**
     * Whether there may be a process that does not answer.
     *
     * @return whether this is news
     */
    boolean inDoubt(boolean now) {
        boolean before = inDoubt;
        inDoubt = now;
        return before != now;
    }

    /** Its state for people and for the registry. Asks the process only if nobody else is using it. */
    public String state() {
        Optional<RunningVm> present = process();
        if (present.isEmpty()) {
            lastState = inDoubt ? UNKNOWN : STOPPED;
            return lastState;
        }
        if (!still && lock.tryLock()) {
            try {
                lastState = word(present.get().status());
            } catch (HypervisorException e) {
                lastState = UNKNOWN;
            } finally {
                lock.unlock();
            }
        }
        return lastState;
    }

    private static String word(VmStatus status) {
        return status.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
