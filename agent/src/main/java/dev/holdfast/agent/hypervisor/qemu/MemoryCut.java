package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.replication.EpochLimits;
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
    private static final Set<String> ENDS = Set.of("completed", "failed", "cancelled");

    private final QemuVm vm;
    private final Monitor monitor;
    private final Migration migration;
    private final Path socket;
    private final EpochLimits limits;

    /** @param socket where the memory goes */
    MemoryCut(QemuVm vm, Path socket, EpochLimits limits) {
        this.vm = vm;
        this.monitor = vm.monitor();
        this.migration = new Migration(monitor);
        this.socket = socket;
        this.limits = limits;
    }

    @Override
    public void take(AtStand stand) throws HypervisorException {
        if (!migration.configure(Set.of(Migration.HOLD))) {
            throw new HypervisorException(Kind.REFUSED, "this QEMU cannot wait before the switch-over");
        }
        monitor.call(
                "migrate-set-parameters",
                Map.of(
                        "max-bandwidth", limits.bytesPerSecond(),
                        "downtime-limit", limits.downtime().toMillis()));
        try (QmpEvents stream = monitor.client().subscribe("MIGRATION")) {
            monitor.call("migrate", Map.of("uri", "unix:" + socket));
            awaitStand(stream);
            stand.run();
            monitor.call("migrate-continue", Map.of("state", "pre-switchover"));
            if (!reaches(stream, "completed", limits.pause())) {
                throw new HypervisorException(
                        Kind.FAILED,
                        "the rest of memory did not go over within "
                                + limits.pause().toMillis() + " ms");
            }
        }
    }

    private void awaitStand(QmpEvents stream) throws HypervisorException {
        if (reaches(stream, "pre-switchover", limits.length())) {
            return;
        }
        monitor.call(
                "migrate-set-parameters",
                Map.of("downtime-limit", limits.pause().toMillis()));
        if (!reaches(stream, "pre-switchover", limits.length())) {
            throw new HypervisorException(
                    Kind.FAILED,
                    "the guest changes its memory faster than it goes over; allow a longer pause or more bandwidth");
        }
    }

    private boolean reaches(QmpEvents stream, String status, Duration bound) throws HypervisorException {
        Optional<QmpEvent> event = monitor.await(
                stream, e -> Migration.eventStatus(e).equals(status) || ENDS.contains(Migration.eventStatus(e)), bound);
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
