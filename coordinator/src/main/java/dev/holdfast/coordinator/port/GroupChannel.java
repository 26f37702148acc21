package dev.holdfast.coordinator.port;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.message.GroupMessage;
import java.util.Set;

/**
 * Low-latency messages between nodes. Must not block and must not throw: lost messages are the receiver's problem, and
 * every handler is idempotent. Carries no decision.
 */
public interface GroupChannel extends AutoCloseable {

    /** Told of messages and of nodes that are gone. Called on channel threads; must not block. */
    interface Listener {

        /** A well-formed message from a node of this cluster. */
        void onMessage(Name from, GroupMessage message);

        /** Nodes that left the view or died. Only a reason to give up sooner; never a decision. */
        void onLeft(Set<Name> nodes);
    }

    /** Sends to each of the nodes; this node, if named, hears it as well. */
    void send(Set<Name> to, GroupMessage message);

    /** The nodes in the present view, this one included. */
    Set<Name> present();

    /**
     * How far another node's wall clock is from this one's, measured by the quickest of the last exchanges.
     *
     * @param offsetNanos the other clock minus this one
     * @param errorNanos bound of the error: half the round trip; -1 if nothing was measured
     */
    record ClockOffset(long offsetNanos, long errorNanos) {}

    /** This node's wall clock, in nanoseconds since 1970, as the offsets are measured against. */
    long clockNanos();

    /** The last measurement against a node. */
    ClockOffset clockOffset(Name node);

    @Override
    void close();
}
