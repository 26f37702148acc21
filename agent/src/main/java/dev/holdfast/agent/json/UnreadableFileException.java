package dev.holdfast.agent.json;

import java.io.IOException;
import java.io.Serial;
import java.nio.file.Path;

/** A durable file is there but cannot be used. It is never reset or removed; a person decides. */
public final class UnreadableFileException extends IOException {
    @Serial
    private static final long serialVersionUID = 1L;

    private final transient Path file;

    UnreadableFileException(Path file, String why, Throwable cause) {
        super(text(file, why), cause);
        this.file = file;
    }

    UnreadableFileException(Path file, String why) {
        super(text(file, why));
        this.file = file;
    }

    /** The file. */
    public Path file() {
        return file;
    }

    private static String text(Path file, String why) {
        return "the file " + file + " cannot be used: " + why
                + "; it is left as it is: restore it, or move it away once you know what it was for";
    }
}
