package dev.holdfast.agent.control.reply;

import java.util.List;

/**
 * The answer to {@code cluster.status}, also without a store.
 *
 * @param cluster its name
 * @param store {@code connected} or {@code unreachable}
 * @param reason why it is unreachable, and what to do; empty if it is connected
 * @param storeId identity of the store, empty if unknown
 * @param leader node that coordinates, empty if none is known
 * @param epoch its reign, -1 if unknown
 * @param paused whether new rounds are held back, and why; empty if not
 * @param nodes the nodes that are known
 * @param rounds the rounds under way
 * @param problems what a person should look at: records in the store and definitions of machines that cannot be read
 */
public record ClusterStatus(
        String cluster,
        String store,
        String reason,
        String storeId,
        String leader,
        long epoch,
        String paused,
        List<Node> nodes,
        List<Round> rounds,
        List<String> problems) {

    /** Copies the lists. */
    public ClusterStatus {
        nodes = List.copyOf(nodes);
        rounds = List.copyOf(rounds);
        problems = List.copyOf(problems);
    }

    /**
     * A node that is there, or was once.
     *
     * @param name its name
     * @param online whether it is there now
     * @param address its address on the channel; empty if it is not there
     * @param version of Holdfast; empty if it is not there
     * @param vms how many machines it runs, -1 if unknown
     * @param degraded whether it cannot read the definition of a machine; the problems say which
     */
    public record Node(String name, boolean online, String address, String version, int vms, boolean degraded) {}

    /**
     * A round under way.
     *
     * @param id its id
     * @param kind {@code checkpoint} or {@code revert}
     * @param group the group
     * @param checkpoint the checkpoint
     * @param state its state in the store
     * @param waitsFor nodes whose word is missing: that they are ready, then their votes, and after the decision that it is
     *     carried out
     */
    public record Round(String id, String kind, String group, String checkpoint, String state, List<String> waitsFor) {

        /** Copies the list. */
        public Round {
            waitsFor = List.copyOf(waitsFor);
        }
    }
}
