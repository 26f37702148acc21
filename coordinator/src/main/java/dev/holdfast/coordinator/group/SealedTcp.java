package dev.holdfast.coordinator.group;

import org.jgroups.blocks.cs.Connection;
import org.jgroups.protocols.TCP;

/**
 * The transport, on sealed sockets. When the connection to a member breaks, the member is suspected: its process is gone, or else
 * it answers when it is asked. So no port is needed for crash detection.
 */
final class SealedTcp extends TCP {

    SealedTcp(SealedSocketFactory sockets) {
        setSocketFactory(sockets);
        enableSuspectEvents(true);
    }

    /** Of two connections that two nodes open to each other at once one is closed, which says nothing. */
    @Override
    public void connectionClosed(Connection connection) {
        if (!srv.connectionEstablishedTo(connection.peerAddress())) {
            super.connectionClosed(connection);
        }
    }
}
