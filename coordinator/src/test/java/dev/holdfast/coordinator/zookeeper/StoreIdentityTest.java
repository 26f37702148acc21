package dev.holdfast.coordinator.zookeeper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.coordinator.port.DecisionLog.Written;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.walls.BesideOthers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

@BesideOthers
class StoreIdentityTest {

    private static final Duration BOUND = Duration.ofMinutes(1);
    private static final StoreIdentity KNOWN = new StoreIdentity("a", new Epoch(5), 100);

    @Test
    void acceptsTheSameStoreAtTheSameOrAHigherPoint() throws StoreUnreachableException {
        assertThat(StoreIdentity.accept(Optional.empty(), KNOWN)).isEqualTo(KNOWN);
        assertThat(StoreIdentity.accept(Optional.of(KNOWN), KNOWN)).isEqualTo(KNOWN);
        StoreIdentity later = new StoreIdentity("a", new Epoch(6), 200);
        assertThat(StoreIdentity.accept(Optional.of(KNOWN), later)).isEqualTo(later);
    }

    @Test
    void refusesAnotherStoreAndOneThatWentBack() {
        for (StoreIdentity wrong : List.of(
                new StoreIdentity("b", new Epoch(9), 900),
                new StoreIdentity("a", new Epoch(4), 900),
                new StoreIdentity("a", new Epoch(9), 99))) {
            assertThatThrownBy(() -> StoreIdentity.accept(Optional.of(KNOWN), wrong))
                    .isInstanceOf(StoreUnreachableException.class)
                    .hasMessageContaining("not the store the cluster knows")
                    .hasMessageContaining("adopt-store");
        }
    }

    @Test
    void emptyStoreIsNotSetUpByANodeThatKnowsAnother() throws StoreUnreachableException {
        Name cluster = SharedEnsemble.cluster();
        SharedEnsemble.Memory memory = new SharedEnsemble.Memory();
        memory.keep(KNOWN);
        StoreSettings settings = SharedEnsemble.settings(SharedEnsemble.get().connect(), cluster, "n1");
        try (ZooKeeperStore store = SharedEnsemble.open(settings, memory)) {
            assertThatThrownBy(() -> store.awaitReady(BOUND)).hasMessageContaining("there is no /holdfast/" + cluster);
            assertThat(store.decisions().open(Rounds.checkpoint("r1", new Epoch(5), "shop", "one", "web")))
                    .isInstanceOfSatisfying(
                            Written.Refused.class,
                            refused -> assertThat(refused.because().text()).contains("not the store"));
        }
        assertThat(memory.recall()).contains(KNOWN);
        try (ZooKeeperStore fresh = SharedEnsemble.open(cluster, "n2")) {
            fresh.awaitReady(BOUND);
        }
        try (ZooKeeperStore store = SharedEnsemble.open(settings, memory)) {
            assertThatThrownBy(() -> store.awaitReady(BOUND)).hasMessageContaining("this node knows a");
        }
    }

    @Test
    void whatIsRememberedGrowsAndIsAcceptedAgain() throws StoreUnreachableException {
        Name cluster = SharedEnsemble.cluster();
        SharedEnsemble.Memory memory = new SharedEnsemble.Memory();
        StoreSettings settings = SharedEnsemble.settings(SharedEnsemble.get().connect(), cluster, "n1");
        long zxid;
        try (ZooKeeperStore store = SharedEnsemble.open(settings, memory)) {
            Elections elections = new Elections();
            store.leadership().start(elections);
            Epoch reign = elections.awaitElected();
            assertThat(memory.recall().orElseThrow().epoch()).isEqualTo(reign);
            zxid = memory.recall().orElseThrow().zxid();
        }
        try (ZooKeeperStore store = SharedEnsemble.open(settings, memory)) {
            store.awaitReady(BOUND);
            assertThat(memory.recall().orElseThrow().zxid()).isGreaterThan(zxid);
            assertThat(store.identity()).isEqualTo(memory.recall());
        }
    }

    @Test
    void decisionThatWasSeenIsRemembered() throws StoreUnreachableException {
        SharedEnsemble.Memory memory = new SharedEnsemble.Memory();
        StoreSettings settings =
                SharedEnsemble.settings(SharedEnsemble.get().connect(), SharedEnsemble.cluster(), "n1");
        try (ZooKeeperStore store = SharedEnsemble.open(settings, memory)) {
            RoundSpec spec = Rounds.checkpoint("r1", new Epoch(0), "shop", "one", "web");
            store.decisions().open(spec);
            long before = memory.recall().orElseThrow().zxid();
            store.decisions().read(spec.id());
            assertThat(memory.recall().orElseThrow().zxid()).isEqualTo(before);
            store.decisions().decide(spec, Decision.ABORTED, 0, new Epoch(0), List.of(), Rounds.NO_REASON);
            store.decisions().read(spec.id());
            assertThat(memory.recall().orElseThrow().zxid()).isGreaterThan(before);
        }
    }

