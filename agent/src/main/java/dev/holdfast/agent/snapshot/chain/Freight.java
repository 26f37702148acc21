package dev.holdfast.agent.snapshot.chain;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * What another node needs to have a chain: what is frozen, as files to be copied, and what is written to, as the sizes of the
 * images that take its place. Immutable.
 *
 * @param directory the chain's path, which is the same on both nodes because layers name each other by it
 * @param generation the number of its head
 * @param disks what is written to
 * @param parts what is frozen: layers, sidecars, memory images
 */
public record Freight(String directory, int generation, List<Active> disks, List<Part> parts) {
    private static final Pattern PART = Pattern.compile("(layers|snapshots)/[A-Za-z0-9][A-Za-z0-9._-]{0,127}");
    private static final String UNFINISHED = ".pending";

    /**
     * A disk's active layer.
     *
     * @param layer its file name
     * @param virtualBytes the size that the guest sees
     * @param bytes what its file takes now
     * @param backing file name of the layer below; empty if there is none
     */
    public record Active(String layer, long virtualBytes, long bytes, String backing) {}

    /**
     * A file that nobody changes.
     *
     * @param path below the chain's directory
     * @param bytes its size
     */
    public record Part(String path, long bytes) {}

    /** @throws IllegalArgumentException a file is to lie elsewhere than in the chain */
    public Freight {
        disks = List.copyOf(disks);
        parts = List.copyOf(parts);
        for (Part part : parts) {
            if (!PART.matcher(part.path()).matches()) {
                throw new IllegalArgumentException("\"" + part.path() + "\" is no part of a chain");
            }
        }
    }

    /** Bytes to be copied before the disks themselves. */
    public long frozenBytes() {
        return parts.stream().mapToLong(Part::bytes).sum();
    }

    /** Bytes that the copy will take at least; the machine goes on writing. */
    public long bytes() {
        return frozenBytes() + disks.stream().mapToLong(Active::bytes).sum();
    }

    /**
     * Of a chain that nobody changes meanwhile.
     *
     * @throws ChainException it is not whole, or a change of it is under way, or a file lies in it that cannot be copied
     */
    public static Freight of(ChainDirectory chain) throws IOException {
        if (chain.intent().isPresent()) {
            throw new ChainException(
                    "a change of " + chain.path() + " is under way; wait for it, or run holdfast fsck");
        }
        LayerGraph graph = chain.wholeGraph();
        chain.requireQcow2("a move that copies disks (--copy-disks)");
        Generation head = chain.head();
        List<Active> disks = new ArrayList<>();
        Set<Path> active = new HashSet<>();
        for (Layer layer : head.layers().values()) {
            Path file = chain.file(layer);
            active.add(file);
            Optional<Layer> below = graph.backing().getOrDefault(layer, Optional.empty());
            disks.add(new Active(
                    layer.fileName(),
                    Qcow2Header.read(file).virtualBytes(),
                    Files.size(file),
                    below.map(Layer::fileName).orElse("")));
        }
        List<Part> parts = new ArrayList<>();
        for (Path directory : List.of(chain.layers(), chain.snapshotFiles())) {
            for (Path file : ChainDirectory.list(directory)) {
                String name = file.getFileName().toString();
                boolean skipped = name.startsWith(".") || name.endsWith(UNFINISHED) || active.contains(file);
                if (!skipped && Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
                    requireName(directory, file);
                    parts.add(new Part(directory.getFileName() + "/" + name, Files.size(file)));
                }
            }
        }
        return new Freight(chain.path().toString(), head.number(), disks, parts);
    }

    private static void requireName(Path directory, Path file) throws ChainException {
        if (!PART.matcher(directory.getFileName() + "/" + file.getFileName()).matches()) {
            throw new ChainException(file + " is none of Holdfast's, and cannot be copied; move it elsewhere");
        }
    }
}
