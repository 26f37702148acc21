package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.DiskCopies;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.qmp.QmpValue;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * Mirror jobs of QEMU, one a disk, to NBD nodes. {@code sync=top} copies the active layer alone. To end one that is ready with
 * {@code block-job-cancel} leaves a copy of that moment; {@code job-cancel} is always forced and leaves garbage.
 */
record QemuDiskCopies(QemuVm vm) implements DiskCopies {
    private static final String JOB = "holdfast-copy-";
    private static final String NODE = "holdfast-far-";
    private static final Duration DROPPED = Duration.ofSeconds(10);
    private static final String OVER = "concluded";
    private static final int LOOK_MILLIS = 2;

    private record Job(String status, long done, long total, String error) {}

    @Override
    public void begin(String disk, Path socket, String export, long bytesPerSecond) throws HypervisorException {
        Map<String, Object> node = new HashMap<>();
        node.put("driver", "nbd");
        node.put("node-name", NODE + disk);
        node.put("server", Map.of("type", "unix", "path", socket.toString()));
        node.put("export", export);
        monitor().owner().lend(socket);
        monitor().call("blockdev-add", node);
        Map<String, Object> job = new HashMap<>();
        job.put("job-id", JOB + disk);
        job.put(
                "device",
                BlockGraph.read(monitor(), vm.definition()).activeNodes().get(disk));
        job.put("target", NODE + disk);
        job.put("sync", "top");
        job.put("speed", bytesPerSecond);
        // The guest never hears of errors of the copy.
        job.put("on-target-error", "report");
        job.put("on-source-error", "report");
        job.put("auto-dismiss", false);
        monitor().call("blockdev-mirror", job);
    }

    @Override
    public Look look() throws HypervisorException {
        long done = 0;
        long total = 0;
        boolean whole = true;
        String failure = "";
        for (Map.Entry<String, Job> job : jobs().entrySet()) {
            done += job.getValue().done();
            total += job.getValue().total();
            whole &= job.getValue().status().equals("ready");
            if (job.getValue().status().equals(OVER)) {
                failure = "the copy of disk %s has ended: %s"
                        .formatted(job.getKey(), job.getValue().error());
            }
        }
        return new Look(whole, done, total, failure);
    }

    @Override
    public void end(Duration patience) throws HypervisorException {
        Look look = look();
        if (!look.whole()) {
            throw new HypervisorException(
                    Kind.FAILED, look.failure().isEmpty() ? "the disks have not been copied" : look.failure());
        }
        Map<String, Job> running = jobs();
        for (String disk : running.keySet()) {
            monitor().call("block-job-cancel", Map.of("device", JOB + disk));
        }
        Map<String, Job> ended = awaitEnd(patience);
        for (Map.Entry<String, Job> job : ended.entrySet()) {
            if (!job.getValue().error().isEmpty()) {
                throw new HypervisorException(
                        Kind.FAILED,
                        "the copy of disk %s has failed in the end: %s"
                                .formatted(job.getKey(), job.getValue().error()));
            }
        }
        if (!ended.keySet().equals(running.keySet())) {
            throw new HypervisorException(Kind.FAILED, "somebody else has ended a copy of a disk");
        }
        clear(ended);
    }

    @Override
    public void drop() throws HypervisorException {
        Map<String, Job> jobs = jobs();
        for (String disk : jobs.keySet()) {
            monitor().accepts("block-job-cancel", Map.of("device", JOB + disk, "force", true));
        }
        clear(awaitEnd(DROPPED));
    }

    private Map<String, Job> awaitEnd(Duration patience) throws HypervisorException {
        long start = monitor().nanoClock().getAsLong();
        Map<String, Job> jobs = jobs();
        while (jobs.values().stream().anyMatch(job -> !job.status().equals(OVER))) {
            if (monitor().left(start, patience).isZero()) {
                throw new HypervisorException(
                        Kind.UNKNOWN, "a copy of a disk of " + vm.name() + " does not end; is the network gone?");
            }
            Pause.millis(LOOK_MILLIS);
            jobs = jobs();
        }
        return jobs;
    }

    private void clear(Map<String, Job> ended) throws HypervisorException {
        for (String disk : ended.keySet()) {
            monitor().accepts("job-dismiss", Map.of("id", JOB + disk));
        }
        for (String node : BlockGraph.read(monitor(), vm.definition()).names()) {
            if (node.startsWith(NODE)) {
                monitor().accepts("blockdev-del", Map.of("node-name", node));
            }
        }
    }

    private Map<String, Job> jobs() throws HypervisorException {
        Map<String, Job> jobs = new TreeMap<>();
        for (QmpValue job : monitor().call("query-jobs")) {
            String id = job.path("id").asText();
            if (id.startsWith(JOB)) {
                jobs.put(
                        id.substring(JOB.length()),
                        new Job(
                                job.path("status").asText(),
                                job.path("current-progress").asLong(),
                                job.path("total-progress").asLong(),
                                job.path("error").asText()));
            }
        }
        return jobs;
    }

    private Monitor monitor() {
        return vm.monitor();
    }
}
