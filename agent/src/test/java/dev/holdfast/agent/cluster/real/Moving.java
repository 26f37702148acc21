package dev.holdfast.agent.cluster.real;

import static dev.holdfast.agent.cluster.real.RealCluster.BOUND;
import static org.awaitility.Awaitility.await;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;

/**
 * web1 of a cluster of two, on its way between them.
 *
 * @param how words of each move
 * @param slowly words of one that does not come to an end by itself
 */
record Moving(RealCluster cluster, List<String> how, List<String> slowly) {

    private static String[] words(RealNode to, Stream<String> more) {
        return Stream.concat(Stream.of("vm", "migrate", "web1", "--to", to.name), more)
                .toArray(String[]::new);
    }

    Told move(RealNode from, RealNode to) {
        Told[] told = new Told[1];
        await("the nodes have met again").atMost(BOUND).until(() -> {
            told[0] = from.run(words(to, how.stream()));
            return !told[0].err().contains("not in the group channel");
        });
        return told[0];
    }

    /**
     * A move to n2 that has come as far as is wanted.
     *
     * @param more words
     */
    CompletableFuture<Told> until(Callable<Boolean> halfWay, String... more) {
        List<CompletableFuture<Told>> callers = new ArrayList<>();
        await("it goes over").atMost(BOUND).until(() -> {
            // Refused for as long as the nodes have not met again after the test before.
            if (callers.isEmpty() || callers.get(callers.size() - 1).isDone()) {
                callers.add(cluster.inBackground(
                        cluster.n1(), words(cluster.n2(), Stream.concat(slowly.stream(), Stream.of(more)))));
            }
            return halfWay.call();
        });
        return callers.get(callers.size() - 1);
    }

    void awaitEnd() {
        await("nothing is under way")
                .atMost(BOUND)
                .until(() -> cluster.nodes.stream()
                        .map(node -> node.run("vm", "list"))
                        .allMatch(told -> told.exit() == 0 && !told.out().contains("migrate")));
    }
}
