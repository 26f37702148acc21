package dev.holdfast.agent.doctor;

import java.util.List;
import java.util.Optional;
import java.util.SortedMap;

/**
 * What a node's agent sees of the cluster. Immutable.
 *
 * @param node the node
 * @param store the ZooKeeper ensemble
 * @param nodes what the store knows of each node
 * @param reachable the nodes that are in the group channel
 * @param channelProblem why this node is not in it
 * @param clockOffsets how far other nodes' clocks are from this one's, in nanoseconds, where it was measured
 * @param guardProblem why the guard does not answer
 * @param fencing whether pacemaker fences; empty if there is no pacemaker
 * @param replicated how many machines of this node have a live copy elsewhere
 * @param machines machines of this node that are not well, and why
 * @param unreadImages other nodes whose encrypted memory images this one cannot read, as their keys tell
 */
public record ClusterFacts(
        String node,
        Store store,
        SortedMap<String, String> nodes,
        List<String> reachable,
        Optional<String> channelProblem,
        SortedMap<String, Long> clockOffsets,
        Optional<String> guardProblem,
        Optional<Boolean> fencing,
        int replicated,
        List<String> machines,
        List<String> unreadImages) {

    /** Copies the lists. */
    public ClusterFacts {
        reachable = List.copyOf(reachable);
        machines = List.copyOf(machines);
        unreadImages = List.copyOf(unreadImages);
    }

    /**
     * The store.
     *
     * @param problem why it cannot be used
     * @param roundTripNanos the median of some reads, each confirmed by the server; -1 if there was none
     * @param sessionNanos the time-out of sessions
     * @param silentServers servers of the configuration that do not serve
     * @param servers how many the configuration names
     * @param leader the node that coordinates
     * @param heldBack why no new round may begin
     */
    public record Store(
            Optional<String> problem,
            long roundTripNanos,
            long sessionNanos,
            List<String> silentServers,
            int servers,
            Optional<String> leader,
            Optional<String> heldBack) {

        /** Copies the list. */
        public Store {
            silentServers = List.copyOf(silentServers);
        }
    }
}
