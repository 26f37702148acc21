package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.image.ImageException;
import dev.holdfast.agent.image.MemoryKeys;
import dev.holdfast.agent.qmp.QmpCommand;
import dev.holdfast.agent.qmp.QmpEvent;
import dev.holdfast.agent.qmp.QmpEvents;
import dev.holdfast.agent.qmp.QmpException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Loads a memory image into a QEMU that was started with {@code -S -incoming defer}. It stays stopped. */
record IncomingMemory(Monitor monitor, MemoryKeys keys) {
    private static final Duration LOAD = Duration.ofMinutes(10);
    private static final String DESCRIPTOR = "holdfast-incoming";

    /** @throws HypervisorException if it is caused by an {@link ImageException}, its message says all that is to say */
    void load(Path memory) throws HypervisorException {
        try (MemorySource source = MemorySource.open(memory, keys)) {
            try {
                load(source, memory);
            } catch (HypervisorException e) {
                explain(source, e);
                throw e;
            }
            source.end();
        } catch (IOException e) {
            ImageException why = e instanceof ImageException known
                    ? known
                    : new ImageException(memory + " cannot be read: " + e + "; look at the file and its storage", e);
            throw new HypervisorException(Kind.REFUSED, "the memory image does not load: " + why.getMessage(), why);
        }
        awaitLoaded();
    }

    /** QEMU fails when an image ends because of what is wrong with it. */
    private static void explain(MemorySource source, HypervisorException failure) throws ImageException {
        try {
            source.close();
            source.end();
        } catch (ImageException e) {
            e.addSuppressed(failure);
            throw e;
        } catch (IOException e) {
            failure.addSuppressed(e);
        }
    }

    private void load(MemorySource source, Path memory) throws IOException, HypervisorException {
        try (QmpEvents events = monitor.client().subscribe("MIGRATION")) {
            monitor.call(
                    "migrate-set-capabilities",
                    Map.of("capabilities", List.of(Map.of("capability", "events", "state", true))));
            monitor.client()
                    .executeWithDescriptor(
                            QmpCommand.of("getfd", Map.of("fdname", DESCRIPTOR)), source.descriptor(), Monitor.QUICK);
            source.handedOver();
            monitor.call("migrate-incoming", Map.of("uri", "fd:" + DESCRIPTOR));
            Optional<QmpEvent> end = monitor.await(events, e -> isEnd(Migration.eventStatus(e)), LOAD);
            if (end.isEmpty() || !Migration.eventStatus(end.get()).equals("completed")) {
                throw new HypervisorException(Kind.FAILED, "QEMU gave up loading " + memory);
            }
        } catch (QmpException e) {
            throw monitor.translate(e);
        }
    }

    /** The run state changes a moment after the event. */
    private void awaitLoaded() throws HypervisorException {
        long start = monitor.nanoClock().getAsLong();
        while (monitor.status() == VmStatus.LOADING) {
            if (monitor.left(start, Monitor.QUICK).isZero()) {
                throw new HypervisorException(Kind.FAILED, "QEMU loaded the memory but does not leave that state");
            }
            Pause.millis(2);
        }
    }

    private static boolean isEnd(String status) {
        return status.equals("completed") || status.equals("failed");
    }
}
