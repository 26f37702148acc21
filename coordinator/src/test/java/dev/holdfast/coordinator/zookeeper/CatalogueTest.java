package dev.holdfast.coordinator.zookeeper;

import static dev.holdfast.coordinator.zookeeper.Rounds.NO_REASON;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.coordinator.codec.HistoryRecord;
import dev.holdfast.coordinator.port.Catalogue;
import dev.holdfast.coordinator.port.DecisionLog.Written;
import dev.holdfast.coordinator.port.GroupBusyException;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.CheckpointRecord;
import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.walls.BesideOthers;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

@BesideOthers
class CatalogueTest {

    private static final Epoch REIGN = new Epoch(0);
    private static final Name SHOP = new Name("shop");

    private final ZooKeeperStore store = SharedEnsemble.open(SharedEnsemble.cluster(), "n1");
    private final Catalogue catalogue = store.catalogue();

    @AfterEach
    void disconnect() {
        store.close();
    }

    @Test
    void groupComesWithItsFirstMachineAndGoesWithItsLast() throws StoreUnreachableException {
        assertThat(catalogue.groups()).isEmpty();
        catalogue.addToGroup(SHOP, new Name("web"));
        catalogue.addToGroup(SHOP, new Name("web"));
        catalogue.addToGroup(SHOP, new Name("db"));
        assertThat(catalogue.group(SHOP).orElseThrow().vms()).containsExactly(new Name("db"), new Name("web"));
        catalogue.removeFromGroup(SHOP, new Name("web"));
        catalogue.removeFromGroup(SHOP, new Name("web"));
        assertThat(catalogue.groups()).hasSize(1);
        catalogue.removeFromGroup(SHOP, new Name("db"));
        assertThat(catalogue.groups()).isEmpty();
    }

    @Test
    void concurrentAdditionsAreAllKept() throws InterruptedException, ExecutionException, StoreUnreachableException {
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try {
            List<Future<?>> all = new ArrayList<>();
            for (int index = 0; index < 8; index++) {
                Name vm = new Name("vm" + index);
                all.add(threads.submit(() -> {
                    catalogue.addToGroup(SHOP, vm);
                    return vm;
                }));
            }
            for (Future<?> each : all) {
                each.get();
            }
        } finally {
            threads.shutdownNow();
        }
        assertThat(catalogue.group(SHOP).orElseThrow().vms()).hasSize(8);
    }

    @Test
    void deletedCheckpointGivesItsChildrenToItsParent() throws StoreUnreachableException, GroupBusyException {
        catalogue.addToGroup(SHOP, new Name("web"));
        commit("r1", "one", Optional.empty(), 100);
        commit("r2", "two", Optional.of(new Name("one")), 200);
        commit("r3", "three", Optional.of(new Name("two")), 300);
        assertThat(catalogue.checkpoints(SHOP))
                .extracting(checkpoint -> checkpoint.name().value())
                .containsExactly("one", "two", "three");

        assertThat(catalogue.beginDelete(SHOP, new Name("two"), REIGN)).isTrue();
        assertThat(catalogue.beginDelete(SHOP, new Name("two"), REIGN))
                .as("idempotent")
                .isTrue();
        assertThat(catalogue.checkpoint(SHOP, new Name("two")).orElseThrow().state())
                .isEqualTo(CheckpointRecord.State.DELETING);
        assertThat(store.decisions().open(Rounds.revert("r4", REIGN, "shop", "two", "web")))
                .as("nobody goes back to it")
                .isInstanceOf(Written.Refused.class);
        catalogue.finishDelete(SHOP, new Name("two"), REIGN);
        catalogue.finishDelete(SHOP, new Name("two"), REIGN);
        assertThat(catalogue.checkpoint(SHOP, new Name("two"))).isEmpty();
        assertThat(catalogue.checkpoint(SHOP, new Name("three")).orElseThrow().parent())
                .contains(new Name("one"));
        assertThat(catalogue.beginDelete(SHOP, new Name("two"), REIGN))
                .as("there is none")
                .isFalse();

        catalogue.beginDelete(SHOP, new Name("three"), REIGN);
        catalogue.finishDelete(SHOP, new Name("three"), REIGN);
        assertThat(catalogue.group(SHOP).orElseThrow().current()).contains(new Name("one"));
    }

    @Test
    void checkpointInUseByARevertIsNotDeleted() throws StoreUnreachableException {
        commit("r1", "one", Optional.empty(), 100);
        store.decisions().open(Rounds.revert("r2", REIGN, "shop", "one", "web"));
        assertThatThrownBy(() -> catalogue.beginDelete(SHOP, new Name("one"), REIGN))
                .isInstanceOf(GroupBusyException.class)
                .hasMessageContaining("in use by round r2");
    }

    @Test
    void staleReignDeletesNothing() throws StoreUnreachableException {
        commit("r1", "one", Optional.empty(), 100);
        Elections elections = new Elections();
        store.leadership().start(elections);
        elections.awaitElected();
        assertThatThrownBy(() -> catalogue.beginDelete(SHOP, new Name("one"), REIGN))
                .isInstanceOf(StoreUnreachableException.class)
                .hasMessageContaining("another node has become leader");
        assertThat(catalogue.checkpoint(SHOP, new Name("one")).orElseThrow().state())
                .isEqualTo(CheckpointRecord.State.COMPLETE);
    }

    @Test
    void historyKeepsTheLastLinesInOrder() throws StoreUnreachableException {
        for (int index = 0; index < Schema.HISTORY_LIMIT + 3; index++) {
            store.history()
                    .append(new HistoryRecord(
                            new RoundId("r" + index),
                            RoundKind.CHECKPOINT,
                            REIGN,
                            SHOP,
                            new Name("one"),
                            Decision.COMMITTED,
                            "",
                            Instant.EPOCH));
        }
        List<HistoryRecord> lines = store.history().list();
        assertThat(lines).hasSize(Schema.HISTORY_LIMIT);
        assertThat(lines.get(0).round()).isEqualTo(new RoundId("r3"));
        assertThat(lines.get(lines.size() - 1).round()).isEqualTo(new RoundId("r" + (Schema.HISTORY_LIMIT + 2)));
    }

    private void commit(String id, String name, Optional<Name> parent, long frozenAt) {
        RoundSpec plain = Rounds.checkpoint(id, REIGN, "shop", name, "web");
        RoundSpec spec = new RoundSpec(
                plain.id(),
                plain.kind(),
                plain.epoch(),
                plain.group(),
                plain.checkpoint(),
                parent,
                plain.members(),
                plain.options());
        assertThat(store.decisions().open(spec)).isInstanceOf(Written.Done.class);
        assertThat(store.decisions()
                        .decide(
                                spec,
                                Decision.COMMITTED,
                                0,
                                REIGN,
                                List.of(Rounds.report("n1", "web", frozenAt)),
                                NO_REASON))
                .isInstanceOf(Written.Done.class);
        assertThat(store.decisions().close(spec, REIGN)).isInstanceOf(Written.Done.class);
    }
}
