package dev.holdfast.coordinator.scale;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.leader.Outcome;
import dev.holdfast.coordinator.walls.BesideOthers;
import dev.holdfast.coordinator.zookeeper.Ensemble;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/**
 * What a round asks of ZooKeeper, counted by the server itself, must grow with the agents and not with their square. The figures of a
 * thousand agents: {@code deploy/bench.sh scale}, which runs the same classes.
 */
@BesideOthers
class ScaleTest {
    private static final Duration LONGEST = Duration.ofMinutes(2);
    private static final int FEW = 5;
    private static final int MANY = 20;

    @Test
    void fourTimesTheAgentsAreFourTimesTheWork() throws Exception {
        Counts few = round(FEW);
        Counts many = round(MANY);
        System.out.printf("%d agents: %s; %d agents: %s%n", FEW, few, MANY, many);
        // Three words of each member, and what a round writes once.
        assertThat(few.transactions()).isBetween(3L * FEW, 3L * FEW + 10);
        assertThat(many.transactions()).isBetween(3L * MANY, 3L * MANY + 10);
        assertThat(many.requests()).isLessThan(2 * few.requests() * MANY / FEW);
        assertThat(many.sent()).isLessThan(2 * few.sent() * MANY / FEW);
    }

    /** What the second round takes: the first one makes what stays. */
    private static Counts round(int agents) throws Exception {
        try (Ensemble server = Ensemble.start(1);
                Cluster cluster = new Cluster(server.connect(), Optional.empty())) {
            for (int number = 0; number < agents; number++) {
                cluster.add(number, 3);
            }
            Awaitility.await().atMost(LONGEST).until(cluster::allSeeAll);
            commit(cluster);
            Counts before = Counts.of(server.connect());
            commit(cluster);
            Counts after = Counts.of(server.connect());
            return new Counts(
                    after.requests() - before.requests(),
                    after.sent() - before.sent(),
                    after.transactions() - before.transactions());
        }
    }

    private static void commit(Cluster cluster) throws Exception {
        RoundSpec spec = ScaleMain.checkpoint(cluster.reign(), cluster.groups().get(0));
        Outcome outcome = cluster.leader().engine().run(spec).get(LONGEST.toSeconds(), TimeUnit.SECONDS);
        assertThat(outcome.kind()).as("%s", outcome).isEqualTo(Outcome.Kind.COMMITTED);
        cluster.leader().engine().closed(spec.id()).get(LONGEST.toSeconds(), TimeUnit.SECONDS);
        assertThat(cluster.agents()).allMatch(agent -> agent.machines().thawedAt > agent.machines().frozenAt);
    }
}
