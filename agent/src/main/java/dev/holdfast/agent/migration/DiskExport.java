package dev.holdfast.agent.migration;

import dev.holdfast.agent.files.OwnFile;
import dev.holdfast.agent.hypervisor.ProcessIdentity;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

/**
 * An image that one client may write to over NBD, by {@code qemu-nbd}. It ends by itself when the client has gone, and what was
 * written is durable then. One thread.
 */
final class DiskExport implements Closeable {
    private static final Duration START = Duration.ofSeconds(10);
    private static final Duration LOOK = Duration.ofMillis(2);
    private static final Duration GONE = Duration.ofSeconds(5);
    private static final int MOST_WORDS = 400;

    private final String name;
    private final Path socket;
    private final Path log;
    private final Process process;

    private DiskExport(String name, Path socket, Path log, Process process) {
        this.name = name;
        this.socket = socket;
        this.log = log;
        this.process = process;
    }

    /**
     * Starts one. Returns when it can be connected to.
     *
     * @param name of the export
     * @param directory for its socket and its log
     */
    static DiskExport start(String name, Path image, Path directory, LongSupplier nanoClock) throws IOException {
        Path socket = socket(directory, name);
        Path log = directory.resolve("copy-" + name + ".log");
        Files.createDirectories(directory);
        end(directory, name);
        OwnFile.prepare(log);
        Process process = new ProcessBuilder(List.of(
                        "qemu-nbd",
                        "--format=qcow2",
                        "--socket=" + socket,
                        "--export-name=" + name,
                        "--pid-file=" + pid(directory, name),
                        "--cache=writeback",
                        "--discard=unmap",
                        image.toString()))
                .redirectErrorStream(true)
                .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                .redirectOutput(log.toFile())
                .start();
        DiskExport export = new DiskExport(name, socket, log, process);
        long begin = nanoClock.getAsLong();
        while (!Files.exists(socket)) {
            if (!process.isAlive() || nanoClock.getAsLong() - begin > START.toNanos()) {
                export.close();
                throw new IOException("qemu-nbd does not serve disk " + name + ": " + export.words());
            }
            LockSupport.parkNanos(LOOK.toNanos());
        }
        return export;
    }

    private static Path socket(Path directory, String name) {
        return directory.resolve("copy-" + name + ".sock");
    }

    private static Path pid(Path directory, String name) {
        return directory.resolve("copy-" + name + ".pid");
    }

    Path socket() {
        return socket;
    }

    /** Whether it has ended because its client has said goodbye. Waits for it. */
    boolean hasEndedWell(Duration patience) {
        try {
            return process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS) && process.exitValue() == 0;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private String words() {
        try {
            String words = Files.readString(log).strip();
            return words.substring(Math.max(0, words.length() - MOST_WORDS));
        } catch (IOException e) {
            return "(its log cannot be read)";
        }
    }

    /** Ends it, whoever writes. */
    @Override
    public void close() throws IOException {
        process.destroyForcibly();
        try {
            if (!process.waitFor(GONE.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new IOException("the export of disk " + name + " does not end although it was killed");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        Files.deleteIfExists(socket);
    }

    /** Ends one that an earlier life of the agent has started. */
    static void end(Path directory, String name) throws IOException {
        Path file = pid(directory, name);
        Path socket = socket(directory, name);
        Optional<ProcessIdentity> left = ProcessIdentity.noted(file, socket.toString());
        if (left.isPresent()) {
            left.get().signal(true);
            ProcessHandle.of(left.get().pid())
                    .ifPresent(process -> process.onExit()
                            .orTimeout(GONE.toSeconds(), TimeUnit.SECONDS)
                            .exceptionally(late -> process)
                            .join());
        }
        Files.deleteIfExists(file);
        Files.deleteIfExists(socket);
    }
}
