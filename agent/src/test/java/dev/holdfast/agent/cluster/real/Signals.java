package dev.holdfast.agent.cluster.real;

import java.io.IOException;

/** Signals by number of process. */
final class Signals {
    private Signals() {}

    static void send(String name, long pid) throws IOException {
        try {
            int status = new ProcessBuilder("kill", "-" + name, Long.toString(pid))
                    .start()
                    .waitFor();
            if (status != 0) {
                throw new IOException("kill -" + name + " " + pid + " failed");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
    }
}
