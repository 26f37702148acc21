package dev.holdfast.agent.cluster.real;

import static dev.holdfast.agent.cluster.real.ReplicaCluster.BOUND;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.holdfast.agent.control.ControlCommand;
import dev.holdfast.agent.control.ControlException;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A machine with a live copy on another node. Its guest writes to both of its disks all the time, and would notice if memory and
 * disks were of different moments.
 */
@Tag("qemu")
@Tag("cluster")
class ReplicatedMachinesTest {
    private static ReplicaCluster cluster;

    @BeforeAll
    static void start() throws Exception {
        cluster = new ReplicaCluster(2);
        cluster.enrolAll();
        cluster.change(cluster.nodes.get(0), ControlCommand.REPLICA_PROMOTE);
    }

    @AfterAll
    static void end() throws IOException {
        cluster.close();
    }

    /** Whatever a test has left, so that one failure is one failure. */
    @AfterEach
    void heal() throws IOException {
        cluster.heal();
    }

    private static long tick(RealNode node) throws IOException {
        List<String> lines = node.vm.console();
        for (int i = lines.size() - 1; i >= 0; i--) {
            if (lines.get(i).matches("T[0-9A-F]{8}")) {
                return Long.parseLong(lines.get(i).substring(1), 16);
            }
        }
        return -1;
    }

    /** It runs there, it was not booted anew, and its memory and disks are of one moment. */
    private static void goesOn(RealNode node) throws IOException {
        node.vm.goesOn(BOUND);
        assertThat(node.vm.console()).doesNotContain("START");
    }

    private static long boots(RealNode node) throws IOException {
        return node.vm.console().stream().filter("START"::equals).count();
    }

    private static void refusesToPromote(RealNode node, String reason) {
        assertThatThrownBy(() -> cluster.change(node, ControlCommand.REPLICA_PROMOTE))
                .isInstanceOfSatisfying(
                        ControlException.class,
                        e -> assertThat(e.exit().number()).isEqualTo(3))
                .hasMessageContaining(reason);
    }

    @Test
    void goesOnFromTheLastEpochWhenItsProcessDies() throws Exception {
        RealNode here = cluster.primary();
        RealNode there = cluster.other(here);
        here.vm.signal("KILL");
        await("it is given up").atMost(BOUND).until(() -> cluster.state(here).equals("out"));
        cluster.change(there, ControlCommand.REPLICA_PROMOTE);
        goesOn(there);
        cluster.awaitProtected(there);
        assertThat(cluster.state(here)).isEqualTo("following");
    }

    @Test
    void losesNothingWhenItIsSwitchedOver() throws Exception {
        RealNode here = cluster.primary();
        RealNode there = cluster.other(here);
        long before = tick(here);
        cluster.change(here, ControlCommand.REPLICA_SWITCHOVER);
        goesOn(there);
        assertThat(tick(here)).isGreaterThanOrEqualTo(before);
        assertThat(firstTick(there)).isEqualTo(tick(here) + 1);
        cluster.awaitProtected(there);
    }

    private static long firstTick(RealNode node) throws IOException {
        return node.vm.console().stream()
                .filter(line -> line.matches("T[0-9A-F]{8}"))
                .mapToLong(line -> Long.parseLong(line.substring(1), 16))
                .findFirst()
                .orElse(-1);
    }

    @Test
    void isHeldAtTheBoundWithoutItsAgentAndRunsOnWhenThatIsBackAndHasMadeAnotherCopy() throws Exception {
        RealNode here = cluster.primary();
        RealNode there = cluster.other(here);
        long pid = here.vm.pid();
        String copy = cluster.text(there, "copy");
        here.agent.kill();
        await("it is held").atMost(BOUND).until(() -> here.vm.status().equals("paused"));
        assertThat(cluster.text(there, "copy")).isEqualTo(copy);
        here.agent.startAgain();
        cluster.awaitProtected(here);
        String next = cluster.text(there, "copy");
        assertThat(next).isNotEqualTo(copy);

        there.agent.kill();
        await("it goes on alone").atMost(BOUND).until(() -> cluster.state(here).equals("alone"));
        here.vm.goesOn(BOUND);
        there.agent.startAgain();
        cluster.awaitProtected(here);
        assertThat(cluster.text(there, "copy")).isNotEqualTo(next);
        assertThat(here.vm.pid()).isEqualTo(pid);
    }

    @Test
    void keepsTheLastCopyWhereItsStandbyIsStoppedAndGoesOnFromIt() throws Exception {
        RealNode here = cluster.primary();
        RealNode there = cluster.other(here);
        lose(here);
        cluster.change(there, ControlCommand.REPLICA_STOP);
        assertThat(cluster.standby(there)).isEmpty();
        there.agent.kill();
        there.agent.startAgain();
        await("its agent is back")
                .atMost(BOUND)
                .until(() -> cluster.state(there).equals("resting"));
        cluster.enrol(there);
        refusesToPromote(there, "NOT_PROVEN_GONE");
        fence(here);
        // Its console is that of all machines of this name here.
        long boots = boots(there);
        cluster.change(there, ControlCommand.REPLICA_PROMOTE);
        there.vm.goesOn(BOUND);
        assertThat(boots(there)).isEqualTo(boots);
        cluster.tellFenced(Optional.empty());
        here.agent.startAgain();
        cluster.awaitProtected(there);
    }

