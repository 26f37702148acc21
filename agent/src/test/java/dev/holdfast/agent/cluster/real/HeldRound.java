package dev.holdfast.agent.cluster.real;

import static dev.holdfast.agent.cluster.real.RealCluster.GROUP;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/**
 * A round that is kept in one phase. The leader's machine is stopped by a signal, so that the leader's node is the last to
 * be ready; then the follower's agent is stopped, so that the leader's node waits for it, frozen.
 */
final class HeldRound {
    private static final Duration BOUND = Duration.ofSeconds(20);

    final RealCluster cluster;
    final RealNode leader;
    final RealNode follower;
    final CompletableFuture<Told> caller;
    private final int leaderMark;
    private final int followerMark;

    private HeldRound(RealCluster cluster, String... command) throws IOException {
        this.cluster = cluster;
        this.leader = cluster.leader();
        this.follower = leader == cluster.n1() ? cluster.n2() : cluster.n1();
        this.leaderMark = leader.mark();
        this.followerMark = follower.mark();
        leader.vm.signal("STOP");
        this.caller = cluster.inBackground(leader, command);
        awaitState(follower, "Ready");
        // READY was sent to the store before this question, in the same session.
        cluster.status(follower);
    }

    /** The follower's node is ready, the leader's is preparing. */
    static HeldRound preparing(RealCluster cluster, String name) throws IOException {
        return new HeldRound(cluster, "checkpoint", "create", GROUP + "@" + name);
    }

    /** The leader's node stands still and waits for the follower's, whose agent is stopped. */
    static HeldRound frozen(RealCluster cluster, String name) throws IOException {
        return preparing(cluster, name).freeze();
    }

    /** The same for a revert: a hold. */
    static HeldRound held(RealCluster cluster, String name) throws IOException {
        return new HeldRound(cluster, "checkpoint", "revert", "--yes", GROUP + "@" + name).freeze();
    }

    private HeldRound freeze() throws IOException {
        follower.agent.signal("STOP");
        leader.vm.signal("CONT");
        awaitState(leader, "Still");
        return this;
    }

    private int markOf(RealNode node) {
        return node == leader ? leaderMark : followerMark;
    }

    boolean reached(RealNode node, String state) {
        return node.said(markOf(node), "member on " + node.name + ": ")
                && node.said(markOf(node), "-> " + state + " because");
    }

    void awaitState(RealNode node, String state) {
        await(node.name + " reaches " + state)
                .pollInSameThread()
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(2))
                .atMost(BOUND)
                .until(() -> reached(node, state));
    }

    /** What the caller was told, once it was. */
    Told told() {
        await("the caller is told").atMost(Duration.ofSeconds(60)).until(caller::isDone);
        return caller.join();
    }
}
