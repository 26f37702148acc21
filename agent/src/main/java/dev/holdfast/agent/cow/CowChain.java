package dev.holdfast.agent.cow;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;

/** Open COW files, each resting on the next, and the raw image at the end. Holds the files open until it is closed. */
public final class CowChain implements Closeable {
    private final List<Layer> layers = new ArrayList<>();
    private Optional<CowException> problem = Optional.empty();

    private CowChain() {}

    /**
     * Opens a chain and checks that each file is the one that the file above it belongs to, by size and time of change.
     *
     * @param named COW files, the newest first, at least one; below the last one the names in the headers are followed
     * @param base the file below the last of them, instead of the one that its header names
     * @throws CowException if the first of them cannot be read; what is wrong below it is a {@link #problem}
     */
    public static CowChain open(List<Path> named, Optional<Path> base) throws IOException {
        CowChain chain = new CowChain();
        try {
            Iterator<Path> rest = named.iterator();
            Layer top = Layer.openCow(rest.next());
            chain.layers.add(top);
            try {
                chain.descend(rest, base);
            } catch (CowException e) {
                chain.problem = Optional.of(e);
            }
            return chain;
        } catch (IOException e) {
            chain.close();
            throw e;
        }
    }

    /** Why the chain is not whole, if it is not; its layers are then those above the fault. */
    public Optional<CowException> problem() {
        return problem;
    }

    /** @throws CowException the {@link #problem} */
    public void requireWhole() throws CowException {
        if (problem.isPresent()) {
            throw problem.get();
        }
    }

    /** The newest first; the last one is the raw image, if the chain is whole. */
    List<Layer> layers() {
        return layers;
    }

    /** The newest layer. */
    Layer top() {
        return layers.get(0);
    }

    private void descend(Iterator<Path> named, Optional<Path> base) throws IOException {
        Optional<Path> instead = base;
        Layer above = top();
        while (above.header().isPresent()) {
            CowHeader header = above.header().get();
            requireComplete(above, header);
            boolean listed = named.hasNext();
            Path file = listed ? named.next() : instead.orElse(recorded(above, header));
            if (!listed) {
                instead = Optional.empty();
            }
            Layer below = below(above, header, file, listed);
            add(below);
            above = below;
        }
    }

    private static void requireComplete(Layer layer, CowHeader header) throws CowException {
        if (!layer.isComplete()) {
            boolean bitmap = layer.fileBytes() < header.bitmapOffset() + header.bitmapBytes();
            throw new CowException(
                    "%s is truncated inside its %s: a device of %d bytes needs %d, and the file has %d; restore it from a copy"
                            .formatted(
                                    layer.file(),
                                    bitmap ? "bitmap" : "data",
                                    header.deviceBytes(),
                                    header.fileBytes(),
                                    layer.fileBytes()));
        }
        if (header.sectorsWithoutBit() > 0) {
            throw new CowException(
                    ("the bitmap of %s is shorter than its device, a mistake of versions 1 and 2: whether its last %d sectors"
                                    + " were written cannot be told; copy the device from inside User-Mode Linux")
                            .formatted(layer.file(), header.sectorsWithoutBit()));
        }
    }

    private static Path recorded(Layer above, CowHeader header) throws CowException {
        try {
            return Path.of(header.backing());
        } catch (InvalidPathException e) {
            throw new CowException(
                    "the name of the backing file in %s cannot be used (%s); set LC_ALL=C.UTF-8, or name the file with --base"
                            .formatted(above.file(), e.getMessage()),
                    e);
        }
    }

    private Layer below(Layer above, CowHeader header, Path file, boolean listed) throws IOException {
        Layer below;
        try {
            below = listed ? Layer.openCow(file) : Layer.openBelow(file, header.deviceBytes());
        } catch (CowException e) {
            throw new CowException(
                    "the file below %s is not the one it belongs to: %s. If that was moved, name it with --base"
                            .formatted(above.file(), e.getMessage()),
                    e);
        }
        try {
            requireBelonging(above, header, below);
            return below;
        } catch (CowException e) {
            below.close();
            throw e;
        }
    }

    private static void requireBelonging(Layer above, CowHeader header, Layer below) throws CowException {
        if (below.deviceBytes() != header.deviceBytes()) {
            throw new CowException("%s belongs to a backing file of %d bytes, and %s has %d; %s"
                    .formatted(
                            above.file(),
                            header.deviceBytes(),
                            below.file(),
                            below.deviceBytes(),
                            below.fileBytes() == header.deviceBytes()
                                    ? "it was made on that file as if it were a raw image (uml_mkcow does that), so that it holds no device"
                                    : "name the right one; several COW files are listed with the newest first"));
        }
        if (below.seconds() != header.backingSeconds()) {
            throw new CowException(
                    ("%s belongs to a backing file that was changed at %d (seconds since 1970), and %s was changed at %d. If you know that"
                                    + " only its time is wrong (a copy without -p): touch -d @%2$d %3$s")
                            .formatted(
                                    above.file(),
                                    Integer.toUnsignedLong(header.backingSeconds()),
                                    below.file(),
                                    Integer.toUnsignedLong(below.seconds())));
        }
    }

    private void add(Layer below) throws IOException {
        for (Layer layer : layers) {
            if (layer.isSameFile(below)) {
                below.close();
                throw new CowException(
                        "the chain is a loop: below %s is %s again; one of the headers is wrong, name the files one by one"
                                .formatted(layers.get(layers.size() - 1).file(), below.file()));
            }
        }
        layers.add(below);
    }

    /** Keeps User-Mode Linux from writing to any of the files while they are read. */
    void lock() throws IOException {
        for (Layer layer : layers) {
            layer.lock();
        }
    }

    /** @throws CowException if one of the files was changed since it was opened */
    void requireUnchanged() throws IOException {
        for (Layer layer : layers) {
            layer.requireUnchanged();
        }
    }

    @Override
    public void close() throws IOException {
        for (Layer layer : layers) {
            layer.close();
        }
    }
}
