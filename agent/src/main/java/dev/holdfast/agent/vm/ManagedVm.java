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
    /** Nobody has looked yet whether it runs: that is not "stopped". */
    private volatile boolean unsought;

    ManagedVm(VmDefinition definition, Optional<Name> group) {
        this.definition = definition;
        this.group = group;
        this.unsought = isForeign();
    }

    /** Its name. */
    public Name name() {
        return definition.name();
    }

    /** How its administrator described it. */
    public VmDefinition definition() {
        return definition;
    }

    /** Whether somebody else starts and ends it, who also tells its state, when he likes. */
    boolean isForeign() {
        return !definition.hypervisor().isOwn();
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
        if (now == null) {
            lastState = STOPPED;
        } else if (isForeign()) {
            lastState = UNKNOWN; // Until somebody looks.
        }
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
        unsought = false;
        return before != now;
    }

    /**
     * Its state for people and for the registry. Asks the process only if nobody else is using it, and only one of our own: of others it is
     * what the last look has shown.
     */
    public String state() {
        Optional<RunningVm> present = process();
        if (present.isEmpty()) {
            lastState = inDoubt || unsought ? UNKNOWN : STOPPED;
            return lastState;
        }
        if (!isForeign() && !still && lock.tryLock()) {
            try {
                lastState = asked(present.get());
            } finally {
                lock.unlock();
            }
        }
        return lastState;
    }

    /** Asks for the state of one that somebody else runs, which may take as long as he likes to wait. The caller holds the lock. */
    void look() {
        Optional<RunningVm> present = process();
        if (isForeign() && present.isPresent()) {
            lastState = asked(present.get());
        }
    }

    private static String asked(RunningVm process) {
        try {
            return word(process.status());
        } catch (HypervisorException e) {
            return UNKNOWN;
        }
    }

    private static String word(VmStatus status) {
        return status.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
