package dev.holdfast.coordinator.group;

import java.net.InetSocketAddress;
import java.util.Collection;
import java.util.List;
import java.util.function.Supplier;
import org.jgroups.Address;
import org.jgroups.protocols.TCPPING;
import org.jgroups.util.Responses;

/** Asks the addresses that the registry names at that moment. Where it names nobody, nobody is waited for. */
final class RegistryDiscovery extends TCPPING {

    private static final int REMEMBERED_ADDRESSES = 64;

    private final InetSocketAddress own;
    private final Supplier<Collection<InetSocketAddress>> peers;

    RegistryDiscovery(InetSocketAddress own, Supplier<Collection<InetSocketAddress>> peers) {
        this.own = own;
        this.peers = peers;
        this.max_dynamic_hosts = REMEMBERED_ADDRESSES;
        setPortRange(0);
        setInitialHosts(List.of());
    }

    @Override
    public void findMembers(List<Address> members, boolean initial, Responses responses) {
        List<InetSocketAddress> others =
                peers.get().stream().filter(peer -> !peer.equals(own)).toList();
        setInitialHosts(others);
        if (initial && others.isEmpty()) {
            responses.done();
            return;
        }
        super.findMembers(members, initial, responses);
    }
}
