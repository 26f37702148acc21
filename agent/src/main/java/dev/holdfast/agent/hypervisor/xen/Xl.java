package dev.holdfast.agent.hypervisor.xen;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.process.BoundedProcess;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The tool xl: a process each time, which is killed when it takes too long. What it was told may then still happen, or has: UNKNOWN. Of
 * {@code xl save} there is nothing here: a guest whose save was killed stays suspended for ever. Thread-safe.
 *
 * @param program its name or path
 * @param quick bound for what asks or tells the hypervisor alone
 * @param slow bound for what builds a domain, or takes one apart
 */
record Xl(String program, Duration quick, Duration slow) {
    private static final String HEADER = "Name ";
    private static final int LONGEST_LIST = 1 << 20;
    private static final int LONGEST_WORDS = 400;

    /** The same with less patience, if this is less. */
    Xl within(Duration bound) {
        return new Xl(program, bound.compareTo(quick) < 0 ? bound : quick, slow);
    }

    /**
     * All domains of this host, the first one included.
     *
     * @throws HypervisorException UNKNOWN if it cannot be told: a domain that is not named may still run
     */
    List<XlDomain> list() throws HypervisorException {
        BoundedProcess.Ended ended = run(quick, List.of("list", "-v"));
        if (ended.status() != 0) {
            throw new HypervisorException(Kind.UNKNOWN, failure("list", ended));
        }
        List<XlDomain> domains = new ArrayList<>();
        boolean headed = false;
        for (String line : ended.output().lines().toList()) {
            if (line.startsWith(HEADER) && !headed) {
                headed = true;
                continue;
            }
            domains.add(XlDomain.parse(line)
                    .orElseThrow(() -> new HypervisorException(
                            Kind.UNKNOWN,
                            "\"%s list -v\" says what cannot be read: \"%s\"; run it, and mend what it complains about"
                                    .formatted(program, printable(line)))));
        }
        if (domains.isEmpty()) {
            throw new HypervisorException(
                    Kind.UNKNOWN,
                    "\"%s list -v\" names no domain, not even its own; does xenstored run?".formatted(program));
        }
        return domains;
    }

    /** The domain of that name, if there is one. @throws HypervisorException as {@link #list} */
    Optional<XlDomain> find(String name) throws HypervisorException {
        return list().stream()
                .filter(d -> d.name().filter(name::equals).isPresent())
                .findFirst();
    }

    /**
     * Builds a domain that does not run yet. Nobody waits for its end: it stays, shut down, until it is destroyed.
     *
     * @throws HypervisorException FAILED if it could not be built; xl has taken apart what it had built, as far as it could
     */
    void createPaused(Path configuration) throws HypervisorException {
        order(slow, "create", "-e", "-p", configuration.toString());
    }

    /**
     * Takes its processors away. Xen counts: it runs when it was let run as often.
     *
     * @throws HypervisorException FAILED if there is no such domain
     */
    void pause(int domain) throws HypervisorException {
        tell("pause", domain);
    }

    /**
     * Undoes one {@link #pause}.
     *
     * @throws HypervisorException FAILED if there is no such domain, or it is not paused
     */
    void unpause(int domain) throws HypervisorException {
        tell("unpause", domain);
    }

    /**
     * Asks its guest to shut down, and does not wait for it.
     *
     * @throws HypervisorException FAILED if there is no such domain, or its guest takes no such wish
     */
    void shutdown(int domain) throws HypervisorException {
        order(quick, "shutdown", String.valueOf(domain));
    }

    /** Calls it otherwise. */
    void rename(int domain, String name) throws HypervisorException {
        order(quick, "rename", String.valueOf(domain), name);
    }

    /** Ends it at once; returns when it is gone. @throws HypervisorException FAILED if there is no such domain */
    void destroy(int domain) throws HypervisorException {
        order(slow, "destroy", String.valueOf(domain));
    }

    /** These say nothing when they have done it; the exit status of xl 4.17 is 0 also if they have not. */
    private void tell(String word, int domain) throws HypervisorException {
        BoundedProcess.Ended ended = order(quick, word, String.valueOf(domain));
        if (!ended.output().isEmpty()) {
            throw new HypervisorException(Kind.FAILED, failure(word, ended));
        }
    }

    private BoundedProcess.Ended order(Duration bound, String... words) throws HypervisorException {
        BoundedProcess.Ended ended = run(bound, List.of(words));
        if (ended.status() != 0) {
            throw new HypervisorException(Kind.FAILED, failure(words[0], ended));
        }
        return ended;
    }

    private BoundedProcess.Ended run(Duration bound, List<String> words) throws HypervisorException {
        List<String> command = new ArrayList<>(List.of(program));
        command.addAll(words);
        try {
            return BoundedProcess.run(command, bound, LONGEST_LIST);
        } catch (IOException e) {
            throw new HypervisorException(
                    Kind.UNKNOWN, e.getMessage() + " (Does this host run under Xen, and does xenstored answer?)", e);
        }
    }

    private String failure(String word, BoundedProcess.Ended ended) {
        return "\"%s %s\" failed with exit status %d: %s"
                .formatted(program, word, ended.status(), printable(ended.output()));
    }

    private static String printable(String words) {
        String text = words.replaceAll("\\p{Cntrl}+", " ").strip();
        if (text.isEmpty()) {
            return "it says nothing";
        }
        return text.length() > LONGEST_WORDS ? text.substring(0, LONGEST_WORDS) + "..." : text;
    }
}
