package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.replication.EpochLimits;
import dev.holdfast.agent.qmp.QmpCommand;
import dev.holdfast.agent.qmp.QmpEvent;
import dev.holdfast.agent.qmp.QmpEvents;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Memory goes out while the guest runs, and the rest of it in the stand: a migration that waits before the switch-over. */
final class MemoryCut implements EpochCut {
    private static final Duration RUN = Duration.ofSeconds(5);
    /** A pause that nobody notices beside what QEMU needs anyway. */
    private static final Duration SHORTEST = Duration.ofMillis(2);
    /** In which the limit is doubled until it is that of {@link EpochLimits#downtime()} or the time is over. */
    private static final int STEPS = 8;

    private static final Set<String> ENDS = Set.of("completed", "failed", "cancelled");

    private final QemuPrimary primary;
    private final QemuVm vm;
    private final Monitor monitor;
    private final Migration migration;
    private final Path socket;
    private final EpochLimits limits;
    private final EpochSteps steps;

    /** @param socket where the memory goes */
    MemoryCut(QemuPrimary primary, Path socket, EpochLimits limits, EpochSteps steps) {
        this.primary = primary;
        this.vm = primary.vm();
        this.monitor = vm.monitor();
        this.migration = new Migration(monitor);
        this.socket = socket;
        this.limits = limits;
        this.steps = steps;
    }

    @Override
    public void take(AtStand stand) throws HypervisorException {
        if (!migration.configure(Set.of(Migration.HOLD), limits.bytesPerSecond(), SHORTEST.toMillis())) {
            throw new HypervisorException(Kind.REFUSED, "this QEMU cannot wait before the switch-over");
        }
        steps.mark("set");
        try (QmpEvents stream = monitor.client().subscribe("MIGRATION")) {
            monitor.call("migrate", Map.of("uri", "unix:" + socket));
            awaitStill(stream);
            steps.mark("still");
            stand.run();
            goOn();
            if (!reaches(stream, "completed", limits.pause())) {
                throw new HypervisorException(
                        Kind.FAILED,
                        "the rest of memory did not go over within "
                                + limits.pause().toMillis() + " ms");
            }
        }
    }

    /** The guest stands still as soon as little is left of its memory; as it takes longer, with more and more left. */
    private void awaitStill(QmpEvents stream) throws HypervisorException {
        Duration step = limits.length().dividedBy(STEPS);
        Duration allowed = SHORTEST;
        for (int i = 1; i <= 2 * STEPS; i++) {
            if (reaches(stream, "pre-switchover", step)) {
                return;
            }
            Duration more = allowed.multipliedBy(2);
            Duration most = i < STEPS ? limits.downtime() : limits.pause();
            allowed = i < STEPS && more.compareTo(most) < 0 ? more : most;
            monitor.call("migrate-set-parameters", Map.of("downtime-limit", allowed.toMillis()));
        }
        throw new HypervisorException(
                Kind.FAILED,
                "the guest changes its memory faster than it goes over; allow a longer pause or more bandwidth");
    }

    /** All writes have been answered now. Whether one was lost is asked for while the rest of memory goes over. */
    private void goOn() throws HypervisorException {
        primary.checkNothingLost(QmpCommand.of("migrate-continue", Map.of("state", "pre-switchover")), Monitor.QUICK);
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

    @Override
    public void undo(boolean still) throws HypervisorException {
        vm.thaw(RUN);
        if (still) {
            // QEMU sends nothing from the state in which a stream leaves it.
            vm.pause();
        }
    }

    @Override
    public void resume() throws HypervisorException {
        QemuVm.resume(vm.monitor(), RUN);
    }

    @Override
    public long bytes() throws HypervisorException {
        return migration.query().path("ram").path("transferred").asLong();
    }
}
