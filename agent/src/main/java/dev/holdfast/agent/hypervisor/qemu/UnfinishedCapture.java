package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.qmp.QmpCommand;
import dev.holdfast.agent.qmp.QmpException;
import java.io.FileOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.Set;

/**
 * A capture whose memory is still on its way to its file, of a machine that is to be sent elsewhere at once: QEMU sends one stream at a
 * time.
 */
record UnfinishedCapture(QemuVm vm) {
    private static final String DESCRIPTOR = "holdfast-nowhere";

    /**
     * The guest stands still afterwards. On QEMU before 8.2 its memory stays write-protected: it can be sent, and a guest that runs hangs
     * at its next write.
     */
    void end(Duration bound) throws HypervisorException {
        Monitor monitor = vm.monitor();
        if (!Migration.isBusy(new Migration(monitor).query())) {
            return;
        }
        vm.pause();
        monitor.accepts("migrate_cancel", Map.of());
        awaitEnd(bound);
        if (vm.protection().isOn()) {
            forgetProtection(bound);
        }
    }

    /**
     * Such a QEMU keeps in mind that each page has to be let go when it is sent, and has lost what lets it go, so that no stream succeeds.
     * Another background capture cannot begin, because memory is protected, and clears that up (ram_write_tracking_start, seen on 7.2).
     */
    private void forgetProtection(Duration bound) throws HypervisorException {
        Monitor monitor = vm.monitor();
        try (FileOutputStream nowhere = new FileOutputStream("/dev/null")) {
            QmpCommand getfd = QmpCommand.of("getfd", Map.of("fdname", DESCRIPTOR));
            monitor.client().executeWithDescriptor(getfd, nowhere.getFD(), Monitor.QUICK);
        } catch (QmpException e) {
            throw monitor.translate(e);
        } catch (IOException e) {
            throw new HypervisorException(Kind.FAILED, "cannot open /dev/null: " + e.getMessage(), e);
        }
        new Migration(monitor).configure(Set.of(Migration.BACKGROUND));
        monitor.call("migrate", Map.of("uri", "fd:" + DESCRIPTOR));
        awaitEnd(bound);
    }

    private void awaitEnd(Duration bound) throws HypervisorException {
        Monitor monitor = vm.monitor();
        long start = monitor.nanoClock().getAsLong();
        while (Migration.isBusy(new Migration(monitor).query())) {
            if (monitor.left(start, bound).isZero()) {
                throw new HypervisorException(Kind.UNKNOWN, vm.name() + ": QEMU does not end its memory stream");
            }
            Pause.millis(1);
        }
    }
}
