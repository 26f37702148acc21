package dev.holdfast.agent.cluster.real;

import static dev.holdfast.agent.cluster.real.RealCluster.require;
import static dev.holdfast.agent.cluster.real.ReplicaCluster.BOUND;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.holdfast.agent.control.ControlCommand;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A replicated machine and one that is not, in one group. Both guests would notice if memory and disks were of different moments. */
@Tag("qemu")
@Tag("cluster")
class ReplicatedGroupTest {
    private static ReplicaCluster cluster;

    @BeforeAll
    static void start() throws Exception {
        cluster = new ReplicaCluster(2, true);
        cluster.enrolAll();
        cluster.change(cluster.nodes.get(0), ControlCommand.REPLICA_PROMOTE);
        require(cluster.nodes.get(1).run("vm", "start", "db"));
    }

    @AfterAll
    static void end() throws IOException {
        cluster.close();
    }

    private static List<Long> ticks(RealVm vm) throws IOException {
        return vm.console().stream()
                .filter(line -> line.matches("T[0-9A-F]{8}"))
                .map(line -> Long.parseLong(line.substring(1), 16))
                .toList();
    }

    private static long first(RealVm vm) throws IOException {
        await("it has counted").atMost(BOUND).until(() -> !ticks(vm).isEmpty());
        return ticks(vm).get(0);
    }

    private static long last(RealVm vm) throws IOException {
        first(vm);
        List<Long> all = ticks(vm);
        return all.get(all.size() - 1);
    }

    private static void promoteAfterDeath(RealNode here, RealNode there) throws Exception {
        here.vm.signal("KILL");
        await("it is given up").atMost(BOUND).until(() -> cluster.state(here).equals("out"));
        cluster.change(there, ControlCommand.REPLICA_PROMOTE);
        there.vm.goesOn(BOUND);
        assertThat(there.vm.console()).doesNotContain("START");
    }

    private static CompletableFuture<Told> slowCheckpoint(RealNode here) throws Exception {
        for (int i = 0; i < 10; i++) {
            String name = "shop@slow" + i;
            CompletableFuture<Told> round = CompletableFuture.supplyAsync(() -> here.run("checkpoint", "create", name));
            if (here.vm.slowsCaptureDown(round::isDone)) {
                return round;
            }
            round.join();
            cluster.awaitProtected(here);
        }
        throw new AssertionError("memory was always written before it could be slowed down");
    }

    @Test
    @Tag("soak")
    void aDemoteDoesNotWaitForTheMemoryOfACheckpointAndNothingIsLost() throws Exception {
        RealNode here = cluster.primary();
        RealNode there = cluster.other(here);
        CompletableFuture<Told> round = slowCheckpoint(here);
        long before = last(here.vm);
        await("the guest gets on").atMost(BOUND).until(() -> last(here.vm) > before + 3);
        cluster.change(here, ControlCommand.REPLICA_DEMOTE);
        long at = last(here.vm);
        Told told = round.join();
        assertThat(told.exit()).as(told.all()).isNotZero();
        assertThat(told.all()).contains("web changes its role");
        cluster.change(there, ControlCommand.REPLICA_PROMOTE);
        there.vm.goesOn(BOUND);
        assertThat(first(there.vm)).isEqualTo(at + 1);
        assertThat(there.vm.console()).doesNotContain("START");
        cluster.awaitProtected(there);
    }

    @Test
    void goesThroughACheckpointAFailoverARevertAndAnother() throws Exception {
        RealNode here = cluster.primary();
        RealNode there = cluster.other(here);
        RealVm db = cluster.plain.orElseThrow();
        long pid = here.vm.pid();
        long generation = cluster.number(here, "generation");
        long webFrom = last(here.vm);
        long dbFrom = last(db);
        require(here.run("checkpoint", "create", "--dry-run", "shop@one"));
        require(here.run("checkpoint", "create", "shop@one"));
        long webTo = last(here.vm);
        long dbTo = last(db);
        cluster.awaitProtected(here);
        assertThat(cluster.number(here, "generation")).isEqualTo(generation);
        assertThat(here.vm.pid()).isEqualTo(pid);
        here.vm.goesOn(BOUND);
        require(here.run("checkpoint", "verify", "shop@one"));
        RealCluster.assertInOrder(cluster.nodes.get(0));

        promoteAfterDeath(here, there);
        Told refused = there.run("checkpoint", "revert", "--yes", "shop@one");
        assertThat(refused.exit()).as(refused.all()).isNotZero();
        assertThat(refused.err()).contains("vm switchover web");
        cluster.awaitProtected(there);
        db.goesOn(BOUND);
        cluster.change(there, ControlCommand.REPLICA_SWITCHOVER);
        cluster.awaitProtected(here);

        long before = cluster.number(here, "generation");
        String copy = cluster.text(there, "copy");
        require(here.run("checkpoint", "revert", "--yes", "shop@one"));
        long cut = first(here.vm);
        assertThat(cut).isBetween(webFrom, webTo + 1);
        assertThat(first(db)).isBetween(dbFrom, dbTo + 1);
        cluster.awaitProtected(here);
        assertThat(cluster.number(here, "generation")).isEqualTo(before + 1);
        assertThat(cluster.text(there, "copy")).isNotEqualTo(copy);
        here.vm.goesOn(BOUND);
        db.goesOn(BOUND);

        promoteAfterDeath(here, there);
        assertThat(first(there.vm)).isBetween(cut, last(here.vm) + 1);
        require(there.run("checkpoint", "delete", "--yes", "shop@one"));
        assertThat(here.vm.snapshotFiles()).doesNotContain("one.json", "one.memory");
        RealCluster.assertInOrder(cluster.nodes.get(0));
    }
}
