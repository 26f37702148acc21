package dev.holdfast.agent.qmp;

import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** Any line that a QEMU may send: taken, or the connection is given up with a reason. A process that a guest has taken over is no friend. */
public final class QmpLinesFuzz {
    private QmpLinesFuzz() {}

    public static void fuzzerTestOneInput(byte[] input) {
        QmpInbox inbox = new QmpInbox(() -> 1);
        for (long id = 0; id < 4; id++) {
            inbox.expect(id, new QmpFuture("query-status", () -> {}));
        }
        try {
            for (String line : new String(input, StandardCharsets.UTF_8).split("\n", -1)) {
                inbox.take(line);
            }
        } catch (IOException givenUp) {
            if (givenUp.getMessage() == null) {
                throw new AssertionError("given up without a reason", givenUp);
            }
        }
    }
}
