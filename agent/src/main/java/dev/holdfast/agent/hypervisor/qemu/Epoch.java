package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.hypervisor.replication.EpochEnd;
import dev.holdfast.agent.hypervisor.replication.EpochEnd.Outcome;
import dev.holdfast.agent.hypervisor.replication.EpochLimits;
import dev.holdfast.agent.hypervisor.replication.StandbyLink;
import dev.holdfast.agent.qmp.QmpCommand;
import dev.holdfast.agent.qmp.QmpEvent;
import dev.holdfast.agent.qmp.QmpEvents;
import dev.holdfast.agent.qmp.QmpException;
import dev.holdfast.agent.qmp.QmpFuture;
import dev.holdfast.agent.qmp.QmpValue;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One epoch on the primary's side: memory goes out, the guest stands still, the standby commits, the guest runs. */
final class Epoch {
    private static final Logger LOG = LoggerFactory.getLogger(Epoch.class);
    private static final Duration RUN = Duration.ofSeconds(5);
    /** A pause that nobody notices beside what QEMU needs anyway. */
    private static final Duration SHORTEST = Duration.ofMillis(2);
    /** How often that is doubled. */
    private static final Duration LOOK = Duration.ofMillis(100);

    private static final String STILL = "pre-switchover";
    private static final Set<String> ENDS = Set.of("completed", "failed", "cancelled");

    private final QemuPrimary primary;
    private final QemuVm vm;
    private final Monitor monitor;
    private final Migration migration;
    private final HeldOutput output;
    private final StandbyLink standby;
    private final long epoch;
    private final EpochLimits limits;
    /** The guest does not run after it. */
    private final boolean last;

    private final EpochSteps steps;

    /** It stood still before, so that it does after an epoch that is given up. */
    private boolean still;

    Epoch(QemuPrimary primary, StandbyLink standby, long epoch, EpochLimits limits, boolean last) {
        this.primary = primary;
        this.vm = primary.vm();
        this.monitor = primary.monitor();
        this.migration = new Migration(monitor);
        this.output = new HeldOutput(monitor, vm.definition());
        this.standby = standby;
        this.epoch = epoch;
        this.limits = limits;
        this.last = last;
        this.steps = new EpochSteps(monitor.nanoClock());
    }

    EpochEnd run() throws HypervisorException {
        long start = now();
        try (QmpEvents stream = monitor.client().subscribe("MIGRATION");
                QmpEvents stops = monitor.client().subscribe("STOP", "RESUME")) {
            VmStatus status = monitor.status();
            still = last || status == VmStatus.PAUSED;
            if (status != VmStatus.PAUSED && status != VmStatus.RUNNING) {
                String why = vm.name() + " cannot be sent while it is " + status;
                return end(Outcome.ABORTED, why, start, stops);
            }
            try {
                sendMemory(stream);
            } catch (HypervisorException e) {
                return abort(e, start, stops);
            }
            return commit(start, stops);
        }
    }

    EpochEnd commitAgain() throws HypervisorException {
        try (QmpEvents stops = monitor.client().subscribe("STOP", "RESUME")) {
            return commit(now(), stops);
        }
    }

    private void sendMemory(QmpEvents stream) throws HypervisorException {
        if (!primary.isComplete()) {
            throw new HypervisorException(
                    Kind.FAILED, "the standby has lost writes or is not attached; it has to be built anew");
        }
        steps.mark("looked");
        Path socket = standby.begin(epoch);
        steps.mark("begun");
        if (!migration.configure(Set.of(Migration.HOLD), limits.bytesPerSecond(), SHORTEST.toMillis())) {
            throw new HypervisorException(Kind.REFUSED, "this QEMU cannot wait before the switch-over");
        }
        long filter = limits.holdOutput() ? output.next() : 0;
        stream.takeAll();
        steps.mark("set");
        monitor.call("migrate", Map.of("uri", "unix:" + socket));
        awaitStill(stream);
        steps.mark("still");
        if (limits.holdOutput()) {
            output.hold(filter);
        }
        goOn();
        if (!reaches(stream, "completed", limits.pause())) {
            throw new HypervisorException(
                    Kind.FAILED,
                    "the rest of memory did not go over within "
                            + limits.pause().toMillis() + " ms");
        }
        steps.mark("sent");
    }

    /** The guest stands still as soon as little is left of its memory. Once all has gone over once, with more and more left. */
    private void awaitStill(QmpEvents stream) throws HypervisorException {
        long start = now();
        Duration allowed = SHORTEST;
        while (!monitor.left(start, limits.length()).isZero()) {
            if (reaches(stream, STILL, shorter(LOOK, monitor.left(start, limits.length())))) {
                return;
            }
            if (allowed.compareTo(limits.downtime()) < 0 && hasGoneOverOnce()) {
                allowed = shorter(allowed.multipliedBy(2), limits.downtime());
                allow(allowed);
            }
        }
        allow(limits.pause());
        if (!reaches(stream, STILL, limits.length())) {
            throw new HypervisorException(
                    Kind.FAILED,
                    "the guest changes its memory faster than it goes over; allow a longer pause or more bandwidth");
        }
    }

    private static Duration shorter(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
    }

    private boolean hasGoneOverOnce() throws HypervisorException {
        return migration.query().path("ram").path("dirty-sync-count").asLong() > 1;
    }

    private void allow(Duration downtime) throws HypervisorException {
        monitor.call("migrate-set-parameters", Map.of("downtime-limit", downtime.toMillis()));
    }

    /** All writes have been answered now. A lost one is known here alone, and asked for while the rest of memory goes over. */
    private void goOn() throws HypervisorException {
        List<QmpFuture> answers;
        try {
            answers = monitor.client()
                    .send(QmpCommand.of("migrate-continue", Map.of("state", STILL)), QemuPrimary.FOLLOWED);
        } catch (QmpException e) {
            throw monitor.translate(e);
        }
        monitor.await(answers.get(0), Monitor.QUICK);
        steps.mark("goes-on");
        if (!primary.hasLostNothing(monitor.await(answers.get(1), Monitor.QUICK).value())) {
            throw new HypervisorException(Kind.FAILED, "the standby has lost writes; it has to be built anew");
        }
        steps.mark("checked");
    }

    private boolean reaches(QmpEvents stream, String status, Duration bound) throws HypervisorException {
        Optional<QmpEvent> event = monitor.await(
                stream, e -> Migration.eventStatus(e).equals(status) || ENDS.contains(Migration.eventStatus(e)), bound);
        event.ifPresent(e -> steps.mark(Migration.eventStatus(e), e.receivedNanos()));
        if (event.isPresent() && !Migration.eventStatus(event.get()).equals(status)) {
            throw new HypervisorException(Kind.FAILED, vm.name() + ": " + Migration.failure(migration.query()));
        }
        return event.isPresent();
    }

    private EpochEnd abort(HypervisorException why, long start, QmpEvents stops) throws HypervisorException {
        if (why.kind() == Kind.GONE) {
            throw why;
        }
        vm.thaw(RUN);
        if (still) {
            // QEMU sends nothing from the state in which a stream leaves it.
            vm.pause();
        }
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
            QemuVm.resume(monitor, RUN);
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
        QmpValue info = migration.query();
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
                epoch,
                outcome,
                why,
                Duration.ofNanos(pause * 1000),
                Duration.ofNanos(now() - start),
                info.path("ram").path("transferred").asLong());
    }

    private long now() {
        return monitor.nanoClock().getAsLong();
    }
}
