package dev.holdfast.agent.replication;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.replication.MemoryIntake;
import dev.holdfast.agent.hypervisor.replication.StandbyPlace;
import dev.holdfast.agent.json.Json;
import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.agent.tunnel.Door;
import dev.holdfast.agent.tunnel.SealedConnection;
import dev.holdfast.agent.tunnel.Secret;
import dev.holdfast.agent.tunnel.Threshold;
import java.io.Closeable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Where the agent of the primary's node calls: its streams are joined with the standby, its orders handed on. Thread-safe. */
final class StandbyDoorway implements Closeable {
    private static final Logger LOG = LoggerFactory.getLogger(StandbyDoorway.class);

    /** What orders come to. Any thread; may block within the patience. */
    interface Orders {
        /** @throws HypervisorException as {@link dev.holdfast.agent.hypervisor.replication.StandbyLink} */
        void carryOut(OrderLine.Order order, long epoch, Duration patience)
                throws HypervisorException, InterruptedException;
    }

    /** Where the memory of an epoch goes. Any thread. */
    interface Intakes {
        MemoryIntake of(long epoch) throws HypervisorException;
    }

    private final StandbyPlace place;
    private final Orders orders;
    private final Intakes intakes;
    private final PeerLink.Opening opening;
    private final Door door;
    private @Nullable Arriving arriving;

    /** The memory of an epoch on its way from the tunnel to the standby. */
    private record Arriving(long epoch, CompletableFuture<Void> all) {}

    private StandbyDoorway(StandbyPlace place, Orders orders, Intakes intakes, Threshold threshold, Secret secret)
            throws IOException {
        this.place = place;
        this.orders = orders;
        this.intakes = intakes;
        this.door = threshold.open(secret, this::serve);
        this.opening = new PeerLink.Opening(threshold.address(), door.port(), secret);
    }

    static StandbyDoorway open(StandbyPlace place, Orders orders, Intakes intakes, Threshold threshold)
            throws IOException {
        return new StandbyDoorway(place, orders, intakes, threshold, Secret.fresh());
    }

    /** Where to call. */
    PeerLink.Opening opening() {
        return opening;
    }

    private Door.Served serve(Door at, SealedConnection connection) throws IOException {
        String purpose = connection.purpose();
        if (purpose.equals(PeerLink.ORDERS) || purpose.equals(PeerLink.BEATS)) {
            connection.welcome();
            obey(connection);
            return Door.Served.WHOLLY;
        }
        if (purpose.equals(PeerLink.DISKS)) {
            at.join(connection, place.disks());
            return Door.Served.JOINED;
        }
        if (purpose.startsWith(PeerLink.MEMORY)) {
            receive(connection, Long.parseLong(purpose.substring(PeerLink.MEMORY.length())));
            return Door.Served.WHOLLY;
        }
        throw new IOException("nobody waits for \"" + purpose + "\"");
    }

    private void receive(SealedConnection connection, long epoch) throws IOException {
        CompletableFuture<Void> all = new CompletableFuture<>();
        try (MemoryIntake memory = intakes.of(epoch)) {
            arrives(new Arriving(epoch, all));
            connection.welcome();
            connection.receiveAll(memory);
            memory.end();
            all.complete(null);
            connection.end();
        } catch (HypervisorException e) {
            throw new IOException(e.getMessage(), e);
        } finally {
            all.completeExceptionally(new IOException("the connection was cut off before all had come"));
        }
    }

    private synchronized void arrives(Arriving stream) {
        arriving = stream;
    }

    private synchronized Optional<Arriving> arriving() {
        return Optional.ofNullable(arriving);
    }

    /**
     * Waits until the standby has all of an epoch's memory that was sent.
     *
     * @throws HypervisorException REFUSED if it will never have all
     */
    void awaitAll(long epoch, Duration patience) throws HypervisorException, InterruptedException {
        Optional<Arriving> stream = arriving().filter(s -> s.epoch() == epoch);
        if (stream.isEmpty()) {
            throw new HypervisorException(HypervisorException.Kind.REFUSED, "no memory has come for epoch " + epoch);
        }
        try {
            stream.get().all().get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw new HypervisorException(
                    HypervisorException.Kind.REFUSED,
                    "the memory of epoch " + epoch + " is not complete: "
                            + e.getCause().getMessage(),
                    e);
        } catch (TimeoutException e) {
            throw new HypervisorException(
                    HypervisorException.Kind.UNKNOWN, "the memory of epoch " + epoch + " is still on its way", e);
        }
    }

    private void obey(SealedConnection connection) throws IOException {
        try {
            for (byte[] line = connection.receive(); line != null; line = connection.receive()) {
                connection.send(Json.line(answer(Json.object(new String(line, StandardCharsets.UTF_8))))
                        .getBytes(StandardCharsets.UTF_8));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            connection.close();
        }
    }

    private Map<String, Object> answer(JsonObject request) throws InterruptedException, JsonException {
        try {
            OrderLine.Order order =
                    OrderLine.Order.valueOf(request.text(OrderLine.ORDER).orElse(""));
            orders.carryOut(
                    order,
                    request.number(OrderLine.EPOCH).orElse(0L),
                    Duration.ofMillis(request.number(OrderLine.PATIENCE).orElse(0L)));
            return Map.of(OrderLine.DONE, true);
        } catch (HypervisorException e) {
            LOG.info("an order of the primary was not carried out: {}", e.getMessage());
            boolean never = e.kind() == HypervisorException.Kind.REFUSED;
            return Map.of(never ? OrderLine.REFUSED : OrderLine.FAILED, String.valueOf(e.getMessage()));
        } catch (IllegalArgumentException e) {
            return Map.of(OrderLine.REFUSED, "this agent knows no such order; is the other one newer?");
        }
    }

    @Override
    public void close() {
        door.close();
    }
}
