package dev.holdfast.agent.config;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * Whose a file is that the agent believes. It runs as root and does what its configuration says, so that whoever may write
 * there is root.
 */
final class Ownership {
    private static final int GROUP_WRITES = 0_020;
    private static final int OTHERS_WRITE = 0_002;

    /** @param what is wrong
     * @param correction what to do */
    record Doubt(String what, String correction) {}

    private Ownership() {}

    /** What is wrong with it; empty if only root and the agent's own user can have written it. */
    static Optional<Doubt> doubt(Path file) throws IOException {
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

    private static Optional<Doubt> doubt(String what, String correction) {
        return Optional.of(new Doubt(what, correction));
    }
}
