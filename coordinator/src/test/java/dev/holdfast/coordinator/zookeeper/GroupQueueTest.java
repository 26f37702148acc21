package dev.holdfast.coordinator.zookeeper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.coordinator.port.GroupBusyException;
import dev.holdfast.coordinator.port.GroupQueue;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.walls.BesideOthers;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

@BesideOthers
class GroupQueueTest {

    private static final Duration BOUND = Duration.ofMinutes(1);
    private static final Name SHOP = new Name("shop");

    @Test
    void callersWaitTheirTurnAndOtherGroupsDoNot() throws Exception {
        Name cluster = SharedEnsemble.cluster();
        ExecutorService threads = Executors.newCachedThreadPool();
        try (ZooKeeperStore first = SharedEnsemble.open(cluster, "n1");
                ZooKeeperStore second = SharedEnsemble.open(cluster, "n2")) {
            GroupQueue.Turn turn = first.queue().take(SHOP, Duration.ZERO);
            assertThatThrownBy(() -> second.queue().take(SHOP, Duration.ZERO))
                    .isInstanceOf(GroupBusyException.class)
                    .hasMessageContaining("shop");
            second.queue().take(new Name("blog"), Duration.ZERO).close();
            Future<GroupQueue.Turn> next = threads.submit(() -> second.queue().take(SHOP, BOUND));
            assertThat(next.isDone()).isFalse();
            CompletableFuture.runAsync(turn::close).get(BOUND.toSeconds(), TimeUnit.SECONDS);
            turn.close();
            GroupQueue.Turn mine = next.get(BOUND.toSeconds(), TimeUnit.SECONDS);
            assertThatThrownBy(() -> first.queue().take(SHOP, Duration.ofMillis(50)))
                    .as("a turn closed twice lets only one in")
                    .isInstanceOf(GroupBusyException.class);
            mine.close();
        } finally {
            threads.shutdownNow();
        }
    }

    /** Curator's mutex would leave its node behind, and block the group until this node's session ends. */
    @Test
    void turnGivenBackWhileTheConnectionIsLostIsFreeAfterwards() throws Exception {
        Name cluster = SharedEnsemble.cluster();
        Ensemble ensemble = SharedEnsemble.get();
        try (ZooKeeperStore first = SharedEnsemble.open(cluster, "n1");
                ZooKeeperStore second = SharedEnsemble.open(cluster, "n2")) {
            GroupQueue.Turn turn = first.queue().take(SHOP, BOUND);
            long session = first.session().number();
            ensemble.kill(ensemble.leader());
            turn.close();
            second.queue().take(SHOP, BOUND).close();
            assertThat(first.session().number()).as("the same session").isEqualTo(session);
            first.queue().take(SHOP, BOUND).close();
        } finally {
            ensemble.heal();
        }
    }

    @Test
    void turnOfADeadNodeEndsWithItsSession() throws Exception {
        Name cluster = SharedEnsemble.cluster();
        try (ZooKeeperStore second = SharedEnsemble.open(cluster, "n2")) {
            try (ZooKeeperStore first = SharedEnsemble.open(cluster, "n1")) {
                first.queue().take(SHOP, BOUND);
            }
            second.queue().take(SHOP, BOUND).close();
        }
    }
}
