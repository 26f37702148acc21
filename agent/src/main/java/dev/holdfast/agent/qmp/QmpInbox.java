package dev.holdfast.agent.qmp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.LongSupplier;

/** Gives each line that QEMU sends to whoever waits for it. One thread takes lines, any may wait. */
final class QmpInbox {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final LongSupplier nanoClock;
    private final Map<Long, QmpFuture> unanswered = new ConcurrentHashMap<>();
    private final List<QmpEvents> subscribers = new CopyOnWriteArrayList<>();
    private long sequence;

    QmpInbox(LongSupplier nanoClock) {
        this.nanoClock = nanoClock;
    }

    void expect(long id, QmpFuture future) {
        unanswered.put(id, future);
    }

    int unanswered() {
        return unanswered.size();
    }

    void add(QmpEvents events) {
        subscribers.add(events);
    }

    void remove(QmpEvents events) {
        subscribers.remove(events);
    }

    /** Nothing comes any more. */
    void end(String reason) {
        unanswered.values().forEach(f -> f.fail(QmpException.closed(f.command(), reason, null)));
        unanswered.clear();
        subscribers.forEach(QmpEvents::end);
    }

    /** @throws IOException it is no line of QMP, so that nobody knows what the next one is */
    void take(String line) throws IOException {
        sequence++;
        accept(JSON.readTree(line));
    }

    private void accept(JsonNode message) throws IOException {
        long now = nanoClock.getAsLong();
        if (message.path("event").isTextual()) {
            JsonNode at = message.path("timestamp");
            long micros = at.path("seconds").asLong() * 1_000_000
                    + at.path("microseconds").asLong();
            QmpValue data = new QmpValue(message.path("data"));
            QmpEvent event = new QmpEvent(message.get("event").asText(), data, micros, now, sequence);
            subscribers.forEach(s -> s.offer(event));
            return;
        }
        QmpFuture future = unanswered.remove(message.path("id").asLong(-1));
        if (future == null && message.path("id").isIntegralNumber()) {
            return; // What a connection before this one asked for: QEMU's answer comes to whoever is there then.
        }
        // An error about a line QEMU could not read carries no id: then nobody knows any more which reply is whose.
        if (future == null) {
            throw new IOException("sent a message that is neither an event nor a reply to a command of ours");
        }
        if (message.has("return")) {
            future.succeed(new QmpReply(new QmpValue(message.get("return")), now, sequence));
            return;
        }
        JsonNode error = message.path("error");
        future.fail(QmpException.rejected(
                future.command(),
                error.path("class").asText(),
                error.path("desc").asText()));
    }
}
