package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.block.Advance;
import dev.holdfast.agent.hypervisor.block.Jobs;
import dev.holdfast.agent.hypervisor.replication.StandbyLink;
import dev.holdfast.agent.hypervisor.replication.Standstill;
import dev.holdfast.agent.qmp.QmpValue;
import dev.holdfast.agent.unix.StreamProbe;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Attaches a standby to a running machine: copies the disks by mirror jobs and, when they lag no more, stops the guest for
 * the moment in which the senders take over from the jobs.
 */
final class Seeding {
    private static final String JOB = "holdfast-seed-";
    private static final String GREETING = "NBDMAGICIHAVEOPT";
    /** Without a byte more in that time the standby or its network hangs. */
    private static final Duration STUCK = Duration.ofSeconds(20);

    private static final Duration LAST = Duration.ofSeconds(10);
    /** What is left of the disks is little, so that this is for a storage or a network that hangs. */
    private static final Duration LONGEST_STOP = Duration.ofSeconds(10);

    private final QemuPrimary primary;
    private final Monitor monitor;
    private final VmDefinition vm;
    private final StandbyLink standby;
    private final long number;

    Seeding(QemuPrimary primary, StandbyLink standby, long number) {
        this.primary = primary;
        this.monitor = primary.monitor();
        this.vm = primary.vm().definition();
        this.standby = standby;
        this.number = number;
    }

    void run(long bytesPerSecond, Progress progress, Standstill stop) throws HypervisorException {
        connect();
        for (VmDefinition.Disk disk : vm.disks()) {
            mirror(disk, bytesPerSecond);
        }
        awaitReady(progress);
        stop.begins(LONGEST_STOP);
        primary.vm().pause();
        for (VmDefinition.Disk disk : vm.disks()) {
            finish(disk);
        }
        standby.startFollowing();
        for (VmDefinition.Disk disk : vm.disks()) {
            String id = disk.id();
            monitor.call(
                    "blockdev-add",
                    Map.of(
                            "driver",
                            "replication",
                            "mode",
                            "primary",
                            "node-name",
                            CopyNodes.sender(id, number),
                            "file",
                            CopyNodes.wire(id, number)));
            monitor.call(
                    "x-blockdev-change", Map.of("parent", CopyNodes.top(id), "node", CopyNodes.sender(id, number)));
        }
        // Before this a sender answers each write with an error, which the quorum takes for a lost copy.
        monitor.call("xen-set-replication", Map.of("enable", true, "primary", true));
        primary.vm().resume();
        stop.over();
    }

    private void connect() throws HypervisorException {
        monitor.owner().lend(standby.disks());
        for (VmDefinition.Disk disk : vm.disks()) {
            probe();
            monitor.call(
                    "blockdev-add",
                    Map.of(
                            "driver", "nbd",
                            "node-name", CopyNodes.wire(disk.id(), number),
                            "server",
                                    Map.of(
                                            "type",
                                            "unix",
                                            "path",
                                            standby.disks().toString()),
                            "export", disk.id()));
        }
    }

    /** QEMU does nothing else while it shakes hands, and to somebody silent for ever. */
    private void probe() throws HypervisorException {
        try {
            byte[] greeting = StreamProbe.greeting(standby.disks(), GREETING.length(), Monitor.QUICK);
            if (!GREETING.equals(new String(greeting, StandardCharsets.US_ASCII))) {
                throw new IOException("what answers there takes no disks");
            }
        } catch (IOException e) {
            throw new HypervisorException(
                    Kind.REFUSED, "the standby of " + vm.name() + " is not reached: " + e.getMessage(), e);
        }
    }

    private void mirror(VmDefinition.Disk disk, long bytesPerSecond) throws HypervisorException {
        Map<String, Object> arguments = new HashMap<>();
        arguments.put("job-id", JOB + disk.id());
        arguments.put("device", CopyNodes.top(disk.id()));
        arguments.put("target", CopyNodes.wire(disk.id(), number));
        arguments.put("sync", "full");
        arguments.put("auto-dismiss", false);
        if (bytesPerSecond > 0) {
            arguments.put("speed", bytesPerSecond);
        }
        monitor.call("blockdev-mirror", arguments);
    }

    private void awaitReady(Progress progress) throws HypervisorException {
        Advance advance = new Advance(monitor, STUCK);
        while (true) {
            long done = 0;
            long total = 0;
            boolean ready = true;
            List<QmpValue> jobs = new Jobs(monitor).of(JOB);
            if (jobs.size() != vm.disks().size()) {
                throw new HypervisorException(
                        Kind.FAILED, "the copying of " + vm.name() + " was ended by somebody else");
            }
            for (QmpValue job : jobs) {
                check(job);
                done += job.path("current-progress").asLong();
                total += job.path("total-progress").asLong();
                ready &= job.path("status").asText().equals("ready");
            }
            progress.at(done, total);
            if (ready) {
                return;
            }
            if (advance.isStuck(done)) {
                throw new HypervisorException(
                        Kind.FAILED,
                        "nothing of the disks has gone over for " + STUCK.toSeconds()
                                + " s; look at the network and the standby");
            }
            Pause.millis(10);
        }
    }

    private void check(QmpValue job) throws HypervisorException {
        String error = job.path("error").asText();
        if (!error.isEmpty() || Jobs.isOver(job)) {
            throw new HypervisorException(
                    Kind.FAILED,
                    "the disks of " + vm.name() + " cannot be copied: " + (error.isEmpty() ? "given up" : error));
        }
    }

    /** Ends a job that is ready, after what is left. Its target is then as the disk is now, and stays open. */
    private void finish(VmDefinition.Disk disk) throws HypervisorException {
        String id = JOB + disk.id();
        // "job-cancel" would leave the target with anything in it.
        monitor.call("block-job-cancel", Map.of("device", id));
        long start = monitor.nanoClock().getAsLong();
        QmpValue job = job(id);
        while (!Jobs.isOver(job)) {
            if (monitor.left(start, LAST).isZero()) {
                throw new HypervisorException(Kind.FAILED, "the last of disk " + disk.id() + " does not go over");
            }
            Pause.millis(1);
            job = job(id);
        }
        String error = job.path("error").asText();
        monitor.call("job-dismiss", Map.of("id", id));
        if (!error.isEmpty()) {
            throw new HypervisorException(
                    Kind.FAILED, "the last of disk " + disk.id() + " has not gone over: " + error);
        }
    }

    private QmpValue job(String id) throws HypervisorException {
        return new Jobs(monitor)
                .find(id)
                .orElseThrow(
                        () -> new HypervisorException(Kind.FAILED, "the job " + id + " was removed by somebody else"));
    }

    /** Ends what copying is under way. Its target is garbage then. */
    static void end(Monitor monitor) throws HypervisorException {
        long start = monitor.nanoClock().getAsLong();
        for (List<QmpValue> jobs = new Jobs(monitor).of(JOB); !jobs.isEmpty(); jobs = new Jobs(monitor).of(JOB)) {
            for (QmpValue job : jobs) {
                monitor.accepts(Jobs.isOver(job) ? "job-dismiss" : "job-cancel", Map.of("id", Jobs.id(job)));
            }
            if (monitor.left(start, LAST).isZero()) {
                throw new HypervisorException(Kind.UNKNOWN, "the copying of disks does not end although it was cut");
            }
            Pause.millis(2);
        }
    }
}
