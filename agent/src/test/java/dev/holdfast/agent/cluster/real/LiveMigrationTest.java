package dev.holdfast.agent.cluster.real;

import static dev.holdfast.agent.cluster.real.RealCluster.BOUND;
import static dev.holdfast.agent.cluster.real.RealCluster.GROUP;
import static dev.holdfast.agent.cluster.real.RealCluster.require;
import static dev.holdfast.agent.cluster.real.RealCluster.told;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.holdfast.agent.control.ControlClient;
import dev.holdfast.agent.control.ControlCommand;
import dev.holdfast.agent.control.Progress;
import dev.holdfast.agent.journal.OperationJournal;
import dev.holdfast.agent.journal.OperationState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** web1 moves between two nodes that share its disks. Its guest would notice if memory and disks were of different moments. */
@Tag("qemu")
@Tag("cluster")
class LiveMigrationTest {
    private static final Duration SOON = BOUND;

    private static RealCluster cluster;
    private static Moving moving;
    private static RealVm here;
    private static RealVm there;

    @BeforeAll
    static void start() throws IOException {
        cluster = RealCluster.withSharedDisks();
        moving = new Moving(cluster, List.of(), List.of("--bandwidth", "64K", "--downtime", "1ms"));
        here = cluster.n1().vm;
        there = here.on(cluster.n2());
    }

    @AfterAll
    static void end() throws IOException {
        cluster.close();
    }

    /** Each test begins with web1 on n1. */
    @AfterEach
    void bringBack() throws IOException {
        cluster.wakeAgents();
        if (there.runs()) {
            require(move(cluster.n2(), cluster.n1()));
        } else if (!here.hasProcess()) {
            await("it may start here")
                    .atMost(BOUND)
                    .until(() -> cluster.n1().run("vm", "start", "web1").exit() == 0);
        }
    }

    private static Told move(RealNode from, RealNode to) {
        return moving.move(from, to);
    }

    private static CompletableFuture<Told> halfWay() {
        return moving.until(() -> here.migrates() && there.waiting().isPresent());
    }

    private static void isOnlyHere() throws IOException {
        here.goesOn(SOON);
        await("nothing is left on n2")
                .atMost(SOON)
                .until(() -> !there.hasProcess() && there.waiting().isEmpty());
        moving.awaitEnd();
        assertThat(here.runs()).isTrue();
    }

    private static void isOnlyThere() throws IOException {
        there.goesOn(SOON);
        assertThat(here.hasProcess()).isFalse();
        assertThat(there.console()).doesNotContain("START");
    }

    @Test
    void isNotSentToANodeThatSeesAnOlderHeadOfItsDisks() throws IOException {
        cluster.awaitPresent();
        require(cluster.n1().run("checkpoint", "create", GROUP + "@newer"));
        Path head = here.chain.resolve("head");
        Path newest = Files.readSymbolicLink(head);
        Path oldest = Files.createDirectory(here.chain.resolve("oldest-of-test"));
        for (String disk : List.of("d0", "d1")) {
            Files.createSymbolicLink(
                    oldest.resolve(disk + ".qcow2"), here.chain.resolve("layers/" + disk + "-000001.qcow2"));
        }
        try {
            // As an NFS client does whose cache is a minute old.
            turn(head, oldest);
            Told told = move(cluster.n1(), cluster.n2());
            assertThat(told.exit()).as(told.all()).isNotZero();
            assertThat(told.all())
                    .contains("n2 sees an older state of the storage")
                    .contains("d0-000001.qcow2");
        } finally {
            turn(head, newest);
            Files.delete(oldest.resolve("d0.qcow2"));
            Files.delete(oldest.resolve("d1.qcow2"));
            Files.delete(oldest);
        }
        isOnlyHere();
        require(cluster.n2().run("checkpoint", "delete", "--yes", GROUP + "@newer"));
    }

    private static void turn(Path head, Path to) throws IOException {
        Path next = Files.createSymbolicLink(head.resolveSibling("head-of-test"), to);
        Files.move(next, head, StandardCopyOption.ATOMIC_MOVE);
    }

