package dev.holdfast.agent.snapshot;

import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.snapshot.chain.ChainDirectory;
import dev.holdfast.agent.snapshot.chain.ChainException;
import dev.holdfast.agent.snapshot.chain.ChainImport;
import dev.holdfast.agent.snapshot.chain.PlainImage;
import dev.holdfast.agent.snapshot.chain.QemuImages;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Collection;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Supplier;

/**
 * Puts a machine's disks under a chain, one at a time: each image is copied or moved beside the place of the chain, and with the last
 * one the chain is made. Can be repeated after an interruption. The caller sees to it that the machine does not run, and that there is one
 * import at a time for a machine; otherwise thread-safe.
 */
public final class DiskImport {

    private final QemuImages images;
    private final InstantSource clock;
    private final ImageOwners owners;

    /**
     * @param images copies images
     * @param clock handed on
     * @param definitions of the machines of this node, whose images are not taken
     */
    public DiskImport(
            QemuImages images, InstantSource clock, Supplier<? extends Collection<VmDefinition>> definitions) {
        this.images = images;
        this.clock = clock;
        this.owners = new ImageOwners(definitions);
    }

    private interface Taking {
        void into(Path chain, Path staging) throws IOException;
    }

    /**
     * Copies one image.
     *
     * @return the disks that are still missing; none if the chain is there now
     * @throws SnapshotException the definition's path goes through no chain, the chain is there already, or the copy failed
     */
    public Set<String> copy(VmDefinition definition, String disk, Path file) throws SnapshotException {
        return take(definition, disk, (chain, staging) -> {
            Optional<Path> cutOff = layered(chain, disk);
            if (cutOff.isPresent()) {
                throw wasCutOff(disk, cutOff.get());
            }
            Path copy = staging.resolve(ImageForm.QCOW2.fileName(disk));
            Optional<Path> other = staged(staging, disk).filter(there -> !there.equals(copy));
            if (other.isPresent()) {
                throw taken(disk, other.get());
            }
            Path unfinished = staging.resolve(disk + ".unfinished");
            images.convert(file, unfinished);
            Files.move(unfinished, copy, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        });
    }

    /**
     * Takes one raw image as it is: a file is moved, to a block device a link is made. To repeat it after an interruption that has moved the
     * file, name that where it is now.
     *
     * @return the disks that are still missing; none if the chain is there now
     * @throws SnapshotException as for a copy, or it cannot be taken as it is; nothing was moved
     */
    public Set<String> adopt(VmDefinition definition, String disk, Path file) throws SnapshotException {
        return take(definition, disk, (chain, staging) -> {
            requireAnyForm(definition.disk(disk));
            PlainImage image = PlainImage.of(file, images);
            Path layer = ChainImport.firstLayer(chain, disk, image.form());
            Path place = staging.resolve(image.form().fileName(disk));
            if (image.isAt(layer) || image.isAt(place)) {
                return;
            }
            Optional<Path> cutOff = layered(chain, disk);
            if (cutOff.isPresent()) {
                throw wasCutOff(disk, cutOff.get());
            }
            Optional<Path> other = staged(staging, disk);
            if (other.isPresent()) {
                throw taken(disk, other.get());
            }
            synchronized (this) {
                owners.requireNone(image);
                image.put(place);
            }
        });
    }

    private static void requireAnyForm(VmDefinition.Disk disk) throws ChainException {
        if (ImageForm.saidBy(disk.path()).isPresent()) {
            throw new ChainException(
                    "the path of disk %s is %s, which is there for qcow2 images only; write %s in the definition, which is there for all"
                            .formatted(disk.id(), disk.path(), disk.path().resolveSibling(disk.id())));
        }
    }

    private static ChainException taken(String disk, Path there) {
        return new ChainException(
                "disk %s was imported already, as %s; if another image is meant, move that one back to where it was"
                        .formatted(disk, there));
    }

    private static ChainException wasCutOff(String disk, Path layer) throws IOException {
        String rest = switch (ImageForm.of(layer)) {
            case QCOW2 -> "it is a copy; move it away, and import the image again";
            case RAW ->
                "to go on with it, name it with --in-place; if another image is meant, move it back to where it was";
            case DEVICE, COW ->
                "to go on with it, name %s with --in-place; if another image is meant, remove that link"
                        .formatted(Files.readSymbolicLink(layer));
        };
        return new ChainException(
                "an import that was cut off has made an image of disk %s %s already; %s".formatted(disk, layer, rest));
    }

    private Set<String> take(VmDefinition definition, String disk, Taking taking) throws SnapshotException {
        try {
            Path chain = ChainDirectory.locate(disk, definition.disk(disk).path());
            if (Files.exists(chain.resolve("head"))) {
                throw new ChainException(
                        chain + " is a chain already; to begin anew, move it away while the machine does not run");
            }
            Path staging = ImageOwners.staging(chain);
            Files.createDirectories(staging);
            taking.into(chain, staging);
            return finish(definition, chain, staging);
        } catch (IllegalArgumentException e) {
            throw SnapshotException.refused(String.valueOf(e.getMessage()));
        } catch (IOException e) {
            throw SnapshotException.of(e);
        }
    }

    private static Optional<Path> staged(Path staging, String disk) {
        return Arrays.stream(ImageForm.values())
                .map(form -> staging.resolve(form.fileName(disk)))
                .filter(image -> Files.exists(image, LinkOption.NOFOLLOW_LINKS))
                .findFirst();
    }

    private Set<String> finish(VmDefinition definition, Path chain, Path staging) throws IOException {
        SortedMap<String, Path> taken = new TreeMap<>();
        Set<String> missing = new TreeSet<>();
        for (VmDefinition.Disk disk : definition.disks()) {
            // Where it was before an import that was cut off made it a layer.
            Optional<Path> image = staged(staging, disk.id())
                    .or(() -> layered(chain, disk.id())
                            .map(layer -> staging.resolve(ImageForm.of(layer).fileName(disk.id()))));
            image.ifPresentOrElse(there -> taken.put(disk.id(), there), () -> missing.add(disk.id()));
        }
        if (missing.isEmpty()) {
            new ChainImport(images, clock).importDisks(chain, taken);
            Files.deleteIfExists(staging);
        }
        return missing;
    }

    /** What an import that was cut off has made the first layer of a disk. */
    private static Optional<Path> layered(Path chain, String disk) {
        return Arrays.stream(ImageForm.values())
                .map(form -> ChainImport.firstLayer(chain, disk, form))
                .filter(layer -> Files.exists(layer, LinkOption.NOFOLLOW_LINKS))
                .findFirst();
    }
}
