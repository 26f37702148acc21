package dev.holdfast.agent.hypervisor.block;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.Settling;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.qmp.QmpValue;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;

/** A block-commit job of one disk. It stays in QEMU's list until we have read its error and dismissed it. One thread. */
public final class CommitJob {
    private static final String PREFIX = "holdfast-merge-";
    private static final Duration STUCK = Duration.ofMinutes(2);
    private static final int LOOK_NANOS = 20_000_000;
    private static final int LOOK_CLOSELY_NANOS = 500_000;
    /** The second is that of a job which waits for the disk to be drained. */
    private static final Set<String> FOLLOWING = Set.of("ready", "standby");

    private final BlockMonitor monitor;
    private final String what;
    private final String id;

    /** @param monitor of the program that has the disk open */
    public CommitJob(BlockMonitor monitor, VmDefinition vm, String diskId) {
        this.monitor = monitor;
        this.what = "the merge of disk " + diskId + " of " + vm.name();
        this.id = PREFIX + diskId;
    }

    /**
     * @param arguments {@code device}, {@code top-node} and {@code base-node} of block-commit
     * @throws HypervisorException REFUSED if it cannot begin
     */
    public void start(Map<String, ?> arguments) throws HypervisorException {
        // Whoever waited for it gave up: its name would be taken for as long as the machine lives.
        end();
        Map<String, Object> all = new HashMap<>(arguments);
        all.put("job-id", id);
        all.put("auto-dismiss", false);
        monitor.call("block-commit", all);
    }

    /**
     * Waits until it has ended.
     *
     * @throws HypervisorException FAILED if it did not succeed: no layer has changed to the guest; UNKNOWN if the program does not answer,
     *     or the job does not go on: it may still succeed
     */
    public void awaitEnd(Progress progress) throws HypervisorException {
        await(progress);
        dismiss();
    }

    /** How far a commit of an active layer has come. @throws HypervisorException FAILED if it has ended */
    public Settling.Advance look() throws HypervisorException {
        QmpValue job = there();
        if (Jobs.isOver(job)) {
            dismiss();
            throw new HypervisorException(Kind.FAILED, what + " has ended before it was told to");
        }
        return new Settling.Advance(
                FOLLOWING.contains(job.path("status").asText()),
                job.path("current-progress").asLong(),
                job.path("total-progress").asLong());
    }

    /**
     * Has a commit of an active layer that follows end with the disk on the lower one.
     *
     * @throws HypervisorException FAILED if the disk is on its layer as before; UNKNOWN if it does not end in time, and may yet
     */
    public void complete(Duration bound) throws HypervisorException {
        monitor.call("job-complete", Map.of("id", id));
        long start = monitor.nanoClock().getAsLong();
        while (!Jobs.isOver(there())) {
            if (monitor.nanoClock().getAsLong() - start >= bound.toNanos()) {
                throw new HypervisorException(
                        Kind.UNKNOWN, what + " does not end within " + bound.toSeconds() + " s; look at its storage");
            }
            LockSupport.parkNanos(LOOK_CLOSELY_NANOS);
        }
        dismiss();
    }

    /** Has it look at once for what was written since; by itself it does so ten times a second. Changes nothing else. */
    public void wake() throws HypervisorException {
        // QEMU wakes a job whose speed is set; 0 is without a limit, as it is.
        monitor.accepts("block-job-set-speed", Map.of("device", id, "speed", 0));
    }

    /** Ends it, whoever has begun it, if it is there: what it has not done by then stays undone. */
    public void end() throws HypervisorException {
        if (find(monitor, id).isPresent()) {
            new Jobs(monitor).cancelOne(id);
        }
    }

    private QmpValue there() throws HypervisorException {
        return find(monitor, id)
                .orElseThrow(() -> new HypervisorException(Kind.FAILED, what + " was removed by somebody else"));
    }

    private void await(Progress progress) throws HypervisorException {
        Advance advance = new Advance(monitor, STUCK);
        while (true) {
            QmpValue job = there();
            long done = job.path("current-progress").asLong();
            progress.at(done, job.path("total-progress").asLong());
            if (Jobs.isOver(job)) {
                return;
            }
            if (advance.isStuck(done)) {
                throw new HypervisorException(
                        Kind.UNKNOWN, what + " has not moved for " + STUCK.toSeconds() + " s; look at its storage");
            }
            LockSupport.parkNanos(LOOK_NANOS);
        }
    }

    private void dismiss() throws HypervisorException {
        String error = find(monitor, id).map(j -> j.path("error").asText()).orElse("");
        monitor.accepts("job-dismiss", Map.of("id", id));
        if (!error.isEmpty()) {
            throw new HypervisorException(
                    Kind.FAILED, what + " failed: " + error + "; both layers are as good as before, try again");
        }
    }

    /** Cancels and dismisses merges that nobody waits for any more. A merge cut short loses nothing. */
    public static void clearLeftovers(BlockMonitor monitor) throws HypervisorException {
        new Jobs(monitor).cancel(PREFIX);
    }

    private static Optional<QmpValue> find(BlockMonitor monitor, String id) throws HypervisorException {
        return new Jobs(monitor).find(id);
    }
}
