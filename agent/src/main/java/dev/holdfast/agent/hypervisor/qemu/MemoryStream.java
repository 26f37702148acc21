package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.MemoryFacts;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.qmp.QmpCommand;
import dev.holdfast.agent.qmp.QmpEvents;
import dev.holdfast.agent.qmp.QmpException;
import dev.holdfast.agent.qmp.QmpValue;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;

/** What the methods that write memory have in common: the image, its descriptor in QEMU, and how it ends. */
abstract class MemoryStream implements MemoryWriter {
    private static final String DESCRIPTOR = "holdfast-memory";
    static final QmpCommand START = QmpCommand.of("migrate", Map.of("uri", "fd:" + DESCRIPTOR));

    final QemuVm vm;
    final Monitor monitor;
    final Migration migration;
    final QmpEvents events;
    private final CaptureMethod method;
    private final MemorySink sink;

    /** The capabilities of the method are set already. */
    MemoryStream(QemuVm vm, CaptureMethod method, Path path) throws HypervisorException {
        this.vm = vm;
        this.monitor = vm.monitor();
        this.migration = new Migration(monitor);
        this.method = method;
        this.sink = MemorySink.create(
                path,
                vm.definition().ownHardware().memoryBytes(),
                vm.memoryKeys().writing());
        this.events = monitor.client().subscribe("MIGRATION");
        try {
            QmpCommand getfd = QmpCommand.of("getfd", Map.of("fdname", DESCRIPTOR));
            monitor.client().executeWithDescriptor(getfd, sink.descriptor(), Monitor.QUICK);
            sink.handedOver();
        } catch (QmpException e) {
            sink.remove();
            throw monitor.translate(e);
        } catch (IOException e) {
            sink.remove();
            throw new HypervisorException(Kind.REFUSED, "cannot hand over " + path + ": " + e.getMessage(), e);
        }
    }

    @Override
    public MemoryFacts finish(Progress progress) throws HypervisorException {
        QmpValue info = migration.awaitEnd(events, progress);
        if (!info.path("status").asText().equals("completed")) {
            throw failed(info);
        }
        long bytes = sink.seal();
        migration.configure(Set.of());
        return new MemoryFacts(method, bytes);
    }

    HypervisorException failed(QmpValue info) throws HypervisorException {
        return new HypervisorException(
                Kind.FAILED, vm.name() + ": " + sink.failure().orElseGet(() -> Migration.failure(info)));
    }

    @Override
    public void cutOff() {
        sink.cutOff();
    }

    @Override
    public void discard() throws HypervisorException {
        // First the file: whatever else fails, nobody shall find half an image.
        sink.remove();
        monitor.accepts("closefd", Map.of("fdname", DESCRIPTOR));
        if (!Migration.isBusy(migration.query())) {
            migration.configure(Set.of());
        }
    }

    @Override
    public void close() {
        events.close();
        sink.close();
    }
}
