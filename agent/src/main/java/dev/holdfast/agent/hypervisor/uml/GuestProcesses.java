package dev.holdfast.agent.hypervisor.uml;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.ProcessIdentity;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

/**
 * The processes that the kernel of one guest consists of: the first one, which runs the guest; helpers, of which one writes to its
 * disks; and one for each process of the guest, which the first one traces. Thread-safe.
 *
 * @param living all that live now
 * @param first the first one
 * @param root where the host's kernel tells of processes, {@link HostTask#PROC}
 * @param nanoClock monotonic nanoseconds
 */
record GuestProcesses(Living living, ProcessIdentity first, Path root, LongSupplier nanoClock) {
    private static final long LOOK_NANOS = 100_000;
    private static final long TICK_NANOS = 100_000_000;
    private static final Duration END = Duration.ofSeconds(5);
    private static final Duration DISKS_TOO = Duration.ofSeconds(2);
    private static final long SLOW_LOOK_NANOS = 2_000_000;
    private static final ProcessIdentity NOBODY = new ProcessIdentity(0, 0);

    /** All processes of one guest. */
    @FunctionalInterface
    interface Living {
        List<ProcessIdentity> now() throws HypervisorException;
    }

    /**
     * A moment at which nothing of a guest moved.
     *
     * @param helpers that there were
     * @param sleeps how often they had gone to sleep
     */
    record Standstill(Set<ProcessIdentity> helpers, long sleeps) {
        Standstill {
            helpers = Set.copyOf(helpers);
        }
    }

    static GuestProcesses of(UmlDirectory directory, ProcessIdentity first, LongSupplier nanoClock) {
        return new GuestProcesses(directory::tree, first, HostTask.PROC, nanoClock);
    }

    /**
     * Those that work beside the first one. They are made while the guest boots and live as long as it: whoever asks of a guest that
     * still boots may miss the one that will write to its disks.
     */
    List<ProcessIdentity> helpers() throws HypervisorException {
        return living.now().stream()
                .filter(process -> kind(process, first, root) == ProcessKind.HELPER)
                .toList();
    }

    /** In the order in which they are to be killed: as long as the first one lives, the machine is found by it. */
    private enum ProcessKind {
        TRACED,
        HELPER,
        FIRST
    }

    private static ProcessKind kind(ProcessIdentity process, ProcessIdentity first, Path root) {
        if (process.equals(first)) {
            return ProcessKind.FIRST;
        }
        try {
            return new HostTask(root, process.pid()).tracer() == 0 ? ProcessKind.HELPER : ProcessKind.TRACED;
        } catch (IOException e) {
            return ProcessKind.TRACED; // A process of the guest that has ended.
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

    /** How often these have gone to sleep, all together. */
    long sleeps(Collection<ProcessIdentity> helpers) throws HypervisorException {
        long all = 0;
        for (ProcessIdentity helper : helpers) {
            all += tells(helper, HostTask::sleeps);
        }
        return all;
    }

    /**
     * Waits until nothing of a guest that has been told to stop still moves. The helpers go on after its answer, until they have
     * written what they were given; and what they have done wakes the guest, which may give them the next of what it has waiting.
     *
     * @return empty if something still does at the end of the bound
     * @throws HypervisorException FAILED if a guest that has begun to boot has no helpers yet
     */
    Optional<Standstill> awaitStandstill(Duration bound) throws HypervisorException {
        long start = nanoClock.getAsLong();
        // Whoever is told to stop makes no more of them.
        List<ProcessIdentity> helpers = helpers();
        if (helpers.isEmpty() && !isHeld()) {
            throw new HypervisorException(
                    Kind.FAILED,
                    "process %d has nobody yet who writes to its disks: it still boots; try again"
                            .formatted(first.pid()));
        }
        while (!standsStill(helpers)) {
            if (nanoClock.getAsLong() - start > bound.toNanos()) {
                return Optional.empty();
            }
            LockSupport.parkNanos(LOOK_NANOS);
        }
        return Optional.of(new Standstill(Set.copyOf(helpers), sleeps(helpers)));
    }

    /**
     * Whether none of the helpers has been awake since that moment, and no other has come: so long, nothing was written to the disks.
     */
    boolean lasts(Standstill since) throws HypervisorException {
        return Set.copyOf(helpers()).equals(since.helpers())
                // One that is awake has not been counted yet.
                && areIdle(since.helpers())
                && sleeps(since.helpers()) == since.sleeps();
    }

    /** Whether the helpers were idle while the guest slept: it was asleep before and after, and did not wake in between. */
    private boolean standsStill(List<ProcessIdentity> helpers) throws HypervisorException {
        long before = sleeps(List.of(first));
        return isStopped() && areIdle(helpers) && isStopped() && sleeps(List.of(first)) == before;
    }

    private boolean areIdle(Collection<ProcessIdentity> helpers) throws HypervisorException {
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
        Optional<ProcessIdentity> first = firstIfTold(directory);
        List<ProcessIdentity> living = directory.tree();
        while (!living.isEmpty() && nanoClock.getAsLong() - start < END.toNanos()) {
            killOrder(living, first, HostTask.PROC).forEach(process -> process.signal(true));
            if (nanoClock.getAsLong() - start >= DISKS_TOO.toNanos()) {
                // A helper that waits for what a hanging daemon shows cannot be killed before that daemon is.
                directory.storages().forEach(daemon -> daemon.signal(true));
            }
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

    private static Optional<ProcessIdentity> firstIfTold(UmlDirectory directory) {
        try {
            return directory.process();
        } catch (HypervisorException e) {
            return Optional.empty(); // They are killed all the same, in another order.
        }
    }

    /** Those that are traced, then the helpers, then the first one, if there is one. */
    static List<ProcessIdentity> killOrder(List<ProcessIdentity> living, Optional<ProcessIdentity> first, Path root) {
        ProcessIdentity last = first.orElse(NOBODY);
        return living.stream()
                .map(process -> Map.entry(kind(process, last, root), process))
                .sorted(Map.Entry.comparingByKey())
                .map(Map.Entry::getValue)
                .toList();
    }

    @FunctionalInterface
    private interface Question<T> {
        T of(HostTask task) throws IOException;
    }

    private <T> T tells(ProcessIdentity process, Question<T> question) throws HypervisorException {
        try {
            return question.of(new HostTask(root, process.pid()));
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
