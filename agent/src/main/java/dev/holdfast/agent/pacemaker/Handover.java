package dev.holdfast.agent.pacemaker;

import dev.holdfast.agent.process.BoundedProcess;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * Has pacemaker promote another node, by the promotion score alone: that node's becomes the highest there is, for a while.
 * {@code crm_resource --move} would do it by a constraint, which somebody has to remove afterwards, or which expires, and removing
 * it would also remove those that a person has made. A score mends itself: the resource agent tells that node's own one as soon
 * as it is promoted, or refused. Each call takes some milliseconds, five seconds at most. Thread-safe.
 */
public final class Handover {

    private static final Duration BOUND = Duration.ofSeconds(5);
    /** CRM_EX_NOSUCH of pacemaker's crm/common/results.h. */
    private static final int NO_SUCH = 105;

    private static final Set<String> HIGHEST = Set.of("INFINITY", "1000000");

    private final Path tool;
    private final Function<Name, Path> directories;

    /**
     * @param tool pacemaker's {@code crm_attribute}
     * @param directories the run directory of each machine
     */
    public Handover(Path tool, Function<Name, Path> directories) {
        this.tool = tool;
        this.directories = directories;
    }

    /** As which resource pacemaker runs a machine here; empty if it does not: then a person does what pacemaker would. */
    public Optional<String> resource(Name vm) throws IOException {
        try {
            return Optional.of(Files.readString(directories.apply(vm).resolve("replica"))
                            .strip())
                    .filter(name -> !name.isEmpty() && Files.isExecutable(tool));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    /**
     * Makes a node the one to be promoted.
     *
     * @return ends that; to be called however it went
     * @throws IOException pacemaker does not take it
     */
    public Preference prefer(String resource, Name node) throws IOException {
        String before = score(resource, node);
        run(resource, node, "--update", "INFINITY");
        return () -> {
            if (HIGHEST.contains(score(resource, node)) && !HIGHEST.contains(before)) {
                if (before.isEmpty()) {
                    run(resource, node, "--delete");
                } else {
                    run(resource, node, "--update", before);
                }
            }
        };
    }

    /** A node is to be promoted as long as this is not ended. */
    @FunctionalInterface
    public interface Preference {
        /** @throws IOException pacemaker does not take it back */
        void end() throws IOException;
    }

    /** Empty if there is none. @throws IOException that is not known: a score that is there must not be taken for none */
    private String score(String resource, Name node) throws IOException {
        BoundedProcess.Ended answer = call(resource, node, "--query");
        if (answer.status() == NO_SUCH) {
            return "";
        }
        return succeeded(answer).strip();
    }

    private void run(String resource, Name node, String... words) throws IOException {
        succeeded(call(resource, node, words));
    }

    private String succeeded(BoundedProcess.Ended ended) throws IOException {
        if (ended.status() != 0) {
            throw new IOException(tool.getFileName() + " ended with " + ended.status() + ": "
                    + ended.output().strip());
        }
        return ended.output();
    }

    private BoundedProcess.Ended call(String resource, Name node, String... words) throws IOException {
        List<String> command = new ArrayList<>(
                List.of(tool.toString(), "--promotion=" + resource, "--node=" + node, "--lifetime=reboot", "--quiet"));
        Collections.addAll(command, words);
        return BoundedProcess.run(command, BOUND);
    }
}
