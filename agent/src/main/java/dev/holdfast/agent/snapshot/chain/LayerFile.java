package dev.holdfast.agent.snapshot.chain;

import dev.holdfast.agent.hypervisor.ImageForm;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/**
 * The image of a layer, read without opening it as an image: a machine may be writing it. Immutable; each answer is what the storage says at
 * that moment.
 *
 * @param chain which it is in
 * @param layer what it is called
 */
public record LayerFile(ChainDirectory chain, Layer layer) {
    /** Where it is. For a block device, the link to that. */
    public Path path() {
        return chain.file(layer);
    }

    /**
     * The layer that it stands on. A raw image stands on none.
     *
     * @throws ChainException if it stands on a file outside the chain, naming that
     * @throws NoSuchFileException if it is not there
     */
    Optional<Layer> below() throws IOException {
        if (layer.form() != ImageForm.QCOW2) {
            if (!Files.exists(path(), LinkOption.NOFOLLOW_LINKS)) {
                throw new NoSuchFileException(path().toString());
            }
            return Optional.empty();
        }
        Optional<String> name = Qcow2Header.read(path()).backing();
        if (name.isEmpty()) {
            return Optional.empty();
        }
        Path base = Path.of(name.get());
        return Optional.of(chain.layerAt(base)
                .orElseThrow(
                        () -> new ChainException(("%s stands on %s, which is not in this chain; if the chain was moved,"
                                        + " move it back to where it was")
                                .formatted(path(), base))));
    }

    /** The size in bytes that the guest sees. */
    public long virtualBytes() throws IOException {
        return switch (layer.form()) {
            case QCOW2 -> Qcow2Header.read(path()).virtualBytes();
            case RAW, DEVICE -> bytes();
            case COW -> shortest();
        };
    }

    /** A copy of what lies below DRBD has DRBD's own notes at its end. */
    private long shortest() throws IOException {
        Optional<Layer> origin = origin();
        return origin.isPresent() ? Math.min(bytes(), chain.image(origin.get()).bytes()) : bytes();
    }

    /** The layer that has to stay as long as it is there; empty if it lives for itself. */
    public Optional<Layer> origin() throws IOException {
        return ChainDirectory.namesIn(chain.layers()).stream()
                .filter(layer::livesWith)
                .findFirst();
    }

    /** Makes an empty image on it, of the size that the guest sees. */
    void createOverlay(DiskImages images, Path overlay) throws IOException {
        if (layer.form() == ImageForm.COW) {
            images.createOverlay(overlay, path(), virtualBytes());
        } else {
            images.createOverlay(overlay, path());
        }
    }

    /** The size in bytes of the file, or of the block device. */
    public long bytes() throws IOException {
        // The size that belongs to the name of a device is 0.
        try (FileChannel channel = FileChannel.open(path(), StandardOpenOption.READ)) {
            return channel.size();
        }
    }
}
