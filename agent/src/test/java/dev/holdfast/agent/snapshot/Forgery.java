package dev.holdfast.agent.snapshot;

import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.snapshot.chain.ChainDirectory;
import dev.holdfast.agent.snapshot.chain.SnapshotRecord;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;

/** What somebody does who may write to the storage, and has no key. */
public final class Forgery {
    private Forgery() {}

    /** Puts another memory image in the place of a snapshot's; the digest in the sidecar fits it. */
    public static void replaceMemory(ChainDirectory chain, Name snapshot, byte[] content) throws IOException {
        Path image = chain.memoryFile(snapshot);
        Files.write(image, content);
        SnapshotRecord record = chain.snapshots().get(snapshot);
        SnapshotRecord.MemoryPart part = new SnapshotRecord.MemoryPart(
                image.getFileName().toString(), content.length, Digests.sha256(image, Progress.NONE));
        chain.writePending(new SnapshotRecord(
                record.name(),
                record.vm(),
                record.operation(),
                record.kind(),
                record.createdAt(),
                record.description(),
                record.parent(),
                record.group(),
                record.disks(),
                Optional.of(part),
                record.capture(),
                record.hardware()));
        Files.move(chain.pendingFile(snapshot), chain.sidecarFile(snapshot), StandardCopyOption.REPLACE_EXISTING);
    }
}
