package dev.holdfast.agent.snapshot;

import dev.holdfast.agent.files.FileBytes;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.snapshot.chain.Intent;
import dev.holdfast.agent.snapshot.chain.Layer;
import dev.holdfast.agent.snapshot.chain.SnapshotRecord;
import dev.holdfast.agent.snapshot.chain.SnapshotRecord.DiskPart;
import dev.holdfast.agent.snapshot.chain.SnapshotRecord.MemoryPart;
import dev.holdfast.coordinator.protocol.Part;
import dev.holdfast.coordinator.protocol.VmReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Makes the parts of a snapshot durable and describes them. One thread. */
final class SnapshotParts {
    private final VmChain vm;

    SnapshotParts(VmChain vm) {
        this.vm = vm;
    }

    /** Flushes frozen layers, takes the digest of the memory, writes the pending sidecar. */
    VmReport write(SnapshotRequest request, Intent intent, VmReport times, Progress progress)
            throws IOException, SnapshotException {
        List<DiskPart> disks = new ArrayList<>();
        List<Part> parts = new ArrayList<>();
        for (Layer layer : intent.captured().layers().values()) {
            Path file = vm.chain().file(layer);
            FileBytes.flush(file);
            disks.add(new DiskPart(layer.disk(), layer.fileName(), ""));
            long bytes = vm.chain().image(layer).bytes();
            parts.add(new Part("disk:" + layer.disk(), file.toString(), bytes, ""));
        }
        Optional<MemoryPart> memory = Optional.empty();
        Path image = vm.chain().memoryFile(request.name());
        if (Files.exists(image)) {
            FileBytes.flush(image);
            String digest = Digests.sha256(image, progress);
            memory = Optional.of(new MemoryPart(image.getFileName().toString(), Files.size(image), digest));
            boolean encrypted = vm.tools().hypervisor().images().isEncrypted(image);
            parts.add(new Part("memory", image.toString(), Files.size(image), digest, encrypted));
        }
        SnapshotRecord record = new SnapshotRecord(
                request.name(),
                vm.name(),
                request.operation(),
                memory.isPresent() ? SnapshotRecord.Kind.FULL : SnapshotRecord.Kind.DISKS,
                Instant.ofEpochSecond(0, times.frozenAtNanos()),
                request.description(),
                vm.chain().graph().parent(intent.fromHead()),
                request.group(),
                disks,
                memory,
                Optional.of(new SnapshotRecord.CaptureFacts(
                        times.frozenAtNanos(),
                        times.capturedAtNanos(),
                        times.thawedAtNanos(),
                        times.pauseNanos(),
                        times.method(),
                        times.quiesce(),
                        times.hypervisor())),
                vm.hardware().map(SnapshotRecord.Hardware::of));
        vm.chain().writePending(record);
        Path sidecar = vm.chain().sidecarFile(request.name());
        long bytes = Files.size(vm.chain().pendingFile(request.name()));
        parts.add(new Part("sidecar", sidecar.toString(), bytes, ""));
        return new VmReport(
                vm.name(),
                times.frozenAtNanos(),
                times.capturedAtNanos(),
                times.thawedAtNanos(),
                times.pauseNanos(),
                times.method(),
                times.quiesce(),
                times.hypervisor(),
                parts);
    }
}
