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
    /** How often that is doubled. */
    private static final Duration LOOK = Duration.ofMillis(100);

    private static final String STILL = "pre-switchover";
    private static final Set<String> ENDS = Set.of("completed", "failed", "cancelled");

    private final QemuPrimary primary;
    private final QemuVm vm;
    private final Monitor monitor;
    private final Migration migration;
    private final Path socket;
    private final EpochLimits limits;
    private final EpochSteps steps;
    private final EmulatedWrites writes;
    private final boolean still;

    /**
     * @param socket where the memory goes
     * @param still the guest is not to run after it
     */
    MemoryCut(QemuPrimary primary, Path socket, EpochLimits limits, EpochSteps steps, boolean still) {
        this.primary = primary;
        this.vm = primary.vm();
        this.monitor = vm.monitor();
        this.migration = new Migration(monitor);
        this.socket = socket;
        this.limits = limits;
        this.steps = steps;
        this.writes = new EmulatedWrites(monitor, vm.definition());
        this.still = still;
    }

    @Override
    public void take(AtStand stand) throws HypervisorException {
        boolean forgetful = writes.canBeForgotten();
        boolean atRest = forgetful && (still || primary.stopsNext(false));
        Duration first = forgetful ? limits.downtime() : SHORTEST;
        if (atRest) {
            vm.pause();
        }
        if (!migration.configure(Set.of(Migration.HOLD), limits.bytesPerSecond(), first.toMillis())) {
            throw new HypervisorException(Kind.REFUSED, "this QEMU cannot wait before the switch-over");
        }
        monitor.owner().lend(socket);
        steps.mark("set");
        try (QmpEvents stream = monitor.client().subscribe("MIGRATION")) {
            monitor.call("migrate", Map.of("uri", "unix:" + socket));
            awaitStill(stream, first);
            steps.mark("still");
            if (forgetful && !atRest && writes.mayBeForgotten()) {
                primary.stopsNext(true);
                throw new HypervisorException(
                        Kind.FAILED,
                        "this QEMU may have missed writes of its emulated guest; the next epoch goes over while it stands still");
            }
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

    /** The guest stands still as soon as little is left of its memory. Once all has gone over once, with more and more left. */
    private void awaitStill(QmpEvents stream, Duration first) throws HypervisorException {
        long start = monitor.nanoClock().getAsLong();
        Duration allowed = first;
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

    /** All writes have been answered now. Whether one was lost is asked for while the rest of memory goes over. */
    private void goOn() throws HypervisorException {
        primary.checkNothingLost(QmpCommand.of("migrate-continue", Map.of("state", STILL)), Monitor.QUICK);
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
