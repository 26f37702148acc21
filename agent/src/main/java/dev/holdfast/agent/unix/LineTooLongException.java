package dev.holdfast.agent.unix;

import java.io.IOException;

/** The peer sent more bytes without a line end than this socket accepts. The connection is of no use afterwards. */
public final class LineTooLongException extends IOException {
    private static final long serialVersionUID = 1L;

    LineTooLongException(int limitBytes) {
        super("the peer sent a line longer than " + limitBytes
                + " bytes, which no message of this protocol is; the connection is closed, so connect again");
    }
}
