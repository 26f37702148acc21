package dev.holdfast.agent.snapshot.chain;

import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.json.DurableFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/** Makes chains, from nothing or from plain images. The machine must not run. Not thread-safe. */
public final class ChainImport {
    private static final int FIRST = 1;

    private final DiskImages images;
    private final InstantSource clock;

    /** @param clock handed on to the steps; imports have no date */
    public ChainImport(DiskImages images, InstantSource clock) {
        this.images = images;
        this.clock = clock;
    }

    /**
     * Makes a chain with empty disks.
     *
     * @param path the new directory; its name ends in {@code .holdfast}
     * @param virtualBytes size of each disk by its id
     */
    public ChainDirectory create(Path path, SortedMap<String, Long> virtualBytes) throws IOException {
        ChainDirectory chain = prepare(path);
        TreeMap<String, Layer> layers = new TreeMap<>();
        for (Map.Entry<String, Long> disk : virtualBytes.entrySet()) {
            Layer layer = new Layer(disk.getKey(), FIRST);
            Files.deleteIfExists(chain.file(layer));
            images.create(chain.file(layer), disk.getValue());
            layers.put(disk.getKey(), layer);
        }
        return finish(chain, layers);
    }

    /**
     * Moves plain images into a new chain by renaming them: files, and links to block devices. If it was interrupted it can be repeated.
     *
     * @param path the new directory, on the file system of the images
     * @param files each disk's image by the disk's id; the end of its name says its form
     * @throws ChainException if an image is not of its form, stands on another, or is on another file system; nothing was moved
     */
    public ChainDirectory importDisks(Path path, SortedMap<String, Path> files) throws IOException {
        Files.createDirectories(path.toAbsolutePath().getParent());
        Path target = real(path);
        for (Map.Entry<String, Path> disk : files.entrySet()) {
            Path layer = firstLayer(target, disk.getKey(), ImageForm.of(disk.getValue()));
            if (!Files.exists(layer, LinkOption.NOFOLLOW_LINKS)) {
                check(disk.getValue(), target);
            }
        }
        ChainDirectory chain = prepare(target);
        TreeMap<String, Layer> layers = new TreeMap<>();
        for (Map.Entry<String, Path> disk : files.entrySet()) {
            Layer layer = new Layer(disk.getKey(), FIRST, ImageForm.of(disk.getValue()));
            if (!Files.exists(chain.file(layer), LinkOption.NOFOLLOW_LINKS)) {
                Files.move(disk.getValue(), chain.file(layer), StandardCopyOption.ATOMIC_MOVE);
            }
            layers.put(disk.getKey(), layer);
        }
        return finish(chain, layers);
    }

    /** Where the image of a disk is in a chain that is being made. */
    public static Path firstLayer(Path chain, String disk, ImageForm form) {
        return ChainDirectory.unchecked(chain).file(new Layer(disk, FIRST, form));
    }

    private static void check(Path image, Path target) throws IOException {
        ImageForm form = ImageForm.of(image);
        boolean fits = form == ImageForm.DEVICE
                ? Files.isSymbolicLink(image)
                : Files.isRegularFile(image, LinkOption.NOFOLLOW_LINKS);
        if (!fits) {
            throw new ChainException(image + " is missing or is no regular file; name the image itself");
        }
        if (form == ImageForm.QCOW2) {
            checkHeader(image);
        }
        Path parent = target.getParent();
        if (parent == null || !Files.getFileStore(parent).equals(Files.getFileStore(image.resolveSibling("")))) {
            throw new ChainException(("%s and %s are on different file systems; all disks of a machine must move by one"
                            + " rename: copy the image there first")
                    .formatted(image, target));
        }
    }

    private static void checkHeader(Path image) throws IOException {
        Qcow2Header header = Qcow2Header.read(image);
        if (header.backing().isPresent()) {
            throw new ChainException(
                    ("%s stands on %s; make it one file first: \"qemu-img convert -O qcow2 %s NEW\", then import NEW")
                            .formatted(image, header.backing().get(), image));
        }
        if (header.version() < 3 || header.externalData()) {
            throw new ChainException(
                    image + " is a qcow2 image of an old version or with its data in another file; convert"
                            + " it with \"qemu-img convert -O qcow2 " + image + " NEW\", then import NEW");
        }
    }

    private static ChainDirectory prepare(Path path) throws IOException {
        Files.createDirectories(path.toAbsolutePath().getParent());
        ChainDirectory chain = ChainDirectory.unchecked(real(path));
        if (!path.getFileName().toString().endsWith(ChainDirectory.SUFFIX)) {
            throw new ChainException("the name of the new directory " + path + " must end in " + ChainDirectory.SUFFIX);
        }
        if (Files.exists(chain.headLink(), LinkOption.NOFOLLOW_LINKS) || chain.isHeadAside()) {
            throw new ChainException(path + " is a chain already; choose another name");
        }
        Optional<String> elsewhere = MovedChain.explain(chain.path());
        if (elsewhere.isPresent()) {
            throw new ChainException(elsewhere.get());
        }
        for (Path directory :
                List.of(chain.path(), chain.layers(), chain.generations(), chain.snapshotFiles(), chain.lost())) {
            Files.createDirectories(directory);
        }
        return chain;
    }

    /** The path without links, as far as it exists. */
    private static Path real(Path path) throws IOException {
        Path absolute = path.toAbsolutePath().normalize();
        return absolute.getParent().toRealPath().resolve(absolute.getFileName());
    }

    private ChainDirectory finish(ChainDirectory chain, SortedMap<String, Layer> layers) throws IOException {
        // An import that was cut off may have made it for images of other forms.
        Path generation = chain.generations().resolve(Generation.directoryName(FIRST));
        for (Path link : ChainDirectory.list(generation)) {
            Files.delete(link);
        }
        ChainExecutor executor = new ChainExecutor(
                chain, images, LiveDisks.NONE, clock, ChainExecutor.Removal.QUARANTINE, Progress.NONE);
        executor.run(List.of(
                new ChainStep.FlushLayers(),
                new ChainStep.MakeGeneration(new Generation(FIRST, layers)),
                new ChainStep.MoveHead(FIRST),
                new ChainStep.FlushHead()));
        Path parent = chain.path().getParent();
        if (parent != null) {
            DurableFile.flushDirectory(parent);
        }
        return ChainDirectory.open(chain.path());
    }
}
