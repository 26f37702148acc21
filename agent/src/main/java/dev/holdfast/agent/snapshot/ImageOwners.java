package dev.holdfast.agent.snapshot;

import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.snapshot.chain.ChainDirectory;
import dev.holdfast.agent.snapshot.chain.ChainException;
import dev.holdfast.agent.snapshot.chain.PlainImage;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.function.Supplier;

/**
 * Whose an image is already: two machines on one would destroy what is on it, and that one of them is stopped now no lock tells. Thread-safe;
 * blocks as the file systems of the chains do.
 *
 * @param definitions of the machines of this node
 */
record ImageOwners(Supplier<? extends Collection<VmDefinition>> definitions) {
    private static final String LAYERS = "layers";

    /** Where the images of a chain are that is not there yet. */
    static Path staging(Path chain) {
        return chain.resolveSibling("." + chain.getFileName() + ".import");
    }

    /** @throws ChainException it is an image of another chain or machine, or of another disk of the same one, with what to do */
    void requireNone(PlainImage image) throws IOException {
        if (isInChain(image.file())) {
            throw new ChainException(
                    ("%s is in a chain, whose machine would lose it; import a copy without --in-place, or, if that machine is not wanted"
                                    + " any more, move the image out of there first")
                            .formatted(image.file()));
        }
        for (VmDefinition definition : definitions.get()) {
            for (Path used : used(definition)) {
                if (image.isReachedBy(used)) {
                    throw new ChainException(
                            ("%s is an image of machine %s already, by %s, and what two machines write is lost; name another one, or, if"
                                            + " that one is not wanted any more, remove %3$s first")
                                    .formatted(image.file(), definition.name(), used));
                }
            }
        }
    }

    private static boolean isInChain(Path image) {
        Path directory = image.toAbsolutePath().normalize().getParent();
        if (directory == null || directory.getFileName() == null) {
            return false;
        }
        String name = directory.getFileName().toString();
        Path parent = directory.getParent();
        return name.endsWith(ChainDirectory.SUFFIX + ".import")
                || (name.equals(LAYERS)
                        && parent != null
                        && String.valueOf(parent.getFileName()).endsWith(ChainDirectory.SUFFIX));
    }

    private static List<Path> used(VmDefinition definition) throws IOException {
        List<Path> used = new ArrayList<>();
        for (VmDefinition.Disk disk : definition.disks()) {
            used.add(disk.path());
            Path head = disk.path().getParent();
            Path chain = head == null ? null : head.getParent();
            if (chain != null && chain.getFileName() != null) {
                addAll(used, chain.resolve(LAYERS));
                addAll(used, staging(chain));
            }
        }
        return used;
    }

    private static void addAll(List<Path> used, Path directory) throws IOException {
        if (Files.isDirectory(directory)) {
            try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
                files.forEach(used::add);
            }
        }
    }
}
