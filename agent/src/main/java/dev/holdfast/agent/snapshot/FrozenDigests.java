package dev.holdfast.agent.snapshot;

import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.snapshot.chain.ChainDirectory;
import dev.holdfast.agent.snapshot.chain.Layer;
import dev.holdfast.agent.snapshot.chain.SnapshotRecord;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.function.BooleanSupplier;

/**
 * Digests of layers that snapshots froze.
 *
 * @param chain where they are
 * @param ours whether the chain is this node's to write to; asked before each write
 */
record FrozenDigests(ChainDirectory chain, BooleanSupplier ours) {

    /** Takes those that are missing; whether none is missing any more. */
    boolean record(Progress progress) throws IOException {
        boolean complete = true;
        for (SnapshotRecord record : chain.snapshots().values()) {
            for (SnapshotRecord.DiskPart part : record.disks()) {
                if (record.kind() != SnapshotRecord.Kind.BRANCH && part.sha256().isEmpty()) {
                    complete &= record(record, part.asLayer(), progress);
                }
            }
        }
        return complete;
    }

    private boolean record(SnapshotRecord record, Layer layer, Progress progress) throws IOException {
        Path file = chain.file(layer);
        if (layer.form() != ImageForm.QCOW2) {
            return true; // It would be the whole disk each time; verify says that there is none.
        }
        if (!Files.exists(file) || chain.head().layers().containsValue(layer)) {
            return true; // what is missing is told by verify
        }
        FileTime written = Files.getLastModifiedTime(file);
        String digest = Digests.sha256(file, progress);
        return chain.recordDigest(
                record.name(),
                layer,
                digest,
                () -> ours.getAsBoolean()
                        && Files.exists(file)
                        && Files.getLastModifiedTime(file).equals(written));
    }
}
