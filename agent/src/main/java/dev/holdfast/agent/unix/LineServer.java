package dev.holdfast.agent.unix;

import java.io.Closeable;
import java.io.IOException;
import java.net.BindException;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipalNotFoundException;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.newsclub.net.unix.AFUNIXServerSocket;
import org.newsclub.net.unix.AFUNIXSocket;

/**
 * Listens on a UNIX socket that only its owner and one group may use (mode 0660), in place of one left
 * behind by a dead process.
 *
 * <p>Threads: one accepts, any may close.
 */
public final class LineServer implements Closeable {
    private static final int BACKLOG = 64;
    private static final Duration PROBE = Duration.ofMillis(500);

    private final Path path;
    private final AFUNIXServerSocket server;
    private final int maxLineBytes;
    private final @Nullable Object fileKey;
    private volatile boolean closed;

    private LineServer(Path path, AFUNIXServerSocket server, int maxLineBytes) throws IOException {
        this.path = path;
        this.server = server;
        this.maxLineBytes = maxLineBytes;
        this.fileKey = Files.readAttributes(path, BasicFileAttributes.class).fileKey();
    }

    /**
     * Starts to listen.
     *
     * @param path at most 100 bytes; its directory must exist and keep strangers out (0750 or less)
     * @param group the group that may connect, or null to leave it as it comes
     * @param maxLineBytes longest line accepted from a client
     * @throws BindException if another process listens there already
     * @throws IOException if the path, the group or the directory is not right
     */
    public static LineServer bind(Path path, @Nullable String group, int maxLineBytes) throws IOException {
        SocketPath.check(path);
        clearStale(path);
        AFUNIXServerSocket server = AFUNIXServerSocket.newInstance();
        try {
            server.setDeleteOnClose(false);
            server.bind(SocketPath.address(path), BACKLOG);
            // bind() leaves mode 0666 and a rename afterwards breaks accept() (junixsocket compares the inode of the
            // path), so it is the directory that keeps strangers out until the next line is done.
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-rw----"));
            if (group != null) {
                giveTo(path, group);
            }
            return new LineServer(path, server, maxLineBytes);
        } catch (IOException | RuntimeException e) {
            server.close();
            Files.deleteIfExists(path);
            throw e;
        }
    }

    /**
     * Waits for the next client.
     *
     * @return null after {@link #close()}
     */
    public @Nullable LineSocket accept() throws IOException {
        try {
            AFUNIXSocket client = server.accept();
            return client == null ? null : new LineSocket(client, maxLineBytes);
        } catch (IOException e) {
            if (closed) {
                return null;
            }
            throw e;
        }
    }

    /** Where it listens. */
    public Path path() {
        return path;
    }

    /** Stops listening and removes the socket file, unless another server has taken its place. */
    @Override
    public void close() throws IOException {
        closed = true;
        try {
            if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)
                    && Objects.equals(
                            fileKey,
                            Files.readAttributes(path, BasicFileAttributes.class)
                                    .fileKey())) {
                Files.deleteIfExists(path);
            }
        } finally {
            server.close();
        }
    }

    private static void clearStale(Path path) throws IOException {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        if (!Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                .isOther()) {
            throw new BindException(path + " is there but is no socket; move it away first");
        }
        try (LineSocket owner = LineSocket.connect(path, PROBE)) {
            throw new BindException(
                    "another process (pid " + owner.peer().pid() + ") already listens on " + path + "; stop it first");
        } catch (BindException | SocketTimeoutException e) {
            throw e;
        } catch (IOException e) {
            Files.delete(path); // nobody answers: left behind by a dead process
        }
    }

    private static void giveTo(Path socket, String group) throws IOException {
        try {
            GroupPrincipal principal =
                    socket.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByGroupName(group);
            Files.getFileAttributeView(socket, PosixFileAttributeView.class).setGroup(principal);
        } catch (UserPrincipalNotFoundException e) {
            throw new IOException(
                    "the group '" + group + "' does not exist on this machine; create it (groupadd " + group
                            + ") or name another admin_group in holdfast.toml",
                    e);
        }
    }
}
