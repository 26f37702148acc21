package dev.holdfast.agent.cluster.real;

import static dev.holdfast.agent.cluster.real.RealCluster.DEADLINE;
import static dev.holdfast.agent.cluster.real.RealCluster.GROUP;
import static dev.holdfast.agent.cluster.real.RealCluster.require;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** QEMU that is killed or stopped in each phase of a round. */
@Tag("qemu")
@Tag("cluster")
class MachineFaultsTest {
    private static final Duration BOUNDED = RealCluster.BOUND;

    private static RealCluster cluster;

    @BeforeAll
    static void start() throws IOException {
        cluster = RealCluster.withSmallDisks();
    }

    @AfterEach
    void heal() throws IOException {
        cluster.heal();
    }

    @AfterAll
    static void end() throws IOException {
        cluster.close();
    }

    private static void otherRunsAndCallerIsTold(HeldRound round) {
        await("the other machine runs on")
                .atMost(DEADLINE.plusSeconds(3).toMillis(), TimeUnit.MILLISECONDS)
                .until(round.follower.vm::runs);
        await("the caller is told").atMost(BOUNDED).until(round.caller::isDone);
        Told told = round.caller.join();
        assertThat(told.exit()).as(told.all()).isIn(1, 3, 4);
        assertThat(told.err()).containsAnyOf(round.leader.vm.name, "node " + round.leader.name);
    }

    private static void startAgain(HeldRound round) throws IOException {
        await("the agent sees that it is gone")
                .atMost(BOUNDED)
                .until(() -> round.leader.run("vm", "list").out().contains("stopped"));
        require(round.leader.run("vm", "start", round.leader.vm.name));
    }

    @Test
    void refusesWhenThereIsNoRoomAndSaysWhatToDo() throws IOException {
        Path disks = cluster.n1().vm.chain.getParent();
        Path ballast = fill(disks, 100L << 20);
        Told told = cluster.n1().run("checkpoint", "create", GROUP + "@big");
        Files.delete(ballast);
        assertThat(told.exit()).as(told.all()).isEqualTo(3);
        assertThat(told.err()).contains("web1", "MiB", disks.toString(), "make room");
        cluster.assertConverged("after-no-room");
    }

    @Test
    void diskRunsFullWhileMemoryIsWritten() throws IOException {
        HeldRound round = HeldRound.frozen(cluster, "lost");
        Path ballast = fill(round.leader.vm.chain.getParent(), 0);
        round.follower.agent.signal("CONT");
        Told told = round.told();
        // The caller is told the decision; whose part came late is let run after that.
        for (RealVm vm : List.of(round.leader.vm, round.follower.vm)) {
            await(vm.name + " runs")
                    .atMost(DEADLINE.plusSeconds(3).toMillis(), TimeUnit.MILLISECONDS)
                    .until(vm::runs);
        }
        Files.delete(ballast);
        // The memory has its place by then; if the little that is left fits as well, the checkpoint is whole.
        if (told.exit() == 0) {
            require(cluster.n1().run("checkpoint", "verify", GROUP + "@lost"));
            require(cluster.n1().run("checkpoint", "delete", "--yes", GROUP + "@lost"));
        }
        cluster.assertConverged("after-full");
    }

    /** Takes all the space but so many bytes. */
    private static Path fill(Path directory, long left) throws IOException {
        Path ballast = directory.resolve("ballast");
        byte[] block = new byte[1 << 20];
        try (OutputStream out = Files.newOutputStream(ballast)) {
            while (Files.getFileStore(directory).getUsableSpace() > Math.max(left, block.length)) {
                out.write(block);
            }
        }
        return ballast;
    }

    @Test
    void machineStoppedWhilePreparing() throws IOException {
        HeldRound round = HeldRound.preparing(cluster, "lost");
        otherRunsAndCallerIsTold(round);
        round.leader.vm.signal("CONT");
        cluster.assertConverged("after-stopped-preparing");
    }

    @Test
    void machineKilledWhilePreparing() throws IOException {
        HeldRound round = HeldRound.preparing(cluster, "lost");
        round.leader.vm.signal("KILL");
        otherRunsAndCallerIsTold(round);
        startAgain(round);
        cluster.assertConverged("after-killed-preparing");
    }

    @Test
    void machineStoppedWhileFrozen() throws IOException {
        HeldRound round = HeldRound.frozen(cluster, "lost");
        round.leader.vm.signal("STOP");
        round.follower.agent.signal("CONT");
        otherRunsAndCallerIsTold(round);
        round.leader.vm.signal("CONT");
        await("it runs again by itself").atMost(BOUNDED).until(round.leader.vm::runs);
        cluster.assertConverged("after-stopped-frozen");
    }

    @Test
    void machineKilledWhileFrozen() throws IOException {
        HeldRound round = HeldRound.frozen(cluster, "lost");
        round.leader.vm.signal("KILL");
        round.follower.agent.signal("CONT");
        otherRunsAndCallerIsTold(round);
        startAgain(round);
        cluster.assertConverged("after-killed-frozen");
    }

    @Test
    void machineKilledWhileMemoryIsWritten() throws IOException {
        HeldRound round = HeldRound.frozen(cluster, "lost");
        round.follower.agent.signal("CONT");
        round.awaitThawed(round.leader);
        round.leader.vm.signal("KILL");
        Told told = round.told();
        if (told.exit() == 0) {
            // Everything was on the disk by then.
            require(cluster.n1().run("checkpoint", "verify", GROUP + "@lost"));
            require(cluster.n1().run("checkpoint", "delete", "--yes", GROUP + "@lost"));
        }
        startAgain(round);
        cluster.assertConverged("after-killed-draining");
    }

    @Test
    @Tag("soak")
    void machineStoppedWhileMemoryIsWritten() throws IOException {
        HeldRound round = HeldRound.frozen(cluster, "lost");
        round.follower.agent.signal("CONT");
        round.awaitThawed(round.leader);
        round.leader.vm.signal("STOP");
        Told told = round.told();
        round.leader.vm.signal("CONT");
        if (told.exit() == 0) {
            require(cluster.n1().run("checkpoint", "delete", "--yes", GROUP + "@lost"));
        }
        cluster.assertConverged("after-stopped-draining");
    }

    @Test
    void machineKilledWhileHeldForARevert() throws IOException {
        require(cluster.n1().run("checkpoint", "create", GROUP + "@back"));
        HeldRound round = HeldRound.held(cluster, "back");
        round.leader.vm.signal("KILL");
        round.follower.agent.signal("CONT");
        round.told();
        await("what runs is one of both").atMost(BOUNDED).until(() -> cluster.seesNoRound(cluster.n1()));
        if (!round.leader.vm.hasProcess()) {
            startAgain(round);
        }
        cluster.assertConverged("after-killed-held");
        require(cluster.n1().run("checkpoint", "delete", "--yes", GROUP + "@back"));
    }
}
