package dev.holdfast.agent.qmp;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** A command did not succeed, or nobody can know whether it did: {@link #kind()} tells. */
public final class QmpException extends IOException {
    private static final long serialVersionUID = 1L;

    /** What the caller may conclude. */
    public enum Kind {
        /** QEMU answered with an error: the command had no effect beyond what its error says. */
        REJECTED,
        /** No answer in time: it may still be carried out. The connection stays open and the late reply is dropped. */
        TIMED_OUT,
        /** The connection is gone: commands sent before may or may not have been carried out. */
        CLOSED
    }

    private final Kind kind;
    private final String command;
    private final String errorClass;
    private final String description;

    private QmpException(
            Kind kind,
            String command,
            String errorClass,
            String description,
            String message,
            @Nullable Throwable cause) {
        super(message, cause);
        this.kind = kind;
        this.command = command;
        this.errorClass = errorClass;
        this.description = description;
    }

    static QmpException rejected(String command, String errorClass, String description) {
        return new QmpException(
                Kind.REJECTED,
                command,
                errorClass,
                description,
                "QEMU refused '" + command + "': " + description + " (" + errorClass + ")",
                null);
    }

    static QmpException timedOut(String command, long millis) {
        return new QmpException(
                Kind.TIMED_OUT,
                command,
                "",
                "",
                "QEMU did not answer '" + command + "' within " + millis
                        + " ms; its main loop hangs or the process is stopped, and the command may still take effect",
                null);
    }

    static QmpException closed(String command, String reason, @Nullable Throwable cause) {
        return new QmpException(
                Kind.CLOSED,
                command,
                "",
                "",
                "the QMP connection is gone (" + reason + "), so the outcome of '" + command + "' is not known",
                cause);
    }

    static QmpException notConnected(String reason, @Nullable Throwable cause) {
        return new QmpException(Kind.CLOSED, "connect", "", "", reason, cause);
    }

    /** What the caller may conclude. */
    public Kind kind() {
        return kind;
    }

    /** The command it was about. */
    public String command() {
        return command;
    }

    /** QEMU's error class, for example GenericError; empty unless rejected. */
    public String errorClass() {
        return errorClass;
    }

    /** QEMU's own words; empty unless rejected. */
    public String description() {
        return description;
    }

    /** Whether QEMU refused with words that contain {@code text}. */
    public boolean says(String text) {
        return description.contains(text);
    }
}
