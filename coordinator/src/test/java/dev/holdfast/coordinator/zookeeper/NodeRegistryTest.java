package dev.holdfast.coordinator.zookeeper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.coordinator.port.NodeRegistry;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.walls.BesideOthers;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

@BesideOthers
class NodeRegistryTest {

    private static final Duration BOUND = Duration.ofMinutes(1);

    static NodeRegistry.Node node(String name, String identity) {
        return new NodeRegistry.Node(
                new Name(name),
                identity,
                "127.0.0.1:7800",
                "",
                "test",
                1,
                new TreeMap<>(Map.of(new Name("web"), "running")));
    }

    @Test
    void publishedNodesAreSeenUntilTheyGo() throws StoreUnreachableException {
        Name cluster = SharedEnsemble.cluster();
        try (ZooKeeperStore first = SharedEnsemble.open(cluster, "n1")) {
            try (ZooKeeperStore second = SharedEnsemble.open(cluster, "n2")) {
                first.nodes().publish(node("n1", "a"));
                second.nodes().publish(node("n2", "b"));
                second.nodes().publish(node("n2", "b"));
                // Its server may be behind that of the other one.
                List<NodeRegistry.Node> both = List.of(node("n1", "a"), node("n2", "b"));
                Awaitility.await()
                        .atMost(BOUND)
                        .until(() -> first.nodes().nodes().equals(both));
            }
            Awaitility.await().atMost(BOUND).until(() -> first.nodes().nodes().equals(List.of(node("n1", "a"))));
        }
    }

    @Test
    void entryOfALostSessionIsReplacedAtOnce() throws StoreUnreachableException {
        Name cluster = SharedEnsemble.cluster();
        try (ZooKeeperStore after = SharedEnsemble.open(cluster, "n1")) {
            try (ZooKeeperStore before = SharedEnsemble.open(cluster, "n1")) {
                before.nodes().publish(node("n1", "a"));
                // As if the agent had been killed: its session is still there, and nothing of it publishes once more.
                ((ZooKeeperNodeRegistry) before.nodes()).close();
                after.nodes().publish(node("n1", "a"));
            }
            assertThat(after.nodes().nodes())
                    .as("the end of the old session does not take the new entry with it")
                    .containsExactly(node("n1", "a"));
        }
    }

    @Test
    void sameNameWithAnotherIdentityIsRefused() throws StoreUnreachableException {
        Name cluster = SharedEnsemble.cluster();
        try (ZooKeeperStore first = SharedEnsemble.open(cluster, "n1");
                ZooKeeperStore second = SharedEnsemble.open(cluster, "n1")) {
            first.nodes().publish(node("n1", "a"));
            assertThatThrownBy(() -> second.nodes().publish(node("n1", "b")))
                    .isInstanceOf(StoreUnreachableException.class)
                    .hasMessageContaining("another node of the name n1");
        }
    }

    @Test
    void aNodeThatIsAwayIsKnownUntilItIsForgotten() throws StoreUnreachableException {
        Name cluster = SharedEnsemble.cluster();
        Name n2 = new Name("n2");
        try (ZooKeeperStore first = SharedEnsemble.open(cluster, "n1")) {
            first.nodes().publish(node("n1", "a"));
            try (ZooKeeperStore second = SharedEnsemble.open(cluster, "n2")) {
                second.nodes().publish(node("n2", "b"));
                assertThat(first.nodes().forget(n2)).as("it is there").isFalse();
                assertThat(second.nodes().known()).contains(n2);
            }
            Awaitility.await().atMost(BOUND).until(() -> first.nodes().nodes().size() == 1);
            assertThat(first.nodes().known()).containsExactly(new Name("n1"), n2);

            assertThat(first.nodes().forget(n2)).isTrue();
            assertThat(first.nodes().forget(n2)).as("twice").isTrue();
            assertThat(first.nodes().known()).containsExactly(new Name("n1"));
            assertThat(first.nodes().nodes()).containsExactly(node("n1", "a"));

            try (ZooKeeperStore back = SharedEnsemble.open(cluster, "n2")) {
                back.nodes().publish(node("n2", "b"));
                assertThat(back.nodes().known()).as("it has come back").contains(n2);
            }
        }
    }
}
