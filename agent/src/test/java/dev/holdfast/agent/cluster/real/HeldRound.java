package dev.holdfast.agent.cluster.real;

import static dev.holdfast.agent.cluster.real.RealCluster.GROUP;
import static org.awaitility.Awaitility.await;

import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;

/**
 * A round that is kept in one phase. The leader's machine is stopped by a signal, so that the leader's node is the last to
 * be ready; then the follower's agent is stopped, so that the leader's node waits for it, frozen.
 *
 * <p>How far it has come is read from what is promised to be there: the store, by way of 'cluster status', the machines'
 * monitors and freeze marks, and the journals. Never from logs: when their lines are written is nobody's promise.
 */
final class HeldRound {
    private static final Duration BOUND = RealCluster.BOUND;
    private static final int TRIES = 5;

    final RealCluster cluster;
    final RealNode leader;
    final RealNode follower;
    final CompletableFuture<Told> caller;

    private HeldRound(RealCluster cluster, String... command) throws IOException {
        this.cluster = cluster;
        this.leader = cluster.leader();
        this.follower = leader == cluster.n1() ? cluster.n2() : cluster.n1();
        leader.vm.signal("STOP");
        this.caller = cluster.inBackground(leader, command);
        reaches(follower.name + " is ready, in the store", () -> waitsFor().equals(Optional.of(List.of(leader.name))));
    }

    /** The follower's node is ready, the leader's is preparing. */
    static HeldRound preparing(RealCluster cluster, String name) throws IOException {
        return begin(cluster, () -> new HeldRound(cluster, "checkpoint", "create", GROUP + "@" + name));
    }

    /** The leader's node stands still and waits for the follower's, whose agent is stopped. */
    static HeldRound frozen(RealCluster cluster, String name) throws IOException {
        return begin(cluster, () -> new HeldRound(cluster, "checkpoint", "create", GROUP + "@" + name).freeze());
    }

    /** The same for a revert: a hold. */
    static HeldRound held(RealCluster cluster, String name) throws IOException {
        return begin(
                cluster, () -> new HeldRound(cluster, "checkpoint", "revert", "--yes", GROUP + "@" + name).freeze());
    }

    /** A revert is loaded, both members have bound themselves and hold their machines, and no vote has come to the store, which stands still. */
    static HeldRound revertInDoubt(RealCluster cluster, String name) throws IOException {
        RealCluster.require(cluster.n1().run("checkpoint", "create", GROUP + "@" + name));
        return begin(
                cluster,
                () -> new HeldRound(cluster, "checkpoint", "revert", "--yes", GROUP + "@" + name)
                        .bind()
                        .hold());
    }

    /** The same for a checkpoint: its machines run again, and their memory is on the disks. */
    static HeldRound inDoubt(RealCluster cluster, String name) throws IOException {
        return begin(cluster, () -> new HeldRound(cluster, "checkpoint", "create", GROUP + "@" + name).bind());
    }

    private HeldRound bind() throws IOException {
        freeze();
        cluster.zookeeper.signal("STOP");
        follower.agent.signal("CONT");
        awaitBound(leader);
        awaitBound(follower);
        return this;
    }

    /** Until then the guard lets it run if its agent dies, bound or not: no vote has been sent. */
    private HeldRound hold() {
        for (RealNode node : List.of(leader, follower)) {
            reaches(node.vm.name + " is held without a bound", node.vm::isHeld);
        }
        return this;
    }

    private interface Beginning {
        HeldRound begin() throws IOException;
    }

    /** A QEMU that does not answer is given up after three seconds, a freeze after four, and a slow machine needs longer to get so far. */
    private static HeldRound begin(RealCluster cluster, Beginning beginning) throws IOException {
        for (int left = TRIES; ; left--) {
            try {
                return beginning.begin();
            } catch (OverException e) {
                if (left == 0) {
                    throw e;
                }
                cluster.heal();
            }
        }
    }

    /** It ended before it came so far. */
    private static final class OverException extends IllegalStateException {
        private static final long serialVersionUID = 1L;

        OverException(String what) {
            super(what);
        }
    }

    private HeldRound freeze() throws IOException {
        follower.agent.signal("STOP");
        leader.vm.signal("CONT");
        reaches(leader.vm.name + " stands still", leader.vm::standsStill);
        return this;
    }

    /** The machine of a node runs again, after its freeze; its memory may still be on its way to the disk. */
    void awaitThawed(RealNode node) {
        reaches(node.vm.name + " is let run", node.vm::runs);
    }

    /** A node has bound itself: its journal says so. */
    private void awaitBound(RealNode node) {
        reaches(node.name + " is bound", node::isBound);
    }

    /** The decision is in the store, or all is done already. */
    void awaitDecided() {
        reaches("the round is decided", () -> {
            List<JsonObject> rounds = cluster.status(leader).objects("rounds");
            return rounds.isEmpty()
                    ? cluster.seesNoRound(leader)
                    : !rounds.get(0).text("state").orElse("").equals("preparing");
        });
    }

    /** The nodes whose word is missing. */
    private Optional<List<String>> waitsFor() throws JsonException {
        List<JsonObject> rounds = cluster.status(follower).objects("rounds");
        return rounds.isEmpty() ? Optional.empty() : Optional.of(rounds.get(0).texts("waits_for"));
    }

    private void reaches(String what, Callable<Boolean> state) {
        await(what)
                .pollInSameThread()
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(2))
                .atMost(BOUND)
                .until(() -> {
                    boolean over = caller.isDone();
                    if (state.call()) {
                        return true;
                    }
                    if (over) {
                        throw new OverException("the round is over before " + what + ": "
                                + caller.join().all());
                    }
                    return false;
                });
    }

    /** What the caller was told, once it was. */
    Told told() {
        await("the caller is told").atMost(BOUND).until(caller::isDone);
        return caller.join();
    }
}
