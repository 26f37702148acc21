package dev.holdfast.agent.image;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/** Keys for tests. */
public final class KeyFiles {
    private KeyFiles() {}

    /** A file with a key: the same number makes the same key. */
    public static Path write(Path file, int number) throws IOException {
        return write(file, Base64.getEncoder().encodeToString(bytes(number)) + "\n");
    }

    static Path write(Path file, String text) throws IOException {
        Files.deleteIfExists(file);
        Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        return Files.writeString(file, text);
    }

    static byte[] bytes(int number) {
        byte[] bytes = new byte[MemoryKey.BYTES];
        new Random(number).nextBytes(bytes);
        return bytes;
    }

    /** With one key, which is in that file then. */
    public static MemoryKeys keys(Path file, int number) throws IOException {
        return MemoryKeys.read(Optional.of(write(file, number)), List.of());
    }
}