    @Test
    void givesUpTheCopyOfAStoppedStandbyWhenThePrimaryHasGoneOnWithoutIt() throws Exception {
        RealNode here = cluster.primary();
        RealNode there = cluster.other(here);
        cluster.change(there, ControlCommand.REPLICA_STOP);
        await("its memory goes").atMost(BOUND).until(() -> cluster.state(there).equals("out"));
        await("it goes on alone").atMost(BOUND).until(() -> cluster.state(here).equals("alone"));
        refusesToPromote(there, "OUT_OF_SYNC");
        cluster.enrol(there);
        cluster.awaitProtected(here);
    }

    @Test
    void runsOnWhenItsStandbyDiesOrHangsAndGetsAnother() throws Exception {
        RealNode here = cluster.primary();
        long pid = here.vm.pid();
        for (String signal : List.of("KILL", "STOP")) {
            long generation = cluster.number(here, "generation");
            String copy = cluster.text(cluster.other(here), "copy");
            Signals.send(signal, cluster.standby(cluster.other(here)).orElseThrow());
            await("another copy").atMost(BOUND).until(() -> {
                String now = cluster.text(cluster.other(here), "copy");
                return !now.isEmpty() && !now.equals(copy);
            });
            cluster.awaitProtected(here);
            assertThat(cluster.number(here, "generation")).isEqualTo(generation);
        }
        assertThat(here.vm.pid()).isEqualTo(pid);
        here.vm.goesOn(BOUND);
    }

    @Test
    void goesOnFromTheLastEpochWhenItsProcessHangs() throws Exception {
        RealNode here = cluster.primary();
        RealNode there = cluster.other(here);
        here.vm.signal("STOP");
        cluster.change(here, ControlCommand.REPLICA_DEMOTE);
        assertThat(here.vm.hasProcess()).isFalse();
        cluster.change(there, ControlCommand.REPLICA_PROMOTE);
        goesOn(there);
        cluster.awaitProtected(there);
    }

    private static void lose(RealNode node) throws IOException {
        node.agent.kill();
        if (node.vm.hasProcess()) {
            node.vm.signal("KILL");
        }
    }

    private static void fence(RealNode node) throws IOException {
        lose(node);
        cluster.tellFenced(Optional.of(node));
    }

    @Test
    void goesOnElsewhereWhenItsNodeDiesAndAPersonDecidesWhenBothDo() throws Exception {
        RealNode here = cluster.primary();
        RealNode there = cluster.other(here);
        lose(here);
        refusesToPromote(there, "NOT_PROVEN_GONE");
        fence(here);
        cluster.change(there, ControlCommand.REPLICA_PROMOTE);
        goesOn(there);

        cluster.tellFenced(Optional.empty());
        lose(there);
        here.agent.startAgain();
        await("its agent is back").atMost(BOUND).until(() -> cluster.state(here).equals("out"));
        refusesToPromote(here, "OUT_OF_SYNC");
        assertThat(resync(here, there).err()).contains("STILL_WANTED");
        fence(there);
        RealCluster.require(resync(here, there));
        cluster.change(here, ControlCommand.REPLICA_PROMOTE);
        here.vm.goesOn(BOUND);
        cluster.tellFenced(Optional.empty());
        there.agent.startAgain();
        cluster.awaitProtected(here);
    }

    private static Told resync(RealNode keeps, RealNode loses) {
        return keeps.run("vm", "resync", ReplicaCluster.VM, "--yes", "--discard-node", loses.name);
    }

    @Test
    void needsTheStoreOnlyWhenItLosesItsStandby() throws Exception {
        RealNode here = cluster.primary();
        long pid = here.vm.pid();
        cluster.zookeeper.kill();
        long epoch = cluster.number(here, "epoch");
        await("epochs without the store").atMost(BOUND).until(() -> cluster.number(here, "epoch") > epoch + 3);
        Signals.send("KILL", cluster.standby(cluster.other(here)).orElseThrow());
        await("it is held").atMost(BOUND).until(() -> here.vm.status().equals("paused"));
        cluster.zookeeper.startAgain();
        cluster.awaitProtected(here);
        assertThat(here.vm.pid()).isEqualTo(pid);
        here.vm.goesOn(BOUND);
    }

    @Test
    void doesNotRiseElsewhereAfterAStopAndDoesAfterADemotion() throws Exception {
        RealNode here = cluster.primary();
        RealNode there = cluster.other(here);
        RealCluster.require(here.run("vm", "stop", "--force", ReplicaCluster.VM));
        await("the copy is void").atMost(BOUND).until(() -> cluster.state(there).equals("out"));
        refusesToPromote(there, "NO_COPY");
        cluster.change(here, ControlCommand.REPLICA_PROMOTE);
        here.vm.goesOn(BOUND);
        cluster.awaitProtected(here);

        cluster.change(here, ControlCommand.REPLICA_DEMOTE);
        assertThat(here.vm.hasProcess()).isFalse();
        cluster.change(there, ControlCommand.REPLICA_PROMOTE);
        goesOn(there);
        cluster.awaitProtected(there);
    }
}
