package dev.holdfast.agent.cluster.real;

import static dev.holdfast.agent.cluster.real.RealCluster.BOUND;
import static dev.holdfast.agent.cluster.real.RealCluster.GROUP;
import static dev.holdfast.agent.cluster.real.RealCluster.require;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Rounds that nobody remembers: members are in doubt, and the record is gone. What {@code fsck} makes of them. */
@Tag("qemu")
@Tag("cluster")
class ForgottenRoundTest extends OnRealCluster {
    private static final int REFUSED = 3;
    private static final int NEEDS_FSCK = 6;

    @AfterEach
    void heal() throws IOException {
        cluster.heal();
    }

    /** A revert is loaded, both members have voted and hold their machines, and the store stands still. */
    private static HeldRound inDoubt(String checkpoint) throws Exception {
        require(cluster.n1().run("checkpoint", "create", "--disk-only", GROUP + "@" + checkpoint));
        HeldRound round = HeldRound.held(cluster, checkpoint);
        cluster.zookeeper.signal("STOP");
        round.follower.agent.signal("CONT");
        round.awaitBound(round.leader);
        round.awaitBound(round.follower);
        return round;
    }

    private static Told fsck(RealNode node, String... words) {
        String[] all = new String[words.length + 1];
        all[0] = "fsck";
        System.arraycopy(words, 0, all, 1, words.length);
        Told told = node.run(all);
        assertThat(told.exit()).as(told.all()).isEqualTo(NEEDS_FSCK);
        return told;
    }

    private static void awaitPresent(RealNode node, int nodes) {
        await("%d nodes are there".formatted(nodes))
                .atMost(BOUND)
                .until(() -> cluster.status(node).objects("nodes").size() == nodes);
    }

    private static void awaitOver(RealNode node) {
        await(node.name + " is not in doubt any more").atMost(BOUND).until(() -> !node.isBound());
        await(node.vm.name + " runs").atMost(BOUND).until(() -> node.vm.runs() && !node.vm.hasIntent());
    }

    @Test
    void aRoundWhoseRecordIsGoneIsEndedWhenTheDisksOfAllMembersAreSeenAndNotBefore() throws Exception {
        HeldRound round = inDoubt("one");
        RealNode first = round.leader;
        RealNode second = round.follower;
        first.agent.kill();
        second.agent.kill();
        cluster.zookeeper.signal("CONT");
        round.told();
        try (StoreByHand store = new StoreByHand(first)) {
            store.removeBelow("rounds");
        }
        first.agent.startAgain();
        awaitPresent(first, 1);
        assertThat(fsck(first, "--repair", "-o", "json").out())
                .contains(
                        "the store has no record of that",
                        second.name + ", which has " + second.vm.name + ", did not answer")
                .doesNotContain("write down that it was aborted");
        assertThat(first.isBound()).isTrue();
        assertThat(first.vm.runs()).as("nobody knows which side is to run").isFalse();

        second.agent.startAgain();
        awaitPresent(first, 2);
        Told told = fsck(second, "-o", "json");
        assertThat(told.out()).contains("write down that it was aborted");
        assertThat(first.isBound() && second.isBound()).as("it only looks").isTrue();

        assertThat(second.run("fsck", "--repair", "-o", "json").out()).contains("repaired");
        awaitOver(first);
        awaitOver(second);
        cluster.assertConverged("after-one");
        RealCluster.assertInOrder(first);
    }

    @Test
    void aDecidedRoundIsClosedWithoutANodeThatIsGoneAndThatMayComeBack() throws Exception {
        HeldRound round = inDoubt("two");
        RealNode stays = round.leader;
        RealNode gone = round.follower;
        gone.agent.kill();
        cluster.zookeeper.signal("CONT");
        stays.run("checkpoint", "abort", GROUP);
        round.told();
        awaitOver(stays);
        Told early = stays.run("fsck", "--repair", "--gone", stays.name);
        assertThat(early.exit()).as(early.all()).isEqualTo(REFUSED);
        assertThat(early.err()).contains("its agent runs");
        awaitPresent(stays, 1);
        assertThat(fsck(stays, "--repair", "-o", "json").out()).contains("waits for node " + gone.name);
        assertThat(cluster.status(stays).objects("rounds")).hasSize(1);

        assertThat(stays.run("fsck", "--repair", "--gone", gone.name, "-o", "json")
                        .out())
                .contains("close it without the node that is gone");
        await("the round is closed")
                .atMost(BOUND)
                .until(() -> cluster.status(stays).objects("rounds").isEmpty());

        gone.agent.startAgain();
        awaitPresent(stays, 2);
        assertThat(gone.isBound()).isTrue();
        assertThat(stays.run("fsck", "--repair", "-o", "json").out()).contains("write down that it was aborted");
        awaitOver(gone);
        cluster.assertConverged("after-two");
    }
}