    @Test
    void movesThereAndBackWhileItWritesAndItsCheckpointsGoWithIt() throws IOException {
        cluster.awaitPresent();
        require(cluster.n1().run("checkpoint", "create", GROUP + "@before"));
        long then = here.counter();
        await().until(() -> here.counter() > then + 20);

        require(move(cluster.n1(), cluster.n2()));
        isOnlyThere();
        List<String> said = there.console();
        assertThat(said.get(1)).startsWith("T");
        assertThat(there.counter()).isGreaterThan(then + 20);

        cluster.awaitPresent();
        require(cluster.n1().run("checkpoint", "verify", GROUP + "@before"));
        require(cluster.n1().run("checkpoint", "create", GROUP + "@there"));
        assertThat(cluster.n1().run("checkpoint", "show", GROUP + "@there").out())
                .as("what the move has set in QEMU does not keep it from a background capture")
                .contains("background")
                .doesNotContain(" live ", " stop ");
        require(cluster.n1().run("checkpoint", "revert", "--yes", "--paused", GROUP + "@before"));
        assertThat(here.hasProcess()).isFalse();
        assertThat(there.counter()).isLessThanOrEqualTo(then + 20);
        require(cluster.n2().run("vm", "thaw", "web1"));
        require(cluster.n2().run("vm", "thaw", "web2"));
        there.goesOn(SOON);

        require(move(cluster.n2(), cluster.n1()));
        here.goesOn(SOON);
        assertThat(there.hasProcess()).isFalse();
        cluster.awaitPresent();
        require(cluster.n2().run("checkpoint", "revert", "--yes", GROUP + "@there"));
        here.goesOn(SOON);
        require(cluster.n1().run("checkpoint", "delete", "--yes", GROUP + "@there"));
        require(cluster.n1().run("checkpoint", "delete", "--yes", GROUP + "@before"));
        isOnlyHere();
    }

    @Test
    void refusesWithAReasonWhatCannotMove() {
        Told told = cluster.n1().run("vm", "migrate", "web1", "--to", "n1");
        assertThat(told.exit()).as(told.all()).isEqualTo(3);
        assertThat(told.err()).contains("on node n1 already");
        told = cluster.n2().run("vm", "migrate", "web1", "--to", "n1");
        assertThat(told.exit()).as(told.all()).isEqualTo(3);
        assertThat(told.err()).contains("does not run on this node");
        told = cluster.n1().run("vm", "migrate", "web1", "--to", "n9", "--timeout", "3s");
        assertThat(told.exit()).as(told.all()).isEqualTo(1);
        assertThat(told.err()).contains("n9", "not in the group channel");
        assertThat(here.runs()).isTrue();
    }

    @Test
    void targetProcessKilledHalfWay() throws IOException {
        CompletableFuture<Told> caller = halfWay();
        Signals.send("KILL", there.waiting().orElseThrow());
        Told told = told(caller);
        assertThat(told.exit()).as(told.all()).isEqualTo(1);
        assertThat(told.err()).contains("web1 did not move to n2");
        isOnlyHere();
    }

    @Test
    void sourceProcessKilledHalfWay() throws IOException {
        CompletableFuture<Told> caller = halfWay();
        here.signal("KILL");
        Told told = told(caller);
        assertThat(told.exit()).as(told.all()).isEqualTo(1);
        await("nothing waits on n2").atMost(SOON).until(() -> there.waiting().isEmpty());
        assertThat(there.hasProcess()).isFalse();
        await("the agent sees that it is gone")
                .atMost(SOON)
                .until(() -> cluster.n1().run("vm", "start", "web1").exit() == 0);
        isOnlyHere();
    }

    /** Runs seldom: those who stop it, or let all be sent first, meet the same next life of it. */
    @Test
    @Tag("soak")
    void sourceAgentKilledHalfWay() throws IOException {
        CompletableFuture<Told> caller = halfWay();
        cluster.n1().agent.kill();
        assertThat(told(caller).exit()).isNotZero();
        cluster.n1().agent.startAgain();
        isOnlyHere();
    }

    @Test
    void sourceAgentStoppedHalfWayLetsNothingHangInTheAir() throws IOException {
        halfWay();
        cluster.n1().agent.signal("TERM");
        cluster.n1().agent.awaitEnd();
        assertThat(here.migrates()).isFalse();
        here.goesOn(SOON);
        cluster.n1().agent.startAgain();
        isOnlyHere();
    }

    @Test
    void sourceAgentKilledAndAllIsSentMeanwhile() throws IOException {
        halfWay();
        cluster.n1().agent.kill();
        here.hurry();
        await("it stands still").atMost(SOON).until(() -> here.status().equals("postmigrate"));
        cluster.n1().agent.startAgain();
        isOnlyHere();
    }

    /** As if the agent had died right after it had written the note that the machine is the target's. */
    private static void noteHandedOver(RealNode node) throws IOException {
        OperationJournal journal = OperationJournal.open(node.home.resolve("state/journal"));
        assertThat(journal.operations()).hasSize(1);
        journal.write(journal.operations().get(0).in(OperationState.HANDED_OVER));
    }

    private static void allIsSentAndNobodyRunsIt() throws IOException {
        halfWay();
        cluster.n1().agent.kill();
        here.hurry();
        await("it stands still").atMost(SOON).until(() -> here.status().equals("postmigrate"));
    }

