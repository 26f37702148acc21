package dev.holdfast.coordinator.zookeeper;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.security.NoSuchAlgorithmException;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Id;
import org.apache.zookeeper.server.auth.DigestAuthenticationProvider;

/**
 * User and password for ZooKeeper's digest scheme. Its text form hides the password. Immutable.
 *
 * @param user letters, digits, dots, dashes and underscores
 * @param password at least 8 printable ASCII characters
 */
public record Credentials(String user, String password) {

    private static final Pattern USER = Pattern.compile("[A-Za-z0-9._-]{1,64}");
    private static final Pattern PASSWORD = Pattern.compile("[\\x21-\\x7e]{8,256}");
    private static final Set<PosixFilePermission> OWNER_ONLY =
            EnumSet.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE);
    private static final int LARGEST_FILE = 1024;

    /** @throws IllegalArgumentException if a part does not have its form; the message does not show the password */
    public Credentials {
        if (!USER.matcher(user).matches()) {
            throw new IllegalArgumentException("the user must be 1 to 64 letters, digits, '.', '-' or '_'");
        }
        if (!PASSWORD.matcher(password).matches()) {
            throw new IllegalArgumentException(
                    "the password must be 8 to 256 printable ASCII characters without spaces");
        }
    }

    /**
     * Reads {@code user:password} from a file of one line that nobody but its owner can read.
     *
     * @throws IOException if the file is missing, open to others or malformed; the message says what to do
     */
    public static Credentials read(Path file) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new IOException(("%s is missing or not a file; copy it from another node of the cluster, or make one:"
                            + " (umask 077; echo \"holdfast:$(head -c 18 /dev/urandom | base64 | tr '/+' '_-')\" > %s)")
                    .formatted(file, file));
        }
        Set<PosixFilePermission> mode = Files.getPosixFilePermissions(file);
        if (!OWNER_ONLY.containsAll(mode)) {
            throw new IOException("%s can be read by others than its owner; run: chmod 600 %s, and change the password"
                    .formatted(file, file));
        }
        if (Files.size(file) > LARGEST_FILE) {
            throw new IOException(file + " is too large; it must hold one line user:password");
        }
        String line = Files.readString(file, StandardCharsets.ISO_8859_1).strip();
        int colon = line.indexOf(':');
        if (colon < 0) {
            throw new IOException(file + " must hold one line user:password; there is no colon in it");
        }
        try {
            return new Credentials(line.substring(0, colon), line.substring(colon + 1));
        } catch (IllegalArgumentException refused) {
            throw new IOException(file + ": " + refused.getMessage(), refused);
        }
    }

    byte[] digest() {
        return (user + ":" + password).getBytes(StandardCharsets.UTF_8);
    }

    /**
     * Who may do what with a node that is ours: this user everything, nobody else anything. Not {@code CREATOR_ALL_ACL}: by TLS a
     * creator is also what its certificate says, and a node of the cluster would keep its rights when the password is changed.
     */
    List<ACL> oursAlone() {
        try {
            // A list that may be asked whether null is in it, which ZooKeeper does.
            return Collections.singletonList(new ACL(
                    ZooDefs.Perms.ALL,
                    new Id("digest", DigestAuthenticationProvider.generateDigest(user + ":" + password))));
        } catch (NoSuchAlgorithmException missing) {
            throw new IllegalStateException("every Java runtime has what ZooKeeper digests with", missing);
        }
    }

    @Override
    public String toString() {
        return user + ":***";
    }
}
