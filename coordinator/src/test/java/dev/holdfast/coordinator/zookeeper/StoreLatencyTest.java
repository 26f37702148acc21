package dev.holdfast.coordinator.zookeeper;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.coordinator.port.DecisionLog.Written;
import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.Vote;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Prints what the store's calls take on three servers, and the gap when the leading one is killed. */
@Tag("soak")
class StoreLatencyTest {

    private static final Epoch REIGN = new Epoch(0);
    private static final int ROUNDS = 300;

    private final Map<String, List<Double>> millis = new TreeMap<>();

    private interface Call<T> {
        T run() throws Exception;
    }

    private <T> T timed(String what, Call<T> call) throws Exception {
        long begin = System.nanoTime();
        T result = call.run();
        millis.computeIfAbsent(what, key -> new ArrayList<>()).add((System.nanoTime() - begin) / 1e6);
        return result;
    }

    @Test
    void callsOnThreeServers() throws Exception {
        Name cluster = SharedEnsemble.cluster();
        try (ZooKeeperStore store = SharedEnsemble.open(cluster, "n1")) {
            store.awaitReady(Duration.ofSeconds(10));
            for (int index = 0; index < ROUNDS; index++) {
                RoundSpec spec = Rounds.checkpoint("r" + index, REIGN, "shop", "c" + index, "web", "db", "cache");
                timed("take", () -> store.queue().take(new Name("shop"), Duration.ofSeconds(5)))
                        .close();
                assertThat(timed("open", () -> store.decisions().open(spec))).isInstanceOf(Written.Done.class);
                timed("vote", () -> {
                    store.decisions()
                            .castVote(spec.id(), new Name("n1"), new Vote.Durable(Rounds.report("n1", "web", 1)));
                    return 0;
                });
                assertThat(timed(
                                "decide",
                                () -> store.decisions()
                                        .decide(
                                                spec,
                                                Decision.COMMITTED,
                                                0,
                                                REIGN,
                                                List.of(Rounds.report("n1", "web", 1)),
                                                Rounds.NO_REASON)))
                        .isInstanceOf(Written.Done.class);
                timed("read", () -> store.decisions().read(spec.id()));
                assertThat(timed("close", () -> store.decisions().close(spec, REIGN)))
                        .isInstanceOf(Written.Done.class);
            }
            millis.forEach((what, all) -> {
                all.sort(Double::compare);
                System.out.printf(
                        "%-8s p50 %.2f ms  p99 %.2f ms%n",
                        what, all.get(all.size() / 2), all.get(all.size() * 99 / 100));
            });
            gap(store);
        }
    }

    private static void gap(ZooKeeperStore store) throws Exception {
        Ensemble ensemble = SharedEnsemble.get();
        for (int kill = 0; kill < 3; kill++) {
            ensemble.kill(ensemble.leader());
            long begin = System.nanoTime();
            store.catalogue().addToGroup(new Name("g" + kill), new Name("web"));
            System.out.printf("leader killed: next write after %.0f ms%n", (System.nanoTime() - begin) / 1e6);
            ensemble.heal();
        }
    }
}
