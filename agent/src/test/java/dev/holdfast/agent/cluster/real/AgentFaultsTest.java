package dev.holdfast.agent.cluster.real;

import static dev.holdfast.agent.cluster.real.RealCluster.DEADLINE;
import static dev.holdfast.agent.cluster.real.RealCluster.GROUP;
import static dev.holdfast.agent.cluster.real.RealCluster.require;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Agents and guards that are killed or stopped in each phase of a round. */
@Tag("qemu")
@Tag("cluster")
class AgentFaultsTest {
    private static final Duration AFTER_A_KILL = Duration.ofSeconds(1);

    /** What the machine's monitor and the poll take on a busy host, on top of what is promised; a deadline alone would take longer. */
    private static final Duration LOOKING = Duration.ofSeconds(2);

    private static RealCluster cluster;

    @BeforeAll
    static void start() throws IOException {
        cluster = new RealCluster();
    }

    @AfterEach
    void heal() throws IOException {
        cluster.heal();
    }

    @AfterAll
    static void end() throws IOException {
        cluster.close();
    }

    private static void runsWithin(RealVm vm, Duration bound) {
        await(vm.name + " runs again")
                .pollInSameThread()
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(10))
                .atMost(bound.plus(LOOKING))
                .until(vm::runs);
    }

    @Test
    @Tag("soak")
    void agentKilledWhilePreparing() throws IOException {
        HeldRound round = HeldRound.preparing(cluster, "lost");
        round.follower.agent.kill();
        round.leader.vm.signal("CONT");
        runsWithin(round.follower.vm, AFTER_A_KILL);
        Told told = round.told();
        assertThat(told.exit()).as(told.all()).isNotZero();
        cluster.assertConverged("after-preparing");
    }

    @Test
    @Tag("soak")
    void anAgentStartsAndServesTheOthersWhenOneDefinitionCannotBeRead() throws IOException {
        RealNode node = cluster.n1();
        Path bad = node.home.resolve("vms/db.toml");
        Files.writeString(bad, "name = \"db\"\ngroup = \"%s\"\nmemory = = 5\n".formatted(GROUP));
        try {
            node.agent.kill();
            node.agent.startAgain();
            cluster.awaitPresent();
            assertThat(node.agent.log()).contains("db.toml:3:10: syntax").contains("defines no machine");
            assertThat(node.run("vm", "show", node.vm.name).exit()).isZero();
            assertThat(node.run("vm", "list").all()).contains("db.toml:3:10").contains("degraded");
            assertThat(node.run("vm", "start", "db").all()).contains("db.toml:3:10");
            Told status = cluster.n2().run("cluster", "status");
            assertThat(status.all()).contains("DEGRADED").contains("node n1 cannot read a definition");
            assertThat(cluster.n2().run("group", "show", GROUP).all()).contains("unreadable");
            for (String[] words : new String[][] {{"--dry-run", GROUP + "@partly"}, {GROUP + "@partly"}}) {
                Told told = cluster.n2()
                        .run(Stream.concat(Stream.of("checkpoint", "create"), Stream.of(words))
                                .toArray(String[]::new));
                assertThat(told.exit()).as(told.all()).isEqualTo(3);
                assertThat(told.all()).contains("n1 cannot read").contains("names this group");
            }
        } finally {
            Files.delete(bad);
            node.agent.kill();
        }
        cluster.assertConverged("after-correction");
    }

    @Test
    void aMachineRunsOnWhileItsOwnDefinitionCannotBeReadAndEveryNodeIsTold() throws IOException {
        RealNode node = cluster.n1();
        Path file = node.home.resolve("vms/" + node.vm.name + ".toml");
        String good = Files.readString(file);
        Files.writeString(file, good.replaceFirst("group = .*", "group ="));
        try {
            node.agent.kill();
            node.agent.startAgain();
            await("the other node is told that it runs there")
                    .atMost(RealCluster.BOUND)
                    .until(() -> cluster.n2().run("group", "show", GROUP).all().contains("undefined"));
            assertThat(node.vm.runs()).isTrue();
            Told told = cluster.n2().run("checkpoint", "create", GROUP + "@partly");
            assertThat(told.exit()).as(told.all()).isEqualTo(3);
            assertThat(told.all()).contains("may belong to any group");
        } finally {
            Files.writeString(file, good);
            node.agent.kill();
        }
        cluster.assertConverged("after-its-own");
    }

    @Test
    void leaderKilledWhileItsMachineStandsStill() throws IOException {
        HeldRound round = HeldRound.frozen(cluster, "lost");
        assertThat(round.leader.vm.status()).isEqualTo("paused");
        round.leader.agent.kill();
        runsWithin(round.leader.vm, AFTER_A_KILL);
        round.follower.agent.signal("CONT");
        Told told = round.told();
        assertThat(told.exit()).as(told.all()).isNotZero();
        cluster.assertConverged("after-frozen");
    }

    @Test
    @Tag("soak")
    void followerKilledWhileTheOtherStandsStill() throws IOException {
        HeldRound round = HeldRound.frozen(cluster, "lost");
        round.follower.agent.kill();
        // Noticed by the channel within a second, or else the deadline ends it.
        runsWithin(round.leader.vm, DEADLINE.plusSeconds(1));
        Told told = round.told();
        assertThat(told.exit()).as(told.all()).isNotZero();
        cluster.assertConverged("after-follower");
    }

    @Test
    void agentThatHangsDuringAFreezeAndComesBackLater() throws IOException {
        HeldRound round = HeldRound.frozen(cluster, "lost");
        round.leader.agent.signal("STOP");
        round.follower.agent.signal("CONT");
        runsWithin(round.leader.vm, DEADLINE.plusSeconds(1));
        runsWithin(round.follower.vm, DEADLINE.plusSeconds(1));
        await("the other takes office")
                .atMost(RealCluster.BOUND)
                .until(() ->
                        cluster.status(round.follower).text("leader").orElse("").equals(round.follower.name));
        round.leader.agent.signal("CONT");
        Told told = round.told();
        assertThat(told.exit()).as(told.all()).isNotZero();
        cluster.assertConverged("after-zombie");
    }

    @Test
    void agentKilledWhileMemoryIsWritten() throws IOException {
        HeldRound round = HeldRound.frozen(cluster, "lost");
        round.follower.agent.signal("CONT");
        round.awaitThawed(round.leader);
        round.leader.agent.kill();
        runsWithin(round.leader.vm, AFTER_A_KILL);
        runsWithin(round.follower.vm, AFTER_A_KILL);
        round.told();
        deleteIfThere("lost");
        cluster.assertConverged("after-draining");
    }

    @Test
    void agentKilledWhenItHasBoundItself() throws IOException {
        HeldRound round = HeldRound.inDoubt(cluster, "lost");
        round.leader.agent.kill();
        cluster.zookeeper.signal("CONT");
        runsWithin(round.leader.vm, AFTER_A_KILL);
        runsWithin(round.follower.vm, AFTER_A_KILL);
        round.told();
        round.leader.agent.startAgain();
        deleteIfThere("lost");
        cluster.assertConverged("after-voted");
    }

    /** A round that had everybody's vote may have been committed; then it is whole, and goes like any other. */
    private static void deleteIfThere(String name) throws IOException {
        for (RealNode node : cluster.nodes) {
            node.agent.startAgain();
        }
        cluster.awaitPresent();
        await("no round is left").atMost(RealCluster.BOUND).until(() -> cluster.seesNoRound(cluster.n1()));
        if (cluster.n1().run("checkpoint", "list", GROUP).out().contains(name)) {
            require(cluster.n1().run("checkpoint", "verify", GROUP + "@" + name));
            require(cluster.n1().run("checkpoint", "delete", "--yes", GROUP + "@" + name));
        }
    }

    @Test
    void agentKilledWhileHeldForARevert() throws IOException {
        require(cluster.n1().run("checkpoint", "create", GROUP + "@back1"));
        HeldRound round = HeldRound.held(cluster, "back1");
        assertThat(round.leader.vm.status()).isEqualTo("paused");
        round.leader.agent.kill();
        runsWithin(round.leader.vm, AFTER_A_KILL);
        round.follower.agent.signal("CONT");
        round.told();
        cluster.assertConverged("after-held");
        require(cluster.n1().run("checkpoint", "delete", "--yes", GROUP + "@back1"));
    }

    @Test
    void agentKilledBetweenLoadAndDecisionOfARevert() throws IOException {
        HeldRound round = HeldRound.revertInDoubt(cluster, "back2");
        round.leader.agent.kill();
        cluster.zookeeper.signal("CONT");
        round.told();
        cluster.assertConverged("after-loaded");
        require(cluster.n1().run("checkpoint", "delete", "--yes", GROUP + "@back2"));
    }

    @Test
    @Tag("soak")
    void agentKilledAfterTheDecisionOfARevert() throws IOException {
        require(cluster.n1().run("checkpoint", "create", GROUP + "@back3"));
        long then = cluster.n1().vm.counter();
        await().until(() -> cluster.n1().vm.counter() > then + 30);
        HeldRound round = HeldRound.held(cluster, "back3");
        round.follower.agent.signal("CONT");
        round.awaitDecided();
        long killed = System.nanoTime();
        round.leader.agent.kill();
        round.told();
        round.leader.agent.startAgain();
        await("the revert is finished by the restarted agent")
                .atMost(RealCluster.BOUND)
                .until(() -> round.leader.vm.runs());
        long steps = Duration.ofNanos(System.nanoTime() - killed).toMillis() * 20 / 1000;
        assertThat(cluster.n1().vm.counter()).isLessThan(then + 30 + steps);
        cluster.assertConverged("after-decided");
        require(cluster.n1().run("checkpoint", "delete", "--yes", GROUP + "@back3"));
    }

    @Test
    void refusesToFreezeWithoutAGuardAndSaysSo() throws IOException {
        cluster.n2().guard.kill();
        Told told = cluster.n1().run("checkpoint", "create", GROUP + "@unguarded");
        assertThat(told.exit()).as(told.all()).isIn(1, 3);
        assertThat(told.err()).contains("guard").contains("systemctl start holdfast-guard");
        cluster.assertConverged("after-guard");
    }

    @Test
    void letsRunByItselfWhenTheGuardIsKilledDuringAFreeze() throws IOException {
        HeldRound round = HeldRound.frozen(cluster, "lost");
        round.leader.guard.kill();
        runsWithin(round.leader.vm, DEADLINE.plusSeconds(1));
        round.follower.agent.signal("CONT");
        Told told = round.told();
        assertThat(told.exit()).as(told.all()).isNotZero();
        cluster.assertConverged("after-guard-died");
    }

    @Test
    void letsRunWhatWasFrozenWhenAgentAndGuardDieTogether() throws IOException {
        HeldRound round = HeldRound.frozen(cluster, "lost");
        round.leader.agent.signal("STOP");
        round.leader.guard.kill();
        round.leader.agent.kill();
        round.follower.agent.signal("CONT");
        assertThat(round.leader.vm.marked()).isTrue();
        round.leader.agent.startAgain();
        runsWithin(round.leader.vm, Duration.ofSeconds(10));
        round.told();
        cluster.assertConverged("after-both");
    }

    @Test
    void finishesADeletionWhenTheNodeIsBack() throws IOException {
        require(cluster.n1().run("checkpoint", "create", GROUP + "@going"));
        RealNode leader = cluster.leader();
        RealNode away = leader == cluster.n1() ? cluster.n2() : cluster.n1();
        away.agent.kill();
        Told told = leader.run("checkpoint", "delete", "--yes", GROUP + "@going");
        assertThat(told.exit()).as(told.all()).isEqualTo(1);
        assertThat(told.err()).contains("follows by itself");
        assertThat(leader.run("checkpoint", "list", GROUP).out()).contains("deleting");
        away.agent.startAgain();
        await("the deletion is complete")
                .atMost(RealCluster.BOUND)
                .until(() -> !leader.run("checkpoint", "list", GROUP).out().contains("going"));
        assertThat(away.vm.snapshotFiles()).doesNotContain("going.json", "going.memory");
        cluster.assertConverged("after-deletion");
    }

    @Test
    void adoptsRunningMachinesWhenItStarts() throws IOException {
        RealNode node = cluster.follower();
        long before = node.vm.pid();
        node.agent.kill();
        node.agent.startAgain();
        await("the machine is adopted")
                .atMost(RealCluster.BOUND)
                .until(() -> node.run("vm", "list").out().contains("running"));
        assertThat(node.vm.pid()).isEqualTo(before);
        cluster.assertConverged("after-adoption");
    }

    @Test
    void aMachineIsStoppedInTheMiddleOfARound() throws IOException {
        HeldRound round = HeldRound.frozen(cluster, "lost");
        Told stopped = round.leader.run("vm", "stop", "--force", round.leader.vm.name);
        require(stopped);
        assertThat(round.leader.vm.hasProcess()).isFalse();
        round.follower.agent.signal("CONT");
        Told told = round.told();
        assertThat(told.exit()).as(told.all()).isNotZero();
        runsWithin(round.follower.vm, Duration.ofSeconds(1));
        require(round.leader.run("vm", "start", round.leader.vm.name));
        cluster.assertConverged("after-stop");
    }

    @Test
    void freezesAndThawsByHand() throws IOException {
        RealNode node = cluster.n1();
        require(node.run("vm", "freeze", "web1"));
        assertThat(node.vm.status()).isEqualTo("paused");
        assertThat(node.vm.marked()).isTrue();
        require(node.run("vm", "thaw", "web1"));
        assertThat(node.vm.runs()).isTrue();
        require(node.run("vm", "freeze", "--deadline", "1s", "web1"));
        runsWithin(node.vm, Duration.ofSeconds(2));
        cluster.assertConverged("after-by-hand");
    }
}
