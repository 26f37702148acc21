package dev.holdfast.coordinator.group;

import dev.holdfast.coordinator.seal.SealedSocket;
import java.net.InetSocketAddress;
import java.util.Collection;
import java.util.List;
import java.util.function.Supplier;
import org.jgroups.conf.ClassConfigurator;
import org.jgroups.protocols.FD_ALL3;
import org.jgroups.protocols.FRAG2;
import org.jgroups.protocols.MERGE3;
import org.jgroups.protocols.TCP;
import org.jgroups.protocols.UFC;
import org.jgroups.protocols.UNICAST3;
import org.jgroups.protocols.VERIFY_SUSPECT2;
import org.jgroups.protocols.pbcast.GMS;
import org.jgroups.protocols.pbcast.NAKACK2;
import org.jgroups.protocols.pbcast.STABLE;
import org.jgroups.stack.Protocol;

/** The protocols of the channel, bottom first. Durations are milliseconds. */
final class ChannelStack {

    private static final short DISCOVERY_ID = 1900;
    private static final short TRANSPORT_ID = 1902;

    /** No frame of the transport is larger; a peer that announces more is cut off. */
    private static final int MAX_FRAME_BYTES = 256 * 1024;

    private static final int SEND_QUEUE = 512;
    /** Larger messages, which only requests between agents are, travel in pieces; else they would never get credits. */
    private static final int FRAGMENT_BYTES = 16 * 1024;

    private static final long CREDIT_BYTES = 128 * 1024;
    private static final long CREDIT_WAIT_MILLIS = 1_000;
    private static final int RECEIVING_THREADS = 16;

    static {
        ClassConfigurator.addProtocol(DISCOVERY_ID, RegistryDiscovery.class);
        ClassConfigurator.addProtocol(TRANSPORT_ID, SealedTcp.class);
    }

    private ChannelStack() {}

    /** @throws Exception declared by JGroups, which names nothing narrower */
    static List<Protocol> build(
            ChannelSettings settings, Supplier<Collection<InetSocketAddress>> peers, Counters counters)
            throws Exception {
        SealedSocket.warmUp(settings.key()::forConnection);
        return List.of(
                transport(settings, new SealedSocketFactory(settings.key(), counters)),
                new RegistryDiscovery(new InetSocketAddress(settings.bindAddress(), settings.port()), peers),
                new MERGE3().setMinInterval(1_000).setMaxInterval(3_000),
                new FD_ALL3().setTimeout(4_000).setInterval(1_000),
                new VERIFY_SUSPECT2().setTimeout(300),
                new NAKACK2().useMcastXmit(false).setXmitInterval(200),
                new UNICAST3().setXmitInterval(200),
                new STABLE().setDesiredAverageGossip(10_000).setMaxBytes(1_000_000),
                new GMS()
                        .printLocalAddress(false)
                        .setJoinTimeout(500)
                        .setMaxJoinAttempts(6)
                        .setLeaveTimeout(300)
                        .setMergeTimeout(2_000)
                        .setViewAckCollectionTimeout(500),
                credits(),
                new FRAG2().setFragSize(FRAGMENT_BYTES));
    }

    /**
     * What is under way to one node never fills its socket. It must not: JGroups 5.5.7 says good-bye on a connection before it
     * closes it, by a blocking write on the thread that installs the view without the node. If the node hangs with a full
     * socket, no view comes until it goes on. A lane waits for credits here, and nobody else does.
     */
    private static Protocol credits() {
        return new UFC().setMaxCredits(CREDIT_BYTES).setMaxBlockTime(CREDIT_WAIT_MILLIS);
    }

    /**
     * Without {@code tcp_nodelay} every hundredth exchange waits 40 ms. With non-blocking sends no thread of JGroups waits
     * for a peer that does not read, and its heartbeats go on.
     */
    private static TCP transport(ChannelSettings settings, SealedSocketFactory sockets) throws Exception {
        TCP tcp = new SealedTcp(sockets);
        tcp.nonBlockingSends(true).maxSendQueue(SEND_QUEUE);
        tcp.logDetails(false); // a line for each record that was altered on its way, not a stack trace
        tcp.tcpNodelay(true).setSockConnTimeout(500).setMaxLength(MAX_FRAME_BYTES);
        tcp.setClientBindAddr(settings.bindAddress());
        tcp.setBindAddress(settings.bindAddress());
        tcp.setBindPort(settings.port());
        tcp.setPortRange(0);
        tcp.setBundlerType("no-bundler");
        tcp.getThreadPool().setMinThreads(2).setMaxThreads(RECEIVING_THREADS);
        tcp.setDiagnosticsHandler(tcp.createDiagnosticsHandler().setEnabled(false));
        return tcp;
    }
}
