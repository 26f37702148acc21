package dev.holdfast.agent.hypervisor;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

/**
 * A process that cannot be mistaken for a later one with the same number.
 *
 * @param pid process id
 * @param startTicks start time since boot in clock ticks: field 22 of {@code /proc/PID/stat}
 */
public record ProcessIdentity(long pid, long startTicks) implements VmIdentity {
    private static final int STATE = 0;
    private static final int THREADS = 17;
    private static final int START = 19;
    private static final long LOOK_NANOS = 2_000_000;

    /**
     * The process that has this id now; empty if there is none or it is a zombie. While other threads of a zombie are still
     * ending, it holds its files and their locks, so that it is not gone.
     */
    public static Optional<ProcessIdentity> of(long pid) {
        try {
            String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"), StandardCharsets.ISO_8859_1);
            // The name in parentheses may contain anything, so the fields are counted from behind it.
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
            boolean zombie = fields[STATE].equals("Z") && Integer.parseInt(fields[THREADS]) <= 1;
            boolean dead = zombie || fields[STATE].equals("X");
            return dead ? Optional.empty() : Optional.of(new ProcessIdentity(pid, Long.parseLong(fields[START])));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /**
     * The living process that a pid file names, if its command line says that it is the one: the number may have been given to
     * a stranger since.
     *
     * @param word what its command line contains
     * @throws IOException it cannot be told
     */
    public static Optional<ProcessIdentity> noted(Path pidFile, String word) throws IOException {
        String text;
        try {
            text = Files.readString(pidFile).strip();
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
        Optional<ProcessIdentity> process = text.matches("[0-9]{1,9}") ? of(Long.parseLong(text)) : Optional.empty();
        try {
            return process.isPresent() && process.get().says(word) ? process : Optional.empty();
        } catch (IOException e) {
            // One that is reaped meanwhile has no command line any more.
            if (!process.get().isAlive()) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /** The living processes whose command line contains this text. @throws IOException it cannot be told */
    public static List<ProcessIdentity> naming(String text) throws IOException {
        List<ProcessIdentity> found = new ArrayList<>();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (Path process : all) {
                of(Long.parseLong(process.getFileName().toString()))
                        .filter(living -> living.names(text))
                        .ifPresent(found::add);
            }
        }
        return found;
    }

    /** Whether its command line contains this text. One that has ended has none. */
    public boolean names(String text) {
        try {
            return says(text);
        } catch (IOException e) {
            return false;
        }
    }

    private boolean says(String text) throws IOException {
        return Files.readString(Path.of("/proc", Long.toString(pid), "cmdline"), StandardCharsets.ISO_8859_1)
                        .contains(text)
                && isAlive();
    }

    /** Its number, as the marks of earlier agents have it. */
    @Override
    public String word() {
        return Long.toString(pid);
    }

    @Override
    public String label() {
        return "process " + pid;
    }

    @Override
    public Optional<ProcessIdentity> process() {
        return Optional.of(this);
    }

    /** Whether exactly this process still runs. */
    @Override
    public boolean isAlive() {
        return of(pid).filter(this::equals).isPresent();
    }

    /**
     * Waits until it does not run any more.
     *
     * @param nanoClock monotonic nanoseconds
     * @return false if it still does at the end of the bound
     */
    public boolean endsWithin(Duration bound, LongSupplier nanoClock) {
        long start = nanoClock.getAsLong();
        while (isAlive()) {
            if (nanoClock.getAsLong() - start >= bound.toNanos()) {
                return false;
            }
            LockSupport.parkNanos(LOOK_NANOS);
        }
        return true;
    }

    /**
     * Sends TERM or KILL if it is still this process.
     *
     * @param forcibly KILL instead of TERM
     */
    public void signal(boolean forcibly) {
        Optional<ProcessHandle> handle = ProcessHandle.of(pid);
        if (handle.isPresent() && isAlive()) {
            // The handle compares the start time once more before it signals.
            if (forcibly) {
                handle.get().destroyForcibly();
            } else {
                handle.get().destroy();
            }
        }
    }
}
