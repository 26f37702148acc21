package dev.holdfast.coordinator.zookeeper;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundId;
import java.util.List;

/**
 * Every path in the store, in one place. All below {@code /holdfast/<cluster>}:
 *
 * <pre>
 * /id                          random identity of this store; never changes
 * /epoch                       data version = epoch; data = name of the node that raised it last
 * /pulse                       written to learn the newest transaction number
 * /leader/...                  Curator latch: liveness only
 * /queue/&lt;group&gt;/...           Curator semaphore of one lease: order only
 * /nodes/&lt;node&gt;                ephemeral: what the node tells of itself
 * /known/&lt;node&gt;                a node that was there once; stays until a person has it forgotten
 * /groups/&lt;group&gt;              the group's machines
 * /rounds                      data version = fence: raised to make sure that a lost opening cannot land any more
 * /rounds/&lt;id&gt;                 the round; its data version is the authority for the decision being the only one
 * /rounds/&lt;id&gt;/ready-&lt;node&gt;    the node said READY
 * /rounds/&lt;id&gt;/vote-&lt;node&gt;     the node's final vote, created once
 * /rounds/&lt;id&gt;/ack-&lt;node&gt;      the node has carried the decision out
 * /claims/&lt;vm&gt;                 id of the open round that owns the machine's chain
 * /claims/&lt;group&gt;@&lt;name&gt;       id of the open round that makes, or goes back to, this checkpoint: the reservation of its
 *                              name. Created with the round, removed with it; '@' is in no name
 * /checkpoints/&lt;group&gt;         where the group's timeline stands; stays once it is there
 * /checkpoints/&lt;group&gt;/&lt;name&gt;  a checkpoint; created by the write that commits its round, never before
 * /schedules/&lt;group&gt;           when the group is checkpointed by itself, and how far that has come
 * /replicas/&lt;vm&gt;              who runs the replicated machine, and which copies may; changed by its version, never removed
 * /paused                      while it is there no new round begins; says why
 * /history/e-&lt;number&gt;          how rounds ended, the last {@link #HISTORY_LIMIT}
 * </pre>
 *
 * <p>Immutable.
 *
 * @param cluster the cluster's name; several clusters can share an ensemble
 */
record Schema(Name cluster) {

    /** How many lines of history are kept. */
    static final int HISTORY_LIMIT = 200;

    static final String READY = "ready-";
    static final String VOTE = "vote-";
    static final String ACKNOWLEDGED = "ack-";
    static final String TOP = "/holdfast";

    /**
     * Nodes of ZooKeeper itself that are open to the world in a new store. With write access to the quota tree anybody can
     * crash servers for good (CVE-2026-100300), so they are closed before anything else is done.
     */
    static final List<String> OPEN_BY_DEFAULT = List.of("/zookeeper/quota", "/zookeeper", "/");

    String base() {
        return TOP + "/" + cluster;
    }

    /** The directories, parents first. */
    List<String> directories() {
        return List.of(
                leader(),
                queues(),
                nodes(),
                known(),
                groups(),
                rounds(),
                claims(),
                checkpoints(),
                schedules(),
                replicas(),
                history());
    }

    String id() {
        return base() + "/id";
    }

    String epoch() {
        return base() + "/epoch";
    }

    String pulse() {
        return base() + "/pulse";
    }

    String leader() {
        return base() + "/leader";
    }

    String queues() {
        return base() + "/queue";
    }

    String queue(Name group) {
        return queues() + "/" + group;
    }

    String nodes() {
        return base() + "/nodes";
    }

    String node(Name node) {
        return nodes() + "/" + node;
    }

    String known() {
        return base() + "/known";
    }

    String known(Name node) {
        return known() + "/" + node;
    }

    String groups() {
        return base() + "/groups";
    }

    String group(Name group) {
        return groups() + "/" + group;
    }

    String rounds() {
        return base() + "/rounds";
    }

    String round(RoundId round) {
        return rounds() + "/" + round;
    }

    String ready(RoundId round, Name node) {
        return round(round) + "/" + READY + node;
    }

    String vote(RoundId round, Name node) {
        return round(round) + "/" + VOTE + node;
    }

    String acknowledged(RoundId round, Name node) {
        return round(round) + "/" + ACKNOWLEDGED + node;
    }

    String claims() {
        return base() + "/claims";
    }

    String claim(Name vm) {
        return claims() + "/" + vm;
    }

    String nameClaim(Name group, Name checkpoint) {
        return claims() + "/" + group + "@" + checkpoint;
    }

    String checkpoints() {
        return base() + "/checkpoints";
    }

    String timeline(Name group) {
        return checkpoints() + "/" + group;
    }

    String checkpoint(Name group, Name checkpoint) {
        return timeline(group) + "/" + checkpoint;
    }

    String schedules() {
        return base() + "/schedules";
    }

    String schedule(Name group) {
        return schedules() + "/" + group;
    }

    String replicas() {
        return base() + "/replicas";
    }

    String replica(Name vm) {
        return replicas() + "/" + vm;
    }

    String paused() {
        return base() + "/paused";
    }

    String history() {
        return base() + "/history";
    }

    String historyLine() {
        return history() + "/e-";
    }
}
