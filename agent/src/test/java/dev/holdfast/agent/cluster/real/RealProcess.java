package dev.holdfast.agent.cluster.real;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A process that can be started again, and its log. */
final class RealProcess {
    private static final long END_SECONDS = 60;

    private final Path log;
    private final List<String> command;
    private Process process;

    RealProcess(Path log, List<String> command) throws IOException {
        this.log = log;
        this.command = command;
        this.process = launch();
    }

    private Process launch() throws IOException {
        return new ProcessBuilder(command)
                .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .start();
    }

    void startAgain() throws IOException {
        if (!process.isAlive()) {
            process = launch();
        }
    }

    void kill() throws IOException {
        signal("KILL");
        awaitEnd();
    }

    void awaitEnd() throws IOException {
        try {
            if (!process.waitFor(END_SECONDS, TimeUnit.SECONDS)) {
                throw new IOException(command + " does not end");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
    }

    void signal(String name) throws IOException {
        if (process.isAlive()) {
            Signals.send(name, process.pid());
        }
    }

    boolean alive() {
        return process.isAlive();
    }

    String log() throws IOException {
        return Files.readString(log);
    }
}
