package dev.holdfast.agent.hypervisor.block;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.qmp.QmpValue;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The block jobs in QEMU's list. Ours stay there until we have read how they ended. Thread-safe.
 *
 * @param monitor of the program that has them
 */
public record Jobs(BlockMonitor monitor) {
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
}
