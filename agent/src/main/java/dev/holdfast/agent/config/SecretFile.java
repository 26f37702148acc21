package dev.holdfast.agent.config;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Set;

/** Checks files that the configuration names, without reading what is in them. */
final class SecretFile {
    private static final Set<PosixFilePermission> OTHERS = Set.of(
            PosixFilePermission.GROUP_READ,
            PosixFilePermission.GROUP_WRITE,
            PosixFilePermission.OTHERS_READ,
            PosixFilePermission.OTHERS_WRITE);

    private SecretFile() {}

    /** Reports a file that is missing, cannot be read, or could be read by others. */
    static void check(TableReader table, String key, Path file, String content) {
        if (!checkReadable(table, key, file, "create it with mode 0600 and " + content)) {
            return;
        }
        try {
            Ownership.doubt(file)
                    .ifPresent(doubt -> table.problem(key, "the secret " + doubt.what(), doubt.correction()));
            if (Files.getPosixFilePermissions(file).stream().anyMatch(OTHERS::contains)) {
                table.problem(
                        key, "the secret " + file + " can be read by others than its owner", "chmod 0600 " + file);
            }
            if (Files.size(file) == 0) {
                table.problem(key, "the secret " + file + " is empty", "write into it " + content);
            }
        } catch (IOException e) {
            table.problem(key, "the secret " + file + " cannot be examined: " + e.getMessage(), "check the disk");
        }
    }

    /** Reports a file that is missing or cannot be read. */
    static boolean checkReadable(TableReader table, String key, Path file, String correction) {
        if (!Files.exists(file)) {
            table.problem(key, "the file " + file + " is missing", correction);
            return false;
        }
        if (!Files.isRegularFile(file) || !Files.isReadable(file)) {
            table.problem(key, file + " is not a file this user can read", "check its mode and owner");
            return false;
        }
        return true;
    }
}
