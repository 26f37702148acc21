package dev.holdfast.agent.storage;

import dev.holdfast.agent.storage.StorageException.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Devices have many names, and images are links to them. Thread-safe. */
public final class Links {
    private static final int MOST = 16;

    private Links() {}

    /** The paths that a path leads to, itself first, as long as these are links. */
    public static List<Path> way(Path path) throws StorageException {
        List<Path> way = new ArrayList<>(List.of(path.toAbsolutePath()));
        try {
            Path last = way.get(0);
            while (Files.isSymbolicLink(last) && way.size() < MOST) {
                Path directory =
                        last.getParent() == null ? last : last.getParent().toRealPath();
                last = directory.resolve(Files.readSymbolicLink(last)).normalize();
                way.add(last);
            }
            return way;
        } catch (IOException e) {
            throw new StorageException(Kind.FAILED, "the link " + path + " cannot be followed: " + e, e);
        }
    }
}
