package dev.holdfast.agent.cluster.real;

import static dev.holdfast.agent.cluster.real.RealCluster.BOUND;
import static dev.holdfast.agent.cluster.real.RealCluster.GROUP;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A member of a decided round never comes back, or so a person says. */
@Tag("qemu")
@Tag("cluster")
class GoneNodeTest extends OnRealCluster {
    private static final int USAGE = 2;
    private static final int REFUSED = 3;

    private static void awaitPresent(RealNode node, int nodes) {
        await("%d nodes are there".formatted(nodes)).atMost(BOUND).until(() -> cluster.online(node) == nodes);
    }

    private static void awaitRounds(RealNode node, int rounds) {
        await("%d rounds are in the store".formatted(rounds))
                .atMost(BOUND)
                .until(() -> rounds == 0
                        ? cluster.seesNoRound(node)
                        : cluster.status(node).objects("rounds").size() == rounds);
    }

    @Test
    void aDecidedRoundIsClosedWithoutANodeThatIsGoneAndThatMayComeBack() throws Exception {
        HeldRound round = HeldRound.revertInDoubt(cluster, "two");
        RealNode stays = round.leader;
        RealNode gone = round.follower;
        gone.agent.kill();
        // With what it had received and not read: the vote of the node that is gone never comes to be.
        cluster.zookeeper.kill();
        cluster.zookeeper.startAgain();
        awaitPresent(stays, 1);
        await("the round is aborted")
                .atMost(BOUND)
                .until(() -> stays.run("checkpoint", "abort", GROUP).exit() == 0 || round.caller.isDone());
        await("it is not in doubt any more").atMost(BOUND).until(() -> !stays.isBound());
        await("its machine runs").atMost(BOUND).until(() -> stays.vm.runs() && !stays.vm.hasIntent());

        Told living = stays.run("fsck", "--repair", "--gone", stays.name);
        assertThat(living.exit()).as(living.all()).isEqualTo(REFUSED);
        assertThat(living.err()).contains("its agent answers");
        Told slip = stays.run("fsck", "--repair", "--gone", "n9");
        assertThat(slip.exit()).as(slip.all()).isEqualTo(USAGE);
        assertThat(slip.err()).contains("no round waits for n9");
        assertThat(stays.run("fsck", "--repair", "-o", "json").out())
                .contains("waits for node " + gone.name, "fsck --repair --gone " + gone.name);
        assertThat(stays.run("fsck", "--gone", gone.name, "-o", "json").out())
                .contains("close it without the node that is gone", "stonith_admin --fence " + gone.name);
        awaitRounds(stays, 1);

        assertThat(stays.run("fsck", "--repair", "--gone", gone.name, "-o", "json")
                        .out())
                .contains("\"repaired\"", "close it without the node that is gone");
        awaitRounds(stays, 0);
        assertThat(stays.run("fsck", "--repair", "--gone", gone.name).exit()).isEqualTo(USAGE);

        assertThat(stays.run("cluster", "status").out()).contains("OFFLINE");
        assertThat(stays.run("cluster", "forget", stays.name, "--force").err()).contains("is there");
        assertThat(stays.run("cluster", "forget", gone.name, "--force").exit()).isZero();
        assertThat(stays.run("cluster", "status").out()).doesNotContain("OFFLINE", gone.name);

        gone.agent.startAgain();
        awaitPresent(stays, 2);
        await("it says that it knows nothing")
                .atMost(BOUND)
                .until(() ->
                        stays.run("fsck", "--repair", "-o", "json").out().contains("the store has no record of that"));
        assertThat(gone.isBound()).as("it decides nothing alone").isTrue();
        assertThat(gone.vm.hasIntent()).isTrue();
        assertThat(gone.vm.runs()).as("nobody knows which side is to run").isFalse();
        assertThat(stays.vm.runs()).isTrue();
    }
}
