package dev.holdfast.agent.replication;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.json.Json;
import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.agent.tunnel.Gateway;
import dev.holdfast.agent.tunnel.SealedConnection;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Orders to a standby over a connection of their own, one after the other. One that broke is opened anew for the next order. Any
 * thread; one order at a time.
 */
final class OrderLine {
    static final String ORDER = "order";
    static final String EPOCH = "epoch";
    static final String PATIENCE = "patience_ms";
    static final String DONE = "done";
    static final String REFUSED = "refused";
    static final String FAILED = "failed";

    /** The way and back, beside what the order itself takes. */
    private static final Duration WAY = Duration.ofSeconds(1);

    private final Gateway gateway;
    private final String purpose;
    private @Nullable SealedConnection connection;

    OrderLine(Gateway gateway, String purpose) {
        this.gateway = gateway;
        this.purpose = purpose;
    }

    /**
     * Gives an order.
     *
     * @param patience for the other side
     * @throws HypervisorException REFUSED if it was not done and will not be; UNKNOWN if that is not known
     */
    synchronized void order(Order order, long epoch, Duration patience) throws HypervisorException {
        Map<String, Object> request = new LinkedHashMap<>();
        request.put(ORDER, order.name());
        request.put(EPOCH, epoch);
        request.put(PATIENCE, patience.toMillis());
        JsonObject answer = ask(Json.line(request), patience.plus(order == Order.BEAT ? Duration.ZERO : WAY));
        try {
            if (answer.flag(DONE).orElse(false)) {
                return;
            }
            if (answer.text(REFUSED).isPresent()) {
                throw new HypervisorException(Kind.REFUSED, answer.text(REFUSED).get());
            }
            throw new HypervisorException(
                    Kind.UNKNOWN, answer.text(FAILED).orElse("the standby's agent did not say what came of it"));
        } catch (JsonException e) {
            throw new HypervisorException(Kind.UNKNOWN, "the standby's agent answers strangely: " + e.getMessage(), e);
        }
    }

    private JsonObject ask(String line, Duration patience) throws HypervisorException {
        try {
            SealedConnection open = connection;
            if (open == null) {
                open = gateway.call(purpose);
                connection = open;
            }
            open.patience(patience);
            open.send(line.getBytes(StandardCharsets.UTF_8));
            byte[] answer = open.receive();
            if (answer == null) {
                throw new IOException("it hung up");
            }
            return Json.object(new String(answer, StandardCharsets.UTF_8));
        } catch (IOException e) {
            // A late answer must not be taken for that of the next order.
            SealedConnection broken = connection;
            connection = null;
            if (broken != null) {
                gateway.end(broken);
            }
            throw new HypervisorException(Kind.UNKNOWN, "the standby's agent does not answer: " + e.getMessage(), e);
        }
    }

    /** What a standby can be told. */
    enum Order {
        FOLLOW,
        BEGIN,
        COMMIT,
        ABANDON,
        BEAT
    }
}
