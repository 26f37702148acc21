package dev.holdfast.agent.files;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * Whose a file is that the agent believes. It runs as root and does what its configuration says, so that whoever may write
 * there is root.
 */
public final class Ownership {
    private static final int GROUP_WRITES = 0_020;
    private static final int OTHERS_WRITE = 0_002;
    private static final int ANYBODY_READS = 0_044;
    private static final int ANYBODY_WRITES = 0_022;

    /**
     * A reason not to believe a file.
     *
     * @param what is wrong, beginning with the file
     * @param correction what to do
     */
    public record Doubt(String what, String correction) {}

    private Ownership() {}

    /** What is wrong with it; empty if only root and the agent's own user can have written it. */
    public static Optional<Doubt> doubt(Path file) throws IOException {
        Map<String, Object> self = Files.readAttributes(Path.of("/proc/self"), "unix:uid,gid");
        Map<String, Object> found = Files.readAttributes(file, "unix:uid,gid,mode");
        int mode = (int) found.get("mode");
        if (!found.get("uid").equals(0) && !found.get("uid").equals(self.get("uid"))) {
            return doubt(
                    "%s belongs to user %s, and the agent runs as another".formatted(file, found.get("uid")),
                    "chown root " + file);
        }
        boolean ownGroup = found.get("gid").equals(0) || found.get("gid").equals(self.get("gid"));
        if ((mode & OTHERS_WRITE) != 0 || (mode & GROUP_WRITES) != 0 && !ownGroup) {
            return doubt("%s can be written by others than its owner".formatted(file), "chmod go-w " + file);
        }
        return Optional.empty();
    }

    /**
     * What is wrong with a file that holds a secret: it belongs to somebody else, or others than its owner can read or write
     * it. That they may execute it gives them nothing.
     */
    public static Optional<Doubt> doubtOfSecret(Path file) throws IOException {
        int mode = (int) Files.getAttribute(file, "unix:mode");
        if ((mode & (ANYBODY_READS | ANYBODY_WRITES)) != 0) {
            String does = (mode & ANYBODY_READS) != 0 ? "read" : "written";
            return doubt("%s can be %s by others than its owner".formatted(file, does), "chmod 0600 " + file);
        }
        return doubt(file);
    }

    private static Optional<Doubt> doubt(String what, String correction) {
        return Optional.of(new Doubt(what, correction));
    }
}
