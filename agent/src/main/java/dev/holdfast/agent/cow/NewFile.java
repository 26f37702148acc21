package dev.holdfast.agent.cow;

import dev.holdfast.agent.json.DurableFile;
import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Set;

/** A file that is there in full, on stable storage, or not at all. It is written under another name beside its place. */
final class NewFile implements Closeable {
    private final Path place;
    private final boolean replaces;
    private final Path temporary;
    private final FileChannel channel;
    /** For signals that end the program. A crash leaves the file, under a name that nobody uses. */
    private final Thread atTheEnd;

    private NewFile(Path place, boolean replaces, Path temporary) throws IOException {
        this.place = place;
        this.replaces = replaces;
        this.temporary = temporary;
        this.channel = FileChannel.open(temporary, StandardOpenOption.WRITE);
        this.atTheEnd = new Thread(() -> temporary.toFile().delete(), "unfinished-file");
        Runtime.getRuntime().addShutdownHook(atTheEnd);
    }

    /**
     * Begins a file.
     *
     * @param replaces whether a file that has the name is replaced
     * @param mode who may read and write it
     * @throws CowException if something has the name that is not to be replaced, or can not be
     */
    static NewFile begin(Path wanted, boolean replaces, Set<PosixFilePermission> mode) throws IOException {
        Path place = place(wanted, replaces);
        Path directory = place.getParent();
        if (directory == null || !Files.isDirectory(directory)) {
            throw new CowException("the directory of " + wanted + " is not there; make it first");
        }
        Path temporary = Files.createTempFile(directory, "." + place.getFileName() + ".", ".merging");
        try {
            Files.setPosixFilePermissions(temporary, mode);
            return new NewFile(place, replaces, temporary);
        } catch (IOException e) {
            Files.delete(temporary);
            throw e;
        }
    }

    private static Path place(Path wanted, boolean replaces) throws IOException {
        if (!Files.exists(wanted, LinkOption.NOFOLLOW_LINKS)) {
            return wanted.toAbsolutePath();
        }
        if (!replaces) {
            throw there(wanted);
        }
        if (!Files.isRegularFile(wanted)) {
            throw new CowException(wanted + " is no regular file and cannot be replaced; name a file");
        }
        return wanted.toRealPath();
    }

    private static CowException there(Path file) {
        return new CowException(file + " is there already; name another file, or replace it with --force");
    }

    FileChannel channel() {
        return channel;
    }

    /** Gives the file its name. It is on stable storage when this returns. */
    void publish() throws IOException {
        channel.force(true);
        if (replaces) {
            Files.move(temporary, place, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } else {
            link();
        }
        DurableFile.flushDirectory(place.toAbsolutePath().getParent());
    }

    /** Unlike a rename, a link fails if the name has been taken meanwhile. */
    private void link() throws IOException {
        try {
            Files.createLink(place, temporary);
        } catch (FileAlreadyExistsException e) {
            throw there(place);
        }
        Files.delete(temporary);
    }

    @Override
    public void close() throws IOException {
        try {
            Runtime.getRuntime().removeShutdownHook(atTheEnd);
        } catch (IllegalStateException e) {
            // The program is ending, and the hook runs.
        }
        channel.close();
        Files.deleteIfExists(temporary);
    }
}
