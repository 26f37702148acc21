package dev.holdfast.agent.config;

import dev.holdfast.agent.files.Ownership;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Checks files that the configuration names, without reading what is in them. */
final class SecretFile {
    private SecretFile() {}

    /** Reports a file that is missing, cannot be read, or could be read by others. */
    static void check(TableReader table, String key, Path file, String content) {
        if (!checkReadable(table, key, file, "create it with mode 0600 and " + content)) {
            return;
        }
        try {
            Ownership.doubtOfSecret(file)
                    .ifPresent(doubt -> table.problem(key, "the secret " + doubt.what(), doubt.correction()));
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
