package dev.holdfast.agent.tunnel;

import dev.holdfast.coordinator.seal.Seal;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Seals and opens messages for nobody until this Java does it with the processor's own instructions, which it learns by calls, not by
 * bytes: 0.1 s of many small messages, where streams and memory images would go at a fiftieth of their
 * speed for their first 200 MB.
 */
public final class Practice {
    private static final Logger LOG = LoggerFactory.getLogger(Practice.class);
    private static final AtomicBoolean BEGUN = new AtomicBoolean();
    private static final int MESSAGES = 10_000;
    private static final int BYTES = 1024;

    private Practice() {}

    /** Begins in the background, once in the life of the process. */
    public static void begin() {
        if (BEGUN.compareAndSet(false, true)) {
            Thread thread = new Thread(Practice::run, "tunnel-practice");
            thread.setDaemon(true);
            thread.start();
        }
    }

    private static void run() {
        byte[] salt = Secret.random();
        Secret secret = Secret.fresh();
        byte[] message = new byte[BYTES];
        byte[] sealed = new byte[BYTES + Seal.TAG];
        try {
            Seal there = new Seal(secret.key("there", salt, salt));
            Seal back = new Seal(secret.key("there", salt, salt));
            for (int i = 0; i < MESSAGES; i++) {
                there.seal(message, 0, message.length, sealed, 0);
                back.open(sealed, 0, sealed.length, message, 0);
            }
        } catch (IOException | GeneralSecurityException e) {
            LOG.warn("streams to other agents cannot be encrypted: {}", e.getMessage());
        }
    }
}
