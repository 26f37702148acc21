package dev.holdfast.agent.snapshot.chain;

import dev.holdfast.agent.json.DurableFile;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What lies beside a chain's directory because of moves: the chain that a copy replaces, a copy's directory before it is in its
 * place, and what is being removed. Whole directories change their names, which takes no time, and what was given the name of
 * something to be removed is removed by {@link #sweep()}, which may take minutes and be repeated. Not thread-safe, but for that.
 *
 * @param chain the chain's directory, absolute
 */
record BesideChain(Path chain) {
    private static final String REPLACED = ".replaced-by-move";
    private static final String FRESH = ".arriving";
    private static final String REMOVING = ".removing-";

    private Path beside(String suffix) {
        return chain.resolveSibling("." + chain.getFileName() + suffix);
    }

    /** The chain that is set aside while a copy takes its place. */
    Path replaced() {
        return beside(REPLACED);
    }

    /** Where a copy's directory is made. */
    Path fresh() {
        return beside(FRESH);
    }

    /** The chain makes room. What was there before that is removed. */
    void replace() throws IOException {
        discard(replaced());
        Files.move(chain, replaced(), StandardCopyOption.ATOMIC_MOVE);
    }

    /** The chain that has made room comes back, if there is one and nothing in its place. */
    void putBack() throws IOException {
        if (DurableFile.isThere(replaced()) && !DurableFile.isThere(chain)) {
            Files.move(replaced(), chain, StandardCopyOption.ATOMIC_MOVE);
            flush();
        }
    }

    /** Has a directory removed: it is out of its place on return. What cannot be renamed, as a mount point, is emptied. */
    void discard(Path directory) throws IOException {
        if (!DurableFile.isThere(directory)) {
            return;
        }
        int number = 1;
        while (DurableFile.isThere(beside(REMOVING + number))) {
            number++;
        }
        try {
            Files.move(directory, beside(REMOVING + number), StandardCopyOption.ATOMIC_MOVE);
        } catch (FileSystemException e) {
            empty(directory);
        }
        flush();
    }

    /** The mark goes last, so that one that was cut off can be repeated. */
    private static void empty(Path directory) throws IOException {
        for (Path part : ChainDirectory.list(directory)) {
            if (!part.getFileName().toString().equals(ArrivingChain.MARK)) {
                deleteTree(part);
            }
        }
        Files.deleteIfExists(directory.resolve(ArrivingChain.MARK));
    }

    private void flush() throws IOException {
        DurableFile.flushDirectory(parent());
    }

    private Path parent() {
        Path parent = chain.getParent();
        return parent == null ? chain : parent;
    }

    /** Removes what was discarded, by whomever and whenever. Any thread. */
    void sweep() throws IOException {
        String name = String.valueOf(beside(REMOVING).getFileName());
        List<Path> all = ChainDirectory.list(parent());
        for (Path one : all) {
            if (one.getFileName().toString().startsWith(name)) {
                deleteTree(one);
            }
        }
    }

    /** Somebody else may be at it, too. */
    private static void deleteTree(Path path) throws IOException {
        if (!DurableFile.isThere(path)) {
            return;
        }
        Files.walkFileTree(path, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.deleteIfExists(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
                if (e instanceof NoSuchFileException) {
                    return FileVisitResult.CONTINUE;
                }
                throw e;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException e) throws IOException {
                if (e != null && !(e instanceof NoSuchFileException)) {
                    throw e;
                }
                Files.deleteIfExists(directory);
                return FileVisitResult.CONTINUE;
            }
        });
    }
}
