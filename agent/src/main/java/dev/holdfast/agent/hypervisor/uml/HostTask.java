package dev.holdfast.agent.hypervisor.uml;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the host's kernel says of one process of a guest. Thread-safe.
 *
 * @param root where that is to be read, {@link #PROC}
 * @param pid of the process
 */
record HostTask(Path root, long pid) {
    static final Path PROC = Path.of("/proc");

    /** System calls of x86-64. */
    static final int POLL = 7;

    static final int RECVFROM = 45;

    private static final Pattern NUMBER = Pattern.compile("([0-9]+) ");

    /** The system call that it sleeps in; empty if it runs, waits for a processor, or sleeps for another reason. */
    OptionalInt call() throws IOException {
        // "running", or the number of the call, or -1, and more
        Matcher call = NUMBER.matcher(read("syscall"));
        return call.lookingAt() ? OptionalInt.of(Integer.parseInt(call.group(1))) : OptionalInt.empty();
    }

    /** Whether it was stopped by a signal. */
    boolean isHeld() throws IOException {
        return status("State").startsWith("T");
    }

    /** The process that traces it, 0 if none does. Processes of the guest are traced by its kernel. */
    long tracer() throws IOException {
        return Long.parseLong(status("TracerPid"));
    }

    /**
     * How often it has gone to sleep. If this is the same at two moments, and it sleeps at both, it has not run in between. One that is
     * awake is counted when it goes to sleep again.
     */
    long sleeps() throws IOException {
        return Long.parseLong(status("voluntary_ctxt_switches"));
    }

    private String status(String key) throws IOException {
        return read("status")
                .lines()
                .filter(line -> line.startsWith(key + ":"))
                .map(line -> line.substring(key.length() + 1).strip())
                .findFirst()
                .orElseThrow(() -> new IOException(root + "/" + pid + "/status has no line \"" + key + "\""));
    }

    private String read(String file) throws IOException {
        return Files.readString(root.resolve(Long.toString(pid)).resolve(file), StandardCharsets.ISO_8859_1);
    }
}
