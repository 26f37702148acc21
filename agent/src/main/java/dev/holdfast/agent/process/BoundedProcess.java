package dev.holdfast.agent.process;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Runs a tool to its end, or ends it. Its output goes through a file, so that no pipe can fill up. Thread-safe. */
public final class BoundedProcess {
    /**
     * Put before a command that rewrites an image, it has that end with the agent (util-linux, prctl PR_SET_PDEATHSIG): another node may take
     * the image over once the agent is gone. The kernel looks at the thread that started it, which is the one that waits for it.
     */
    public static final List<String> WITH_THE_AGENT = List.of("setpriv", "--pdeathsig", "KILL");

    private static final int LONGEST_OUTPUT = 64 * 1024;

    private BoundedProcess() {}

    /**
     * @param status exit status
     * @param output what it wrote to both of its outputs, cut after 64 KiB
     */
    public record Ended(int status, String output) {}

    /** @throws IOException if it cannot be started, or does not end in time: then it was killed */
    public static Ended run(List<String> command, Duration bound) throws IOException {
        return run(command, bound, LONGEST_OUTPUT);
    }

    /**
     * As {@link #run(List, Duration)}.
     *
     * @param longest bytes of output, after which it is cut
     */
    public static Ended run(List<String> command, Duration bound, int longest) throws IOException {
        Path output = Files.createTempFile("holdfast-", ".out");
        try {
            Process process = start(command, output);
            try {
                if (!process.waitFor(bound.toMillis(), TimeUnit.MILLISECONDS)) {
                    throw new IOException("\"%s\" did not end within %d s and was killed; is the storage slow or gone?"
                            .formatted(String.join(" ", command), bound.toSeconds()));
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InterruptedIOException("interrupted while waiting for " + command.get(0));
            } finally {
                process.destroyForcibly();
            }
            return new Ended(process.exitValue(), text(output, longest));
        } finally {
            Files.deleteIfExists(output);
        }
    }

    /**
     * Runs a tool that must not be killed.
     *
     * @param patience how long to wait for it
     * @return empty if it has not ended by then, or the wait was interrupted: it goes on
     * @throws IOException if it cannot be started
     */
    public static Optional<Ended> runOrLeave(List<String> command, Duration patience) throws IOException {
        Path output = Files.createTempFile("holdfast-", ".out");
        try {
            Process process = start(command, output);
            if (!process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS)) {
                return Optional.empty();
            }
            return Optional.of(new Ended(process.exitValue(), text(output, LONGEST_OUTPUT)));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.empty();
        } finally {
            Files.deleteIfExists(output);
        }
    }

    private static Process start(List<String> command, Path output) throws IOException {
        try {
            return new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectInput(
                            ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                    .redirectOutput(output.toFile())
                    .start();
        } catch (IOException e) {
            throw new IOException(command.get(0) + " cannot be started; is the package that contains it installed?", e);
        }
    }

    private static String text(Path output, int longest) throws IOException {
        byte[] bytes = Files.readAllBytes(output);
        return new String(bytes, 0, Math.min(bytes.length, longest), java.nio.charset.StandardCharsets.UTF_8).strip();
    }
}
