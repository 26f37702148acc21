package dev.holdfast.agent.hypervisor.uml;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.ProcessIdentity;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

/**
 * The processes that the kernel of one guest consists of: the first one, which runs the guest; helpers, of which one writes to its
 * disks; and one for each process of the guest, which the first one traces. Thread-safe.
 *
 * @param directory of the machine
 * @param first the first one
 * @param nanoClock monotonic nanoseconds
 */
record GuestProcesses(UmlDirectory directory, ProcessIdentity first, LongSupplier nanoClock) {
    private static final long LOOK_NANOS = 100_000;
    private static final long TICK_NANOS = 100_000_000;
    private static final Duration END = Duration.ofSeconds(5);
    private static final long SLOW_LOOK_NANOS = 2_000_000;

    /** Those that work beside the first one. They are made while the guest boots and live as long as it. */
    List<ProcessIdentity> helpers() throws HypervisorException {
        return directory.tree().stream().filter(this::isHelper).toList();
    }

    private boolean isHelper(ProcessIdentity process) {
        try {
            return process.pid() != first.pid() && new HostTask(process.pid()).tracer() == 0;
        } catch (IOException e) {
            return false; // A process of the guest that has ended.
        }
    }

    /**
     * Whether the guest waits for the order to go on. One that does wakes for a tick of its clock now and then, and sleeps again at
     * once; on a busy host that takes a while.
     */
    boolean isStopped() throws HypervisorException {
        long start = nanoClock.getAsLong();
        while (nanoClock.getAsLong() - start < TICK_NANOS) {
            if (isHeld()) {
                return true;
            }
            OptionalInt call = tells(first, HostTask::call);
            if (call.isPresent()) {
                // One that was not told to stop never sleeps there.
                return call.getAsInt() == HostTask.RECVFROM;
            }
            LockSupport.parkNanos(LOOK_NANOS);
        }
        return false;
    }

    /** Whether it was started and has not begun to boot. */
    boolean isHeld() throws HypervisorException {
        return tells(first, HostTask::isHeld);
    }

    /**
     * How often these have gone to sleep, all together. As long as that is the same, none of them has done anything: so long, nothing
     * was written to the disks.
     */
    long sleeps(List<ProcessIdentity> helpers) throws HypervisorException {
        long all = 0;
        for (ProcessIdentity helper : helpers) {
            all += tells(helper, HostTask::sleeps);
        }
        return all;
    }

    /**
     * Waits until nothing of a guest that was told to stop still moves. The helpers go on after its answer, until they have
     * written what they were given; and what they have done wakes the guest, which may give them the next of what it has waiting.
     *
     * @return false if something still does at the end of the bound
     */
    boolean awaitStandstill(List<ProcessIdentity> helpers, Duration bound) throws HypervisorException {
        long start = nanoClock.getAsLong();
        while (!standsStill(helpers)) {
            if (nanoClock.getAsLong() - start > bound.toNanos()) {
                return false;
            }
            LockSupport.parkNanos(LOOK_NANOS);
        }
        return true;
    }

    /** Whether the helpers were idle while the guest slept: it was asleep before and after, and did not wake in between. */
    private boolean standsStill(List<ProcessIdentity> helpers) throws HypervisorException {
        long before = sleeps(List.of(first));
        return isStopped() && areIdle(helpers) && isStopped() && sleeps(List.of(first)) == before;
    }

    private boolean areIdle(List<ProcessIdentity> helpers) throws HypervisorException {
        for (ProcessIdentity helper : helpers) {
            if (tells(helper, HostTask::call).orElse(-1) != HostTask.POLL) {
                return false;
            }
        }
        return true;
    }

    /**
     * Ends all processes of a machine with KILL, those that were left alone included.
     *
     * @throws HypervisorException UNKNOWN if one does not end
     */
    static void kill(UmlDirectory directory, LongSupplier nanoClock) throws HypervisorException {
        long start = nanoClock.getAsLong();
        List<ProcessIdentity> living = directory.tree();
        while (!living.isEmpty() && nanoClock.getAsLong() - start < END.toNanos()) {
            living.forEach(process -> process.signal(true));
            LockSupport.parkNanos(SLOW_LOOK_NANOS);
            living = directory.tree();
        }
        if (!living.isEmpty()) {
            throw new HypervisorException(
                    Kind.UNKNOWN,
                    "process %d in %s does not end although it was killed; its storage hangs in the kernel"
                            .formatted(living.get(0).pid(), directory.path()));
        }
    }

    @FunctionalInterface
    private interface Question<T> {
        T of(HostTask task) throws IOException;
    }

    private <T> T tells(ProcessIdentity process, Question<T> question) throws HypervisorException {
        try {
            return question.of(new HostTask(process.pid()));
        } catch (IOException e) {
            throw untold(process, e);
        }
    }

    private static HypervisorException untold(ProcessIdentity process, IOException e) {
        return process.isAlive()
                ? new HypervisorException(
                        Kind.UNKNOWN,
                        "what process %d does cannot be told: %s; the agent needs to be root"
                                .formatted(process.pid(), e),
                        e)
                : new HypervisorException(Kind.GONE, "process " + process.pid() + " has ended", e);
    }
}
