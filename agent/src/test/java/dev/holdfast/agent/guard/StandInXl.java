package dev.holdfast.agent.guard;

import static org.awaitility.Awaitility.await;

import dev.holdfast.agent.hypervisor.Control;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;

/**
 * A shell script that answers as xl 4.17 does, of one domain whose state is a file: how often it is paused, "ended" (shut down), or
 * nothing if it is gone.
 */
final class StandInXl {
    static final int DOMAIN = 7;

    private static final String SCRIPT = """
            #!/bin/sh
            cd "${0%/*}" || exit 1
            echo "$*" >>calls
            [ ! -e hangs ] || exec sleep 600
            [ ! -e broken ] || { echo "xl: no xenstored" >&2; exit 1; }
            pauses=$(cat domain)
            case "$1 $2" in
              "unpause 7")
                case $pauses in
                  [1-9]*) echo $((pauses - 1)) >domain.new && mv domain.new domain ;;
                  *) echo "libxl: error: libxl_domain.c:545:libxl_domain_unpause: Unpausing domain: Invalid argument" >&2 ;;
                esac
                ;;
              "list ")
                echo "Name                                        ID   Mem VCPUs	State	Time(s)"
                echo "Domain-0                                     0  1024     2     r-----     104.4"
                echo "of 7 others 0 r----- 1.0                     6   128     1     -b----       3.1"
                case $pauses in
                  0) echo "web                                          7   128     1     -b----       3.1" ;;
                  [1-9]*) echo "web                                          7   128     1     --p---       3.1" ;;
                  ended) echo "web                                          7   128     1     ---s--       3.1" ;;
                esac
                ;;
            esac
            """;

    private final Path directory;

    StandInXl(Path directory) throws IOException {
        this.directory = Files.createDirectories(directory);
        Files.writeString(program(), SCRIPT);
        if (!program().toFile().setExecutable(true)) {
            throw new IOException("cannot make " + program() + " executable");
        }
        runs();
    }

    Path program() {
        return directory.resolve("xl");
    }

    /** The domain, as the guard is told of it. */
    static Control control() {
        return Control.domain(DOMAIN);
    }

    void runs() throws IOException {
        is("0");
    }

    /** By how many, does not matter. */
    void isPaused(int times) throws IOException {
        is(String.valueOf(times));
    }

    void hasShutDown() throws IOException {
        is("ended");
    }

    void isGone() throws IOException {
        is("");
    }

    private void is(String state) throws IOException {
        Path fresh = directory.resolve("domain.next");
        Files.writeString(fresh, state + "\n");
        Files.move(fresh, directory.resolve("domain"), StandardCopyOption.ATOMIC_MOVE);
    }

    /** Whether each call of xl fails ("broken") or never ends ("hangs") from now on. */
    void isBroken(String how, boolean so) throws IOException {
        if (so) {
            Files.writeString(directory.resolve(how), "");
        } else {
            Files.delete(directory.resolve(how));
        }
    }

    boolean isPaused() {
        try {
            return !Files.readString(directory.resolve("domain")).equals("0\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** How often it was called so. */
    long heard(String call) throws IOException {
        Path calls = directory.resolve("calls");
        List<String> lines = Files.exists(calls) ? Files.readAllLines(calls, StandardCharsets.UTF_8) : List.of();
        return lines.stream().filter(call::equals).count();
    }

    /** Nanoseconds from now. */
    long nanosUntilRunning() {
        long since = System.nanoTime();
        await().pollInterval(Duration.ofMillis(2)).atMost(GuardLab.BOUND).until(() -> !isPaused());
        return System.nanoTime() - since;
    }
}
