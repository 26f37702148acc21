package dev.holdfast.agent.hypervisor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** Where a disk's path leads. Reads links only, and blocks no longer than their storage. */
public final class ImageLink {
    private ImageLink() {}

    /** The path with the form that is there, if it says none: {@code head/d0.raw} for {@code head/d0}. As it is if there are none, or several. */
    public static Path complete(Path path) {
        if (ImageForm.saidBy(path).isPresent() || Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return path;
        }
        List<Path> there = Arrays.stream(ImageForm.values())
                .map(form -> path.resolveSibling(form.fileName(String.valueOf(path.getFileName()))))
                .filter(each -> Files.exists(each, LinkOption.NOFOLLOW_LINKS))
                .toList();
        return there.size() == 1 ? there.get(0) : path;
    }

    /**
     * The name by which an image is opened and reported. All links are followed, but for the one from a layer to its block device: where that
     * leads may be another name after the next boot of the host.
     *
     * @throws IOException it leads to nothing that is there
     */
    public static Path follow(Path path) throws IOException {
        Path named = complete(path);
        Path image = named.toRealPath();
        if (!ImageForm.of(named).isDevice()) {
            return image;
        }
        Path link = inRealDirectory(named);
        Path target = Files.readSymbolicLink(link);
        // What leads to a layer is relative to a generation; what a layer leads to is not in the chain.
        return target.isAbsolute() ? link : inRealDirectory(link.resolveSibling(target));
    }

    /** The same file in its directory's own name. */
    private static Path inRealDirectory(Path file) throws IOException {
        Path absolute = file.toAbsolutePath();
        return absolute.resolveSibling("").toRealPath().resolve(absolute.getFileName());
    }
}