    @Test
    void nodesThatSetUpTheStoreAtTheSameTimeAgree() throws StoreUnreachableException {
        Name cluster = SharedEnsemble.cluster();
        List<ZooKeeperStore> stores = new ArrayList<>();
        try {
            for (int index = 0; index < 6; index++) {
                stores.add(SharedEnsemble.open(cluster, "n" + index));
            }
            Set<String> identities = new HashSet<>();
            for (ZooKeeperStore store : stores) {
                store.awaitReady(BOUND);
                identities.add(store.identity().orElseThrow().identity());
            }
            assertThat(identities).hasSize(1);
        } finally {
            stores.forEach(ZooKeeperStore::close);
        }
    }

    @Test
    void adoptingGivesANewIdentityAndAHigherEpoch() throws Exception {
        Name cluster = SharedEnsemble.cluster();
        SharedEnsemble.Memory memory = new SharedEnsemble.Memory();
        memory.keep(KNOWN);
        StoreSettings settings = SharedEnsemble.settings(SharedEnsemble.get().connect(), cluster, "n1");
        try (ZooKeeperStore store = SharedEnsemble.open(settings, memory)) {
            assertThatThrownBy(() -> store.awaitReady(BOUND)).isInstanceOf(StoreUnreachableException.class);
            StoreIdentity adopted = store.adopt();
            assertThat(adopted.identity()).isNotEqualTo(KNOWN.identity());
            assertThat(adopted.epoch()).isGreaterThan(KNOWN.epoch());
            assertThat(memory.recall()).contains(adopted);
        }
        try (ZooKeeperStore store = SharedEnsemble.open(settings, memory)) {
            store.awaitReady(BOUND);
        }
    }

    @Test
    void adoptingOnEveryNodeLeavesOneIdentityAndSayingItAgainChangesNothing() throws Exception {
        Name cluster = SharedEnsemble.cluster();
        SharedEnsemble.Memory memory = new SharedEnsemble.Memory();
        // The other node has seen a later reign than the one that adopts first.
        SharedEnsemble.Memory aheadMemory = new SharedEnsemble.Memory();
        memory.keep(KNOWN);
        aheadMemory.keep(KNOWN.reached(new Epoch(8), 300));
        try (ZooKeeperStore store = open(cluster, "n1", memory);
                ZooKeeperStore ahead = open(cluster, "n2", aheadMemory)) {
            StoreIdentity first = store.adopt();
            StoreIdentity second = ahead.adopt();
            assertThat(second.identity()).isEqualTo(first.identity());
            assertThat(second.epoch()).isGreaterThan(new Epoch(8));
            for (ZooKeeperStore each : List.of(store, ahead, store, ahead)) {
                StoreIdentity again = each.adopt();
                assertThat(again.identity()).isEqualTo(first.identity());
                assertThat(again.epoch()).isEqualTo(second.epoch());
            }
        }
    }

    @Test
    void storeThatWentBackGetsAnotherIdentity() throws Exception {
        Name cluster = SharedEnsemble.cluster();
        SharedEnsemble.Memory memory = new SharedEnsemble.Memory();
        StoreIdentity before;
        try (ZooKeeperStore store = open(cluster, "n1", memory)) {
            store.awaitReady(BOUND);
            before = memory.recall().orElseThrow();
        }
        memory.keep(before.reached(new Epoch(7), 0));
        try (ZooKeeperStore store = open(cluster, "n1", memory)) {
            assertThatThrownBy(() -> store.awaitReady(BOUND)).hasMessageContaining("its epoch is 0");
            StoreIdentity adopted = store.adopt();
            assertThat(adopted.identity()).isNotEqualTo(before.identity());
            assertThat(adopted.epoch()).isEqualTo(new Epoch(8));
        }
    }

    private static ZooKeeperStore open(Name cluster, String node, StoreMemory memory) {
        return SharedEnsemble.open(SharedEnsemble.settings(SharedEnsemble.get().connect(), cluster, node), memory);
    }
}
