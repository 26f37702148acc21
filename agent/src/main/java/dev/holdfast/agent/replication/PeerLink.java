package dev.holdfast.agent.replication;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.replication.EpochContent;
import dev.holdfast.agent.hypervisor.replication.StandbyLink;
import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.agent.tunnel.Gateway;
import dev.holdfast.agent.tunnel.Secret;
import dev.holdfast.coordinator.replication.Copy;
import java.io.Closeable;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A standby on another node. Its disks and the memory of each epoch go through the tunnel, orders and heartbeats each have a
 * connection of their own. As {@link StandbyLink} as to threads; {@link #close()} from any.
 */
final class PeerLink implements StandbyLink, Closeable {
    static final String ORDERS = "orders";
    static final String BEATS = "beats";
    static final String DISKS = "disks";
    static final String MEMORY = "memory ";

    private static final Duration CALL = Duration.ofSeconds(5);
    private static final Duration QUICK = Duration.ofSeconds(5);

    private final Copy peer;
    private final EpochContent content;
    private final Path sockets;
    private final Gateway gateway;
    private final OrderLine orders;
    private final OrderLine beats;

    /**
     * Where a standby's agent waits.
     *
     * @param address of its node
     * @param port its door
     * @param secret of the tunnel
     */
    record Opening(String address, int port, Secret secret) {

        JsonObject told() {
            Map<String, Object> words = new TreeMap<>();
            words.put("address", address);
            words.put("port", port);
            words.put("secret", secret.text());
            return JsonObject.of(words);
        }

        static Opening read(JsonObject answer) throws JsonException {
            try {
                return new Opening(
                        answer.text("address").orElse(""),
                        Math.toIntExact(answer.number("port").orElse(0L)),
                        Secret.parse(answer.text("secret").orElse("")));
            } catch (IllegalArgumentException | ArithmeticException e) {
                throw new JsonException("the standby's agent has not told where it waits", e);
            }
        }
    }

    private PeerLink(Copy peer, EpochContent content, Path sockets, Gateway gateway) {
        this.peer = peer;
        this.content = content;
        this.sockets = sockets;
        this.gateway = gateway;
        this.orders = new OrderLine(gateway, ORDERS);
        this.beats = new OrderLine(gateway, BEATS);
    }

    /**
     * Opens the way to a standby.
     *
     * @param content what its epochs consist of
     * @param sockets a directory on this node, short and private
     */
    static PeerLink open(Copy peer, EpochContent content, Opening at, Path sockets) throws IOException {
        Gateway gateway =
                new Gateway(new InetSocketAddress(InetAddress.getByName(at.address()), at.port()), at.secret(), CALL);
        PeerLink link = new PeerLink(peer, content, sockets, gateway);
        try {
            gateway.serve(link.disks(), DISKS);
            return link;
        } catch (IOException e) {
            gateway.close();
            throw e;
        }
    }

    /** The copy at its end. */
    Copy peer() {
        return peer;
    }

    @Override
    public Path disks() {
        return sockets.resolve("replica-disks.sock");
    }

    @Override
    public void startFollowing() throws HypervisorException {
        orders.order(OrderLine.Order.FOLLOW, 0, QUICK);
    }

    @Override
    public Optional<Path> begin(long epoch) throws HypervisorException {
        orders.order(OrderLine.Order.BEGIN, epoch, QUICK);
        if (content == EpochContent.DISKS) {
            return Optional.empty();
        }
        Path socket = sockets.resolve("replica-memory.sock");
        try {
            gateway.open(socket, MEMORY + epoch);
            return Optional.of(socket);
        } catch (IOException e) {
            throw new HypervisorException(
                    Kind.FAILED, "no way for memory to " + peer.node() + ": " + e.getMessage(), e);
        }
    }

    @Override
    public void commit(long epoch, Duration patience) throws HypervisorException {
        orders.order(OrderLine.Order.COMMIT, epoch, patience);
    }

    @Override
    public void abandon(long epoch) throws HypervisorException {
        orders.order(OrderLine.Order.ABANDON, epoch, QUICK);
    }

    @Override
    public void beat(Duration patience) throws HypervisorException {
        beats.order(OrderLine.Order.BEAT, 0, patience);
    }

    /** Cuts everything off at once. */
    @Override
    public void close() {
        gateway.close();
    }
}
