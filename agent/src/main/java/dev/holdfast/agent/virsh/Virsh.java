package dev.holdfast.agent.virsh;

import dev.holdfast.agent.virsh.VirshException.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A virsh that reads commands from us. The end of each answer is an {@code echo} of a word that comes after it; errors are on its other output,
 * and are there by then. It shows a prompt and, where it was built with readline, what it has read: both are taken out of the answers. One that did
 * not answer in time, or not legibly, is killed: no later answer could be told from the one that is missing.
 *
 * <p>Threads: any may ask, one at a time gets through; any may close, which wakes who waits.
 */
public final class Virsh implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Virsh.class);

    /** A description of a domain is 10 KiB, one of a large machine 100. */
    private static final int LONGEST_ANSWER = 1 << 20;

    private static final int LONGEST_ERROR = 64 << 10;
    private static final int SHOWN = 200;
    private static final String LINE = "\n";
    private static final String ECHO = "echo ";
    private static final String FAILURE = "error: ";
    /** It would connect again by itself, and say nothing of that. */
    private static final Pattern LOST =
            Pattern.compile("^error: (Disconnected from|Failed to reconnect)", Pattern.MULTILINE);

    private static final Pattern PROMPT_BEFORE = Pattern.compile("\\A\\s*virsh [#>] ");
    private static final Pattern ECHO_AFTER = Pattern.compile("virsh [#>] (echo '.'[^\\n]*\\n)?\\z");
    private static final Pattern UNSAFE = Pattern.compile("[^A-Za-z0-9_./:@%+=,-]");

    private final String called;
    private final Process process;
    private final Spoken spoken = new Spoken(LONGEST_ANSWER);
    private final Supplier<String> marks;
    /** Its process may live for another moment. */
    private volatile boolean closed;

    private Virsh(String called, Process process, Supplier<String> marks) {
        this.called = called;
        this.process = process;
        this.marks = marks;
    }

    /**
     * Starts one and waits until it is connected to libvirtd.
     *
     * @param command the program and its words, the connection included
     * @param bound for the start and the connection
     * @param marks letters and digits: never the same again, and nobody can guess them
     * @throws VirshException ABSENT, or UNKNOWN if it does not answer
     */
    public static Virsh open(List<String> command, Duration bound, Supplier<String> marks) throws VirshException {
        List<String> words = new ArrayList<>(command);
        words.add("--quiet");
        ProcessBuilder builder = new ProcessBuilder(words);
        builder.environment().keySet().removeIf(name -> name.startsWith("VIRSH_") || name.startsWith("LIBVIRT_"));
        builder.environment().put("LC_ALL", "C");
        builder.environment().put("VIRSH_HISTSIZE", "0");
        // Readline wraps what it shows of a long command, and obeys what somebody has configured.
        builder.environment().putAll(Map.of("COLUMNS", "30000", "TERM", "dumb", "INPUTRC", "/dev/null"));
        Process process;
        try {
            process = builder.start();
        } catch (IOException e) {
            throw VirshException.notStarted(command, e);
        }
        Virsh virsh = new Virsh(String.join(" ", command), process, marks);
        Thread reader = new Thread(() -> virsh.spoken.readAll(process.getInputStream()), "virsh");
        reader.setDaemon(true);
        reader.start();
        virsh.greet(bound);
        return virsh;
    }

    private void greet(Duration bound) throws VirshException {
        Optional<String> heard = hear("echo hello", bound);
        if (heard.isPresent()) {
            return;
        }
        boolean ended = spoken.hasEnded() && !spoken.isTooMuch();
        VirshException silent = unanswered("echo hello", bound);
        throw ended
                ? new VirshException(
                        Kind.ABSENT,
                        "%s; is libvirtd running? (systemctl status libvirtd)".formatted(silent.getMessage()),
                        silent)
                : silent;
    }

    /** Whether it can be asked. */
    public boolean isOpen() {
        return !closed && process.isAlive() && !spoken.hasEnded();
    }

    /**
     * Gives a command and waits for its answer.
     *
     * @param words the command and its arguments, of printable ASCII characters
     * @return what it printed, without the empty lines around it
     * @throws VirshException REFUSED with libvirt's words, LOST, or UNKNOWN
     */
    public synchronized String ask(Duration bound, String... words) throws VirshException {
        String command = Arrays.stream(words).map(Virsh::quoted).collect(Collectors.joining(" "));
        String said = hear(command, bound).orElseThrow(() -> unanswered(command, bound));
        String error = errors();
        if (LOST.matcher(error).find()) {
            close();
            throw new VirshException(
                    Kind.LOST, called + " has lost libvirtd: " + onOneLine(error.replace(FAILURE, "")));
        }
        if (error.lines().anyMatch(line -> line.startsWith(FAILURE))) {
            throw new VirshException(Kind.REFUSED, onOneLine(error.replace(FAILURE, "")));
        }
        return answer(said, command);
    }

    /** What it says until the mark that comes after an answer; empty if that does not come. */
    private Optional<String> hear(String command, Duration bound) throws VirshException {
        String mark = marks.get();
        // In quotes the mark is not itself: where virsh shows what it has read, that is not taken for the answer's end.
        say(command + LINE + ECHO + "'" + mark.charAt(0) + "'" + mark.substring(1) + LINE);
        try {
            return spoken.takeUntil(mark, bound.toNanos());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            close();
            throw new VirshException(Kind.UNKNOWN, "interrupted while \"" + command + "\" was under way", e);
        }
    }

    private void say(String lines) {
        try {
            process.getOutputStream().write(lines.getBytes(StandardCharsets.US_ASCII));
            process.getOutputStream().flush();
        } catch (IOException e) {
            LOG.debug("{} has ended: {}", called, e.getMessage()); // Who waits for the answer sees it.
        }
    }

    private static String onOneLine(String text) {
        return text.strip().replaceAll("\\s*\\R\\s*", ": ");
    }

    private static String answer(String said, String command) {
        String text = PROMPT_BEFORE.matcher(said).replaceFirst("");
        text = text.startsWith(command + LINE) ? text.substring(command.length() + 1) : text;
        return ECHO_AFTER.matcher(text).replaceFirst("").strip();
    }

    /** A backslash stands before what means something to virsh. What readline would take for an order to it is no argument. */
    private static String quoted(String word) {
        if (word.isEmpty() || !word.chars().allMatch(letter -> letter >= ' ' && letter <= '~')) {
            throw new IllegalArgumentException(
                    "\"" + word.replaceAll("[^ -~]", "?") + "\" cannot be said to virsh; name a domain by its UUID");
        }
        return UNSAFE.matcher(word).replaceAll("\\\\$0");
    }

    private VirshException unanswered(String command, Duration bound) {
        String why;
        if (spoken.isTooMuch()) {
            why = "said more than " + (LONGEST_ANSWER >> 10) + " KiB to";
        } else if (spoken.hasEnded()) {
            why = "has ended without an answer to";
        } else {
            why = "did not answer within %d ms to".formatted(bound.toMillis());
        }
        String error = spoken.hasEnded() ? errors().strip() : "";
        close();
        return new VirshException(
                Kind.UNKNOWN,
                "%s %s \"%s\"%s"
                        .formatted(
                                called,
                                why,
                                command.substring(0, Math.min(SHOWN, command.length())),
                                error.isEmpty() ? "" : ": " + onOneLine(error)));
    }

    /** What is there of errors now. */
    private String errors() {
        try {
            InputStream errors = process.getErrorStream();
            return new String(errors.readNBytes(Math.min(LONGEST_ERROR, errors.available())), StandardCharsets.UTF_8);
        } catch (IOException e) {
            return ""; // It was closed.
        }
    }

    /** Kills it. What it has asked of libvirtd may still happen. */
    @Override
    public void close() {
        closed = true;
        process.destroyForcibly();
    }
}
