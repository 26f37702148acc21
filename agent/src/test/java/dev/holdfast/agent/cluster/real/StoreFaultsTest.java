package dev.holdfast.agent.cluster.real;

import static dev.holdfast.agent.cluster.real.RealCluster.DEADLINE;
import static dev.holdfast.agent.cluster.real.RealCluster.GROUP;
import static dev.holdfast.agent.cluster.real.RealCluster.require;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** ZooKeeper away: at the start of agents, and in each phase of a round. */
@Tag("qemu")
@Tag("cluster")
class StoreFaultsTest {
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

    @Test
    void agentStartsWithoutAStore() throws IOException {
        cluster.zookeeper.kill();
        cluster.n1().agent.kill();
        cluster.n1().agent.startAgain();
        await("the control socket answers, and knows the machine")
                .atMost(RealCluster.BOUND)
                .untilAsserted(
                        () -> assertThat(cluster.n1().run("vm", "list").out()).contains("web1", "running"));
        Told told = cluster.n1().run("checkpoint", "create", GROUP + "@nowhere");
        assertThat(told.exit()).as(told.all()).isEqualTo(5);
        assertThat(told.err()).contains("ZooKeeper", "unning machines");
        assertThat(cluster.n1().run("cluster", "status").out()).contains("unreachable", "did not answer");
        cluster.assertConverged("after-start");
    }

    @Test
    @Tag("soak")
    void storeKilledWhilePreparing() throws IOException {
        HeldRound round = HeldRound.preparing(cluster, "lost");
        cluster.zookeeper.kill();
        round.leader.vm.signal("CONT");
        Told told = round.told();
        assertThat(told.exit()).as(told.all()).isNotZero();
        cluster.assertConverged("after-preparing");
    }

    @Test
    void storeKilledDuringTheFreezeCostsNoPause() throws IOException {
        HeldRound round = HeldRound.frozen(cluster, "lost");
        cluster.zookeeper.kill();
        round.follower.agent.signal("CONT");
        await("both run")
                .atMost(DEADLINE.plusSeconds(3).toMillis(), TimeUnit.MILLISECONDS)
                .until(() -> round.leader.vm.runs() && round.follower.vm.runs());
        Told told = round.told();
        assertThat(told.exit()).as(told.all()).isNotZero();
        goneOrWhole();
        cluster.assertConverged("after-freeze");
    }

    @Test
    void storeKilledWhenAllHaveVoted() throws IOException {
        HeldRound round = HeldRound.inDoubt(cluster, "lost");
        cluster.zookeeper.kill();
        round.told();
        goneOrWhole();
        cluster.assertConverged("after-voted");
    }

    @Test
    void storeKilledDuringARevertDecidesLater() throws IOException {
        HeldRound round = HeldRound.revertInDoubt(cluster, "back");
        cluster.zookeeper.kill();
        round.told();
        cluster.assertConverged("after-revert");
        require(cluster.n1().run("checkpoint", "delete", "--yes", GROUP + "@back"));
    }

    @Test
    void anEntryThatIsPutBackWhenItsRoundIsOverBindsNobody() throws IOException {
        HeldRound round = HeldRound.revertInDoubt(cluster, "back");
        Path backup = Files.createDirectory(cluster.home.resolve("backup"));
        copyEntries(round.leader.journal(), backup);
        cluster.zookeeper.signal("CONT");
        require(round.told());
        await("all is done").atMost(RealCluster.BOUND).until(() -> !round.leader.isBound());

        round.leader.agent.kill();
        copyEntries(backup, round.leader.journal());
        assertThat(round.leader.isBound()).isTrue();
        round.leader.agent.startAgain();

        await("nothing is bound").atMost(RealCluster.BOUND).until(() -> !round.leader.isBound());
        await("nothing is held").atMost(RealCluster.BOUND).until(() -> !round.leader.vm.marked());
        cluster.assertConverged("after-backup");
        require(cluster.n1().run("checkpoint", "delete", "--yes", GROUP + "@back"));
    }

    private static void copyEntries(Path from, Path to) throws IOException {
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(from, "*.json")) {
            for (Path entry : entries) {
                Files.copy(entry, to.resolve(entry.getFileName()), StandardCopyOption.COPY_ATTRIBUTES);
            }
        }
    }

    @Test
    void aStopWinsOverARevertThatIsInDoubt() throws IOException {
        HeldRound round = HeldRound.revertInDoubt(cluster, "back");
        RealVm vm = round.leader.vm;
        await("it is held without a deadline")
                .atMost(RealCluster.BOUND)
                .until(() -> Files.readString(vm.run.resolve("frozen")).contains("kind=hold"));
        Told thaw = round.leader.run("vm", "thaw", vm.name);
        assertThat(thaw.exit()).as(thaw.all()).isNotZero();
        assertThat(thaw.err()).contains("not decided");
        Told freeze = round.leader.run("vm", "freeze", "--deadline", "1s", vm.name);
        assertThat(freeze.exit()).as(freeze.all()).isNotZero();
        assertThat(freeze.err()).contains("not decided");
        assertThat(Files.readString(vm.run.resolve("frozen"))).contains("kind=hold");
        require(round.leader.run("vm", "stop", "--force", vm.name));
        assertThat(vm.hasProcess()).isFalse();
        cluster.zookeeper.signal("CONT");
        round.told();
        await("the decision was carried out").atMost(RealCluster.BOUND).until(() -> !vm.hasIntent());
        assertThat(vm.hasProcess()).isFalse();
        await("it starts again")
                .atMost(RealCluster.BOUND)
                .until(() -> round.leader.run("vm", "start", vm.name).exit() == 0);
        cluster.assertConverged("after-stop");
        require(cluster.n1().run("checkpoint", "delete", "--yes", GROUP + "@back"));
    }

    @Test
    void adoptsAStoreThatWasMadeAnewWhenToldSo() throws IOException {
        cluster.zookeeper.kill();
        cluster.forgetStore();
        cluster.zookeeper.startAgain();
        await("the nodes do not trust it")
                .atMost(RealCluster.BOUND)
                .until(() -> cluster.n1().run("group", "list").err().contains("adopt-store"));
        assertThat(cluster.n1().vm.runs()).isTrue();
        require(cluster.n1().run("cluster", "adopt-store", "--yes"));
        await("the other node sees that it was adopted")
                .atMost(RealCluster.BOUND)
                .until(() -> cluster.n2().run("cluster", "adopt-store", "--yes").exit() == 0
                        && cluster.online(cluster.n2()) == 2);
        cluster.assertConverged("after-adoption");
    }

    private static void goneOrWhole() throws IOException {
        cluster.zookeeper.startAgain();
        cluster.awaitPresent();
        await("no round is left").atMost(RealCluster.BOUND).until(() -> cluster.seesNoRound(cluster.n1()));
        if (cluster.n1().run("checkpoint", "list", GROUP).out().contains("lost")) {
            require(cluster.n1().run("checkpoint", "verify", GROUP + "@lost"));
            require(cluster.n1().run("checkpoint", "delete", "--yes", GROUP + "@lost"));
        }
    }
}
