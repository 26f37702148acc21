package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.hypervisor.replication.EpochEnd;
import dev.holdfast.agent.hypervisor.replication.EpochEnd.Outcome;
import dev.holdfast.agent.hypervisor.replication.EpochLimits;
import dev.holdfast.agent.hypervisor.replication.StandbyLink;
import dev.holdfast.agent.qmp.QmpEvent;
import dev.holdfast.agent.qmp.QmpEvents;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One epoch on the primary's side: memory goes out if it has any, the guest stands still, the standby commits, the guest runs. */
final class Epoch {
    private static final Logger LOG = LoggerFactory.getLogger(Epoch.class);

    private final QemuPrimary primary;
    private final QemuVm vm;
    private final Monitor monitor;
    private final HeldOutput output;
    private final StandbyLink standby;
    private final long epoch;
    private final EpochLimits limits;
    /** The guest does not run after it. */
    private final boolean last;

    private final EpochSteps steps;

    /** It stood still before, so that it does after an epoch that is given up. */
    private boolean still;

    private EpochCut cut;

    Epoch(QemuPrimary primary, StandbyLink standby, long epoch, EpochLimits limits, boolean last) {
        this.primary = primary;
        this.vm = primary.vm();
        this.monitor = primary.monitor();
        this.output = new HeldOutput(monitor, vm.definition());
        this.standby = standby;
        this.epoch = epoch;
        this.limits = limits;
        this.last = last;
        this.still = last;
        this.steps = new EpochSteps(monitor.nanoClock());
        this.cut = new DiskCut(primary, steps);
    }

    EpochEnd run() throws HypervisorException {
        long start = now();
        try (QmpEvents stops = monitor.client().subscribe("STOP", "RESUME")) {
            VmStatus status = monitor.status();
            still = last || status == VmStatus.PAUSED;
            boolean ended = status == VmStatus.GUEST_ENDED;
            if (!ended && status != VmStatus.PAUSED && status != VmStatus.RUNNING) {
                return end(Outcome.ABORTED, unfit(status), start, stops);
            }
            try {
                send(ended);
            } catch (HypervisorException e) {
                return abort(e, start, stops);
            }
            return commit(start, stops);
        }
    }

    /** To ask for the commit of an epoch that was sent whether it was, or is now. */
    EpochEnd commitAgain(StandbyLink asked, EpochLimits within) throws HypervisorException {
        Epoch again = new Epoch(primary, asked, epoch, within, last);
        again.still = still;
        again.cut = cut;
        try (QmpEvents stops = monitor.client().subscribe("STOP", "RESUME")) {
            return again.commit(now(), stops);
        }
    }

    /** @param ended the guest has shut down: it has disks to send, and no memory */
    private void send(boolean ended) throws HypervisorException {
        if (!primary.isComplete()) {
            throw new HypervisorException(
                    Kind.FAILED, "the standby has lost writes or is not attached; it has to be built anew");
        }
        steps.mark("looked");
        Optional<Path> socket = standby.begin(epoch);
        steps.mark("begun");
        if (socket.isPresent()) {
            if (ended) {
                throw new HypervisorException(Kind.FAILED, unfit(VmStatus.GUEST_ENDED));
            }
            cut = new MemoryCut(primary, socket.get(), limits, steps, still);
        }
        if (limits.holdOutput()) {
            long filter = output.next();
            cut.take(() -> output.hold(filter));
        } else {
            cut.take(() -> {});
        }
        steps.mark("sent");
    }

    private String unfit(VmStatus status) {
        return vm.name() + " cannot be sent while it is " + status;
    }

    private EpochEnd abort(HypervisorException why, long start, QmpEvents stops) throws HypervisorException {
        if (why.kind() == Kind.GONE) {
            throw why;
        }
        cut.undo(still);
        try {
            standby.abandon(epoch);
        } catch (HypervisorException e) {
            // It was never told to commit it, and the next one begins anew.
            why.addSuppressed(e);
        }
        return end(Outcome.ABORTED, String.valueOf(why.getMessage()), start, stops);
    }

    private EpochEnd commit(long start, QmpEvents stops) throws HypervisorException {
        steps.mark("commits");
        try {
            standby.commit(epoch, limits.patience());
            steps.mark("committed");
        } catch (HypervisorException e) {
            if (e.kind() == Kind.REFUSED) {
                return abort(e, start, stops);
            }
            return end(Outcome.UNDECIDED, String.valueOf(e.getMessage()), start, stops);
        }
        if (!last) {
            cut.resume();
            steps.mark("runs");
        }
        release();
        return end(Outcome.COMMITTED, "", start, stops);
    }

    /** What was sent up to this epoch may leave; the newest filter holds what is sent since. */
    private void release() throws HypervisorException {
        if (limits.holdOutput()) {
            output.releaseBefore(output.next() - 1);
        } else {
            output.releaseAll();
        }
    }

    private EpochEnd end(Outcome outcome, String why, long start, QmpEvents stops) throws HypervisorException {
        List<QmpEvent> seen = stops.takeAll();
        long stopped = 0;
        long pause = 0;
        for (QmpEvent event : seen) {
            steps.mark(event.name(), event.receivedNanos());
            if (event.name().equals("STOP")) {
                stopped = event.timestampMicros();
            } else if (stopped > 0) {
                pause += event.timestampMicros() - stopped;
                stopped = 0;
            }
        }
        LOG.debug("{}: epoch {} {}: pause={} {}", vm.name(), epoch, outcome, pause, steps);
        return new EpochEnd(
                epoch, outcome, why, Duration.ofNanos(pause * 1000), Duration.ofNanos(now() - start), cut.bytes());
    }

    private long now() {
        return monitor.nanoClock().getAsLong();
    }
}
