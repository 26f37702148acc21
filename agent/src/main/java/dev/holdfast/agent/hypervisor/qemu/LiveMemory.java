package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.qmp.QmpValue;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;

/**
 * Memory is written while the guest runs, and what it changed meanwhile again, until little is left. An idle guest stops by
 * itself within milliseconds, which counts as an early arrival; a busy one is stopped when the freeze is ordered.
 */
final class LiveMemory extends MemoryStream {
    private static final int ROUNDS = 3;
    private static final int LOOK_MILLIS = 5;
    private static final Duration APPROACH = Duration.ofMinutes(2);

    private boolean started;

    LiveMemory(QemuVm vm, Path path) throws HypervisorException {
        super(vm, CaptureMethod.LIVE, path);
    }

    @Override
    public boolean approach(StopWatcher watcher, Progress progress) throws HypervisorException {
        started = true;
        monitor.call(START.name(), START.arguments());
        long start = monitor.nanoClock().getAsLong();
        while (!watcher.stopped()) {
            QmpValue info = migration.query();
            QmpValue ram = info.path("ram");
            progress.at(ram.path("transferred").asLong(), ram.path("total").asLong());
            if (!Migration.isBusy(info)) {
                throw failed(info);
            }
            if (ram.path("dirty-sync-count").asLong() >= ROUNDS
                    || monitor.left(start, APPROACH).isZero()) {
                return watcher.stopped();
            }
            Pause.millis(LOOK_MILLIS);
        }
        return true;
    }

    @Override
    public boolean cutsRightAfterStop() {
        return false;
    }

    @Override
    public void beforeCut(Duration bound) throws HypervisorException {
        if (!started) {
            started = true;
            monitor.call(START.name(), START.arguments());
        }
        if (!migration.awaitStatus(events, "pre-switchover", bound).equals("pre-switchover")) {
            throw failed(migration.query());
        }
    }

    @Override
    public void afterCut(Duration bound) throws HypervisorException {
        monitor.call("migrate-continue", Map.of("state", "pre-switchover"));
        if (!migration.awaitStatus(events, "completed", bound).equals("completed")) {
            throw failed(migration.query());
        }
        migration.awaitFinalized(bound);
    }

    @Override
    public void ensureRunning(Resumption resumption, Duration bound) throws HypervisorException {
        QemuVm.resume(monitor, bound);
    }
}
