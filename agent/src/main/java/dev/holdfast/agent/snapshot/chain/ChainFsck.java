package dev.holdfast.agent.snapshot.chain;

import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Looks a chain directory over for what does not belong there. Reading is always safe; {@link #emptyLost} is the one place
 * that removes what recoveries took away. One operation at a time for a chain, as everywhere.
 */
public final class ChainFsck {
    private static final String MEMORY = ".memory";
    private static final String PENDING = ".json.pending";
    private static final String SIDECAR = ".json";

    private final ChainDirectory chain;

    /** @param chain the directory to look at */
    public ChainFsck(ChainDirectory chain) {
        this.chain = chain;
    }

    /**
     * What was found.
     *
     * @param problems what a person has to put right, each naming a file
     * @param leftovers files that nothing needs
     * @param lost what recoveries took away
     */
    public record Findings(List<String> problems, List<Path> leftovers, List<Path> lost) {

        /** Copies the lists. */
        public Findings {
            problems = List.copyOf(problems);
            leftovers = List.copyOf(leftovers);
            lost = List.copyOf(lost);
        }

        /** Whether there is nothing to do. */
        public boolean isClean() {
            return problems.isEmpty() && leftovers.isEmpty() && lost.isEmpty();
        }
    }

    /** Looks and touches nothing. */
    public Findings look() throws IOException {
        List<String> problems = new ArrayList<>();
        Optional<Intent> intent = read(chain::intent, problems).orElse(Optional.empty());
        read(chain::graph, problems).ifPresent(graph -> problems.addAll(graph.problems()));
        intent.ifPresent(open -> problems.add("%s: operation %s was cut short; start the agent, which ends it"
                .formatted(chain.intentFile(), open.operation())));
        return new Findings(problems, leftovers(intent), ChainDirectory.list(chain.lost()));
    }

    private List<Path> leftovers(Optional<Intent> intent) throws IOException {
        List<Path> leftovers = new ArrayList<>();
        Set<String> underWay =
                intent.flatMap(Intent::snapshot).map(Name::value).map(Set::of).orElse(Set.of());
        for (Path file : ChainDirectory.list(chain.snapshotFiles())) {
            String name = file.getFileName().toString();
            for (String suffix : List.of(MEMORY, PENDING)) {
                boolean part = name.endsWith(suffix);
                String snapshot = part ? name.substring(0, name.length() - suffix.length()) : "";
                boolean owned = Files.exists(file.resolveSibling(snapshot + SIDECAR)) && suffix.equals(MEMORY);
                if (part && !owned && !underWay.contains(snapshot)) {
                    leftovers.add(file);
                }
            }
        }
        for (Path file : ChainDirectory.list(chain.layers())) {
            if (intent.isEmpty() && file.getFileName().toString().startsWith(".")) {
                leftovers.add(file);
            }
        }
        return leftovers;
    }

    /** Moves leftovers to {@code lost/}. Idempotent. */
    public void moveAway(List<Path> leftovers, ChainExecutor executor) throws IOException {
        for (Path file : leftovers) {
            executor.moveToLost(file);
        }
    }

    /** Removes for good what is in {@code lost/}. A person has asked for it. */
    public void emptyLost() throws IOException {
        for (Path file : ChainDirectory.list(chain.lost())) {
            Files.deleteIfExists(file);
        }
    }

    private interface Reading<R> {
        R read() throws IOException;
    }

    private static <R> Optional<R> read(Reading<R> reading, List<String> problems) {
        try {
            return Optional.of(reading.read());
        } catch (IOException e) {
            problems.add(String.valueOf(e.getMessage()));
            return Optional.empty();
        }
    }
}
