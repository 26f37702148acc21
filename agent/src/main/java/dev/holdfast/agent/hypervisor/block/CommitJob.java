package dev.holdfast.agent.hypervisor.block;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.qmp.QmpValue;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/** A block-commit job of one disk. It stays in QEMU's list until we have read its error and dismissed it. One thread. */
public final class CommitJob {
    private static final String PREFIX = "holdfast-merge-";
    private static final Duration STUCK = Duration.ofMinutes(2);
    private static final Duration CANCEL = Duration.ofSeconds(30);
    private static final int LOOK_NANOS = 20_000_000;

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
        if (find(monitor, id).isPresent()) {
            // Whoever waited for it gave up: its name would be taken for as long as the machine lives.
            cancel(monitor, id);
        }
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

    private void await(Progress progress) throws HypervisorException {
        Advance advance = new Advance(monitor, STUCK);
        while (true) {
            QmpValue job = find(monitor, id)
                    .orElseThrow(() -> new HypervisorException(Kind.FAILED, what + " was removed by somebody else"));
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
        for (QmpValue job : new Jobs(monitor).of(PREFIX)) {
            cancel(monitor, Jobs.id(job));
        }
    }

    private static void cancel(BlockMonitor monitor, String id) throws HypervisorException {
        monitor.accepts("job-cancel", Map.of("id", id));
        long start = monitor.nanoClock().getAsLong();
        Optional<QmpValue> job = find(monitor, id);
        while (job.isPresent() && !Jobs.isOver(job.get())) {
            if (monitor.nanoClock().getAsLong() - start >= CANCEL.toNanos()) {
                throw new HypervisorException(Kind.UNKNOWN, "the job " + id + " does not end; look at the storage");
            }
            LockSupport.parkNanos(LOOK_NANOS);
            job = find(monitor, id);
        }
        monitor.accepts("job-dismiss", Map.of("id", id));
    }

    private static Optional<QmpValue> find(BlockMonitor monitor, String id) throws HypervisorException {
        return new Jobs(monitor).find(id);
    }
}
