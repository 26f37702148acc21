package dev.holdfast.coordinator.port;

import dev.holdfast.coordinator.protocol.Name;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;

/**
 * Which nodes are there and what runs on them. Ephemeral: a node whose agent is gone disappears after the session's time-out; that it was there
 * once is remembered.
 */
public interface NodeRegistry {

    /**
     * What a node tells of itself.
     *
     * @param node its name
     * @param identity random, made at the agent's first start; same name with another identity is another node
     * @param channelAddress {@code host:port} of its group channel
     * @param controlAddress where its agent takes requests from other agents, empty if it does not
     * @param software version of Holdfast
     * @param recordVersion newest version of the store's records that it can read
     * @param vms state of each machine defined on it: {@code running}, {@code paused}, {@code stopped}, ...; and
     *     {@code undefined} for one that runs although no definition of it can be read
     * @param unreadable definitions that cannot be read
     * @param imageKeys its keys for memory images
     */
    record Node(
            Name node,
            String identity,
            String channelAddress,
            String controlAddress,
            String software,
            int recordVersion,
            SortedMap<Name, String> vms,
            List<UnreadableDefinition> unreadable,
            ImageKeys imageKeys) {

        /** Copies the list. */
        public Node {
            unreadable = List.copyOf(unreadable);
        }

        /** A node all of whose definitions can be read, and that has no keys. */
        public Node(
                Name node,
                String identity,
                String channelAddress,
                String controlAddress,
                String software,
                int recordVersion,
                SortedMap<Name, String> vms) {
            this(
                    node,
                    identity,
                    channelAddress,
                    controlAddress,
                    software,
                    recordVersion,
                    vms,
                    List.of(),
                    ImageKeys.NONE);
        }
    }

    /** Publishes this node, or what has changed about it. Kept up through lost sessions until closed. */
    void publish(Node self) throws StoreUnreachableException;

    /** All nodes that are there, by name. */
    List<Node> nodes() throws StoreUnreachableException;

    /** All nodes that have ever been there and were not forgotten, whether they are there now or not. */
    SortedSet<Name> known() throws StoreUnreachableException;

    /**
     * Forgets a node that is not there. If it comes back, it is known again.
     *
     * @return false if it is there: nothing was done then
     */
    boolean forget(Name node) throws StoreUnreachableException;

    /** The leader's node, if one holds office. */
    Optional<Name> leader() throws StoreUnreachableException;
}