    @Test
    @Tag("soak")
    void sourceAgentKilledRightAfterItsNote() throws IOException {
        allIsSentAndNobodyRunsIt();
        noteHandedOver(cluster.n1());
        cluster.n1().agent.startAgain();
        there.goesOn(SOON);
        await("its old process ends").atMost(SOON).until(() -> !here.hasProcess());
        isOnlyThere();
    }

    /** Both agents and the target are lost, and pacemaker has stopped the machine without them. */
    @Test
    void pacemakerMayStartItAlthoughTheTargetNeverSaysWhatBecameOfIt() throws Exception {
        allIsSentAndNobodyRunsIt();
        cluster.n2().agent.kill();
        noteHandedOver(cluster.n1());
        Signals.send("KILL", there.waiting().orElseThrow());
        here.signal("KILL");
        cluster.n1().agent.startAgain();
        Path socket = cluster.n1().home.resolve("run/agent.sock");
        await("the agent answers")
                .atMost(BOUND)
                .until(() -> cluster.n1().run("vm", "list").exit() == 0);
        try (ControlClient client = ControlClient.connect(socket)) {
            client.call(ControlCommand.VM_START, Map.of("vm", "web1", "placed", true), Progress.NONE);
        }
        here.goesOn(SOON);
    }

    @Test
    @Tag("soak")
    void bothAgentsKilledRightAfterTheTargetsNote() throws IOException {
        allIsSentAndNobodyRunsIt();
        cluster.n2().agent.kill();
        noteHandedOver(cluster.n1());
        noteHandedOver(cluster.n2());
        cluster.n2().agent.startAgain();
        there.goesOn(SOON);
        assertThat(here.status()).isEqualTo("postmigrate");
        cluster.n1().agent.startAgain();
        await("its old process ends").atMost(SOON).until(() -> !here.hasProcess());
        isOnlyThere();
    }

    @Test
    @Tag("soak")
    void targetAgentHangsAndItsNextLifeDropsWhatCame() throws IOException {
        CompletableFuture<Told> caller = halfWay();
        cluster.n2().agent.signal("STOP");
        here.hurry();
        Told told = told(caller);
        assertThat(told.exit()).as(told.all()).isEqualTo(1);
        here.goesOn(SOON);
        assertThat(there.waiting()).isPresent();
        cluster.n2().agent.kill();
        cluster.n2().agent.startAgain();
        isOnlyHere();
    }

    /** Runs seldom: its next life does the same. */
    @Test
    @Tag("soak")
    void targetAgentHangsAndFindsThatNothingComes() throws IOException {
        CompletableFuture<Told> caller = halfWay();
        cluster.n2().agent.signal("STOP");
        here.hurry();
        Told told = told(caller);
        assertThat(told.exit()).as(told.all()).isEqualTo(1);
        cluster.n2().agent.signal("CONT");
        isOnlyHere();
    }

    @Test
    void stopEndsTheMoveAndTheMachine() throws IOException {
        CompletableFuture<Told> caller = halfWay();
        require(cluster.n1().run("vm", "stop", "--force", "web1"));
        assertThat(told(caller).exit()).isEqualTo(1);
        await("nothing is left")
                .atMost(SOON)
                .until(() -> !here.hasProcess()
                        && !there.hasProcess()
                        && there.waiting().isEmpty());
    }

    @Test
    void aCheckpointIsRefusedWhileItMoves() throws IOException {
        cluster.awaitPresent();
        CompletableFuture<Told> caller = halfWay();
        Told told = cluster.n1().run("checkpoint", "create", GROUP + "@meanwhile");
        assertThat(told.exit()).as(told.all()).isEqualTo(3);
        assertThat(told.err()).contains("web1 is busy", "migrate");
        told = cluster.n1().run("vm", "freeze", "web1");
        assertThat(told.exit()).as(told.all()).isEqualTo(3);
        assertThat(told.err()).contains("web1 is moving to n2");
        here.hurry();
        require(told(caller));
        isOnlyThere();
    }

    @Test
    void aRoundThatHasNotFrozenItGivesWay() throws IOException {
        cluster.awaitPresent();
        // n2's machine does not answer, so that its node does not get ready and the round stays in its preparation.
        cluster.n2().vm.signal("STOP");
        CompletableFuture<Told> caller =
                cluster.inBackground(cluster.n1(), "checkpoint", "create", GROUP + "@givesway");
        await("web1 is in the round")
                .atMost(SOON)
                .until(() -> cluster.n1().run("vm", "list").out().contains("checkpoint"));
        CompletableFuture<Told> move = cluster.inBackground(cluster.n1(), "vm", "migrate", "web1", "--to", "n2");
        Told checkpoint = told(caller);
        cluster.n2().vm.signal("CONT");
        assertThat(checkpoint.exit()).as(checkpoint.all()).isNotZero();
        require(told(move));
        isOnlyThere();
    }
}
