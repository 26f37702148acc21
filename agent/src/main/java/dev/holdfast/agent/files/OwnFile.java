package dev.holdfast.agent.files;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Set;

/**
 * Makes and opens files that only the agent may read and write (mode 0600). A symbolic link in the place of such a file is not
 * followed, and a file that has a second name elsewhere is not written to: whoever may write to the directory could have put
 * them there to have root write to a file of theirs. Thread-safe.
 */
public final class OwnFile {
    private static final Set<OpenOption> NEW =
            Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
    private static final Set<OpenOption> THERE = Set.of(StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);
    /** S_IFMT, S_IFREG, S_IFLNK, and who may write, of stat(2). */
    private static final int TYPE = 0_170000;

    private static final int REGULAR = 0_100000;
    private static final int SYMBOLIC_LINK = 0_120000;
    private static final int STICKY = 0_1000;
    private static final int OTHERS_WRITE = 0_022;

    private OwnFile() {}

    /**
     * Makes a file that must not be there.
     *
     * @throws IOException also if it is there, whatever it is
     */
    public static FileChannel create(Path file) throws IOException {
        FileAttribute<?> mode = PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
        try {
            return FileChannel.open(file, NEW, mode);
        } catch (FileAlreadyExistsException e) {
            throw new IOException(file + " is there already" + nature(file) + "; move it away", e);
        }
    }

    /** Makes a file anew in place of the file or link that is there, which is removed and not followed. */
    public static FileChannel replace(Path file) throws IOException {
        if (!Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS)) {
            Files.deleteIfExists(file);
        }
        return create(file);
    }

    /**
     * Opens a file that is there or makes it; the content stays.
     *
     * @throws IOException also if it is a link, no regular file, or has another name besides
     */
    public static FileChannel open(Path file) throws IOException {
        prepare(file);
        return FileChannel.open(file, THERE);
    }

    /**
     * Sees to it that a program which opens this name for writing writes to a file of ours: makes it if it is not there.
     *
     * @throws IOException as {@link #open}
     */
    public static void prepare(Path file) throws IOException {
        try {
            Map<String, Object> found = Files.readAttributes(file, "unix:mode,nlink", LinkOption.NOFOLLOW_LINKS);
            int type = number(found, "mode") & TYPE;
            if (type != REGULAR || number(found, "nlink") != 1) {
                throw new IOException(
                        "%s%s, and is not written to: it may lead elsewhere. See who put it there, and remove it"
                                .formatted(file, nature(file)));
            }
        } catch (NoSuchFileException | FileNotFoundException e) {
            create(file).close();
        }
    }

    /** Replaces a file by one with this text. */
    public static void write(Path file, String text) throws IOException {
        try (FileChannel channel = replace(file)) {
            ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        }
    }

    /**
     * Checks that nobody but root and the agent's user can put something into a directory in the place of a file.
     *
     * @throws IOException if somebody can, with what to do
     */
    public static void requirePrivate(Path directory) throws IOException {
        Map<String, Object> found = Files.readAttributes(directory, "unix:mode,uid");
        int self = number(Files.readAttributes(Path.of("/proc/self"), "unix:uid"), "uid");
        int owner = number(found, "uid");
        int mode = number(found, "mode");
        if (owner != 0 && owner != self) {
            throw new IOException("%s belongs to user %d, who could replace what is in it: chown root %s"
                    .formatted(directory, owner, directory));
        }
        if ((mode & OTHERS_WRITE) != 0 && (mode & STICKY) == 0) {
            throw new IOException("others may write to %s and could replace what is in it: chmod go-w %s"
                    .formatted(directory, directory));
        }
    }

    private static String nature(Path file) throws IOException {
        Map<String, Object> found = Files.readAttributes(file, "unix:mode,nlink", LinkOption.NOFOLLOW_LINKS);
        int type = number(found, "mode") & TYPE;
        if (type == SYMBOLIC_LINK) {
            return " is a symbolic link to " + Files.readSymbolicLink(file);
        }
        return type == REGULAR ? " has " + found.get("nlink") + " names" : " is no regular file";
    }

    private static int number(Map<String, Object> attributes, String name) {
        return ((Number) attributes.get(name)).intValue();
    }
}
