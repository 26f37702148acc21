package dev.holdfast.agent.pacemaker;

import dev.holdfast.agent.process.BoundedProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Transient node attributes of pacemaker, for people: nothing is decided by them. Each is written only when it changes. Without
 * pacemaker nothing happens. Not thread-safe: one thread calls.
 */
public final class Attributes {

    private static final Logger LOG = LoggerFactory.getLogger(Attributes.class);
    private static final Duration BOUND = Duration.ofSeconds(5);

    private final Path tool;
    private final SortedMap<String, String> shown = new TreeMap<>();
    private final SortedSet<String> looked = new TreeSet<>();
    private boolean answers = true;

    /** @param tool pacemaker's {@code attrd_updater}; where it is absent there is no pacemaker */
    public Attributes(Path tool) {
        this.tool = tool;
    }

    /**
     * Shows what is, and takes away what is no more; also what an earlier agent has left.
     *
     * @param facts what is
     */
    public void show(ClusterFacts facts) {
        if (!Files.isExecutable(tool)) {
            return;
        }
        SortedMap<String, String> now = facts.attributes();
        try {
            for (var each : now.entrySet()) {
                if (!each.getValue().equals(shown.get(each.getKey()))) {
                    run("--name", each.getKey(), "--update", each.getValue());
                    shown.put(each.getKey(), each.getValue());
                    looked.add(each.getKey());
                }
            }
            for (String gone : stale(facts.possible(), now.keySet())) {
                run("--name", gone, "--delete");
                shown.remove(gone);
                looked.add(gone);
            }
            answers = true;
        } catch (IOException e) {
            if (answers) {
                LOG.info("pacemaker does not show what this node has to tell: {}", e.getMessage());
            }
            answers = false;
        }
    }

    /** Pacemaker may have been restarted alone, and have forgotten: the next time all is said anew. */
    public void forget() {
        shown.clear();
        looked.clear();
    }

    private Set<String> stale(Set<String> possible, Set<String> now) {
        SortedSet<String> stale = new TreeSet<>(possible);
        stale.removeAll(looked);
        stale.addAll(shown.keySet());
        stale.removeAll(now);
        return stale;
    }

    private void run(String... words) throws IOException {
        List<String> command = new java.util.ArrayList<>(List.of(tool.toString()));
        command.addAll(List.of(words));
        BoundedProcess.Ended ended = BoundedProcess.run(command, BOUND);
        if (ended.status() != 0) {
            throw new IOException(tool.getFileName() + " ended with " + ended.status() + ": " + ended.output());
        }
    }
}
