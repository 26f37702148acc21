package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.qmp.QmpValue;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The block jobs in QEMU's list. Ours stay there until we have read how they ended. */
record Jobs(Monitor monitor) {
    static String id(QmpValue job) {
        return job.path("id").asText();
    }

    static boolean isOver(QmpValue job) {
        return job.path("status").asText().equals("concluded");
    }

    /** Those whose names begin so. */
    List<QmpValue> of(String prefix) throws HypervisorException {
        List<QmpValue> jobs = new ArrayList<>();
        for (QmpValue job : monitor.call("query-jobs")) {
            if (id(job).startsWith(prefix)) {
                jobs.add(job);
            }
        }
        return jobs;
    }

    Optional<QmpValue> find(String id) throws HypervisorException {
        return of(id).stream().filter(job -> id(job).equals(id)).findFirst();
    }
}
