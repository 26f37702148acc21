package dev.holdfast.coordinator.group;

import dev.holdfast.coordinator.seal.SealedServerSocket;
import dev.holdfast.coordinator.seal.SealedSocket;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import org.jgroups.util.DefaultSocketFactory;

/**
 * Gives the transport sockets that are sealed with the cluster's key. It takes the place of SYM_ENCRYPT, AUTH and TLS: JGroups does
 * not see a byte of who lacks the key, and a byte on the wire says nothing, JGroups' own headers included.
 */
class SealedSocketFactory extends DefaultSocketFactory {

    private final ChannelKey key;
    private final Counters counters;

    SealedSocketFactory(ChannelKey key, Counters counters) {
        this.key = key;
        this.counters = counters;
    }

    @Override
    public Socket createSocket(String service) {
        return new SealedSocket(key::forConnection);
    }

    @Override
    public ServerSocket createServerSocket(String service) throws IOException {
        return new SealedServerSocket(key::forConnection, () -> counters.dropped(Drop.UNSEALED));
    }
}
