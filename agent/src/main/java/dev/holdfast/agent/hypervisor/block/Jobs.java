package dev.holdfast.agent.hypervisor.block;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.qmp.QmpValue;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/**
 * The block jobs in QEMU's list. Ours stay there until we have read how they ended. Thread-safe.
 *
 * @param monitor of the program that has them
 */
public record Jobs(BlockMonitor monitor) {
    private static final Duration CANCEL = Duration.ofSeconds(30);
    private static final int LOOK_NANOS = 20_000_000;

    /** The name of a job. */
    public static String id(QmpValue job) {
        return job.path("id").asText();
    }

    /** Whether it has ended, well or badly. */
    public static boolean isOver(QmpValue job) {
        return job.path("status").asText().equals("concluded");
    }

    /** Those whose names begin so. */
    public List<QmpValue> of(String prefix) throws HypervisorException {
        List<QmpValue> jobs = new ArrayList<>();
        for (QmpValue job : monitor.call("query-jobs", Map.of())) {
            if (id(job).startsWith(prefix)) {
                jobs.add(job);
            }
        }
        return jobs;
    }

    /** The one of that name. */
    public Optional<QmpValue> find(String id) throws HypervisorException {
        return of(id).stream().filter(job -> id(job).equals(id)).findFirst();
    }

    /** Ends those whose names begin so, and forgets them. @throws HypervisorException UNKNOWN if one does not end */
    public void cancel(String prefix) throws HypervisorException {
        for (QmpValue job : of(prefix)) {
            cancelOne(id(job));
        }
    }

    void cancelOne(String id) throws HypervisorException {
        monitor.accepts("job-cancel", Map.of("id", id));
        long start = monitor.nanoClock().getAsLong();
        Optional<QmpValue> job = find(id);
        while (job.isPresent() && !isOver(job.get())) {
            if (monitor.nanoClock().getAsLong() - start >= CANCEL.toNanos()) {
                throw new HypervisorException(Kind.UNKNOWN, "the job " + id + " does not end; look at the storage");
            }
            LockSupport.parkNanos(LOOK_NANOS);
            job = find(id);
        }
        dismiss(id);
    }

    /** Forgets one that has ended. */
    public void dismiss(String id) throws HypervisorException {
        monitor.accepts("job-dismiss", Map.of("id", id));
    }
}
