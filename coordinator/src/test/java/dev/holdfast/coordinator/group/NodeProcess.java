package dev.holdfast.coordinator.group;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A {@link ChannelProcess} seen from outside. */
final class NodeProcess implements AutoCloseable {

    static final int PORT = 7800;

    private final Process process;
    private final LinkedBlockingQueue<String> answers = new LinkedBlockingQueue<>();
    private final LinkedBlockingQueue<String> departures = new LinkedBlockingQueue<>();

    NodeProcess(String node, String address, Path key, Path registry, Path log, long clockOffsetMillis)
            throws IOException {
        process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:+UseSerialGC",
                        "-Xmx64m",
                        "-Djdk.serialFilter=!*",
                        "-cp",
                        System.getProperty("java.class.path"),
                        ChannelProcess.class.getName(),
                        node,
                        address,
                        Integer.toString(PORT),
                        key.toString(),
                        registry.toString(),
                        Long.toString(clockOffsetMillis))
                .redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()))
                .start();
        Thread reader = new Thread(this::read, "reader-" + node);
        reader.setDaemon(true);
        reader.start();
    }

    private void read() {
        try (BufferedReader in = process.inputReader(StandardCharsets.UTF_8)) {
            in.lines().forEach(line -> (line.startsWith("left ") ? departures : answers).add(line));
        } catch (IOException | UncheckedIOException ended) {
            answers.add("ended");
        }
    }

    /** The next answer, without its first word, which must be the one given. */
    String await(String word, int seconds) throws InterruptedException {
        String line = answers.poll(seconds, TimeUnit.SECONDS);
        assertThat(line).as("answer of %s", process).isNotNull().startsWith(word + " ");
        return line.substring(word.length() + 1);
    }

    String ask(String command, int seconds) throws InterruptedException, IOException {
        process.outputWriter(StandardCharsets.UTF_8)
                .append(command)
                .append('\n')
                .flush();
        return await(command.split(" ")[0], seconds);
    }

    /** How long from now until the process says that a node is gone, in milliseconds. */
    long awaitDeparture(String node, int seconds) throws InterruptedException {
        long begin = System.nanoTime();
        assertThat(departures.poll(seconds, TimeUnit.SECONDS)).isEqualTo("left " + node);
        return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin);
    }

    boolean hasSeenDepartures() {
        return !departures.isEmpty();
    }

    void forgetDepartures() {
        departures.clear();
    }

    void signal(String signal) throws IOException, InterruptedException {
        assertThat(new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid()))
                        .start()
                        .waitFor())
                .isZero();
    }

    void kill() {
        process.destroyForcibly();
    }

    @Override
    public void close() throws InterruptedException {
        process.destroyForcibly();
        process.waitFor(1, TimeUnit.MINUTES);
    }
}
