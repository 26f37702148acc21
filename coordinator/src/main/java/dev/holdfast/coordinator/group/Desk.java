package dev.holdfast.coordinator.group;

import dev.holdfast.coordinator.port.NodeLink;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/** Requests and answers over the channel, on threads of their own, so that none delays a message of a round. Thread-safe. */
final class Desk implements NodeLink, AutoCloseable {

    /** Longest request or answer, in bytes. */
    static final int MAX_PAYLOAD = 1 << 20;

    private static final int MOST_AT_ONCE = 16;
    private static final long IDLE_SECONDS = 30;

    /** A request that is under way. */
    private record Asked(Name node, CompletableFuture<byte[]> answer) {}

    /** Sends to a node; false if it is not there or its queue is full. */
    interface Way {
        boolean send(Name node, byte[] bytes);
    }

    private final Way way;
    private final AtomicLong ids = new AtomicLong();
    private final Map<Long, Asked> open = new ConcurrentHashMap<>();
    private final ExecutorService workers =
            new ThreadPoolExecutor(0, MOST_AT_ONCE, IDLE_SECONDS, TimeUnit.SECONDS, new SynchronousQueue<>(), task -> {
                Thread thread = new Thread(task, "group-desk");
                thread.setDaemon(true);
                return thread;
            });
    private volatile @Nullable BiFunction<Name, byte[], byte[]> handler;

    Desk(Way way) {
        this.way = way;
    }

    @Override
    public CompletableFuture<byte[]> request(Name node, byte[] payload, Duration timeout) {
        if (payload.length > MAX_PAYLOAD) {
            return CompletableFuture.failedFuture(
                    new NotServedException("a request of " + payload.length + " bytes is too long"));
        }
        long id = ids.incrementAndGet();
        CompletableFuture<byte[]> answer = new CompletableFuture<>();
        open.put(id, new Asked(node, answer));
        if (!way.send(node, Wire.encode(new Wire.Ask(id, payload)))) {
            answer.completeExceptionally(new AbsentException(node));
        }
        return answer.orTimeout(timeout.toMillis(), TimeUnit.MILLISECONDS)
                .whenComplete((done, failed) -> open.remove(id));
    }

    @Override
    public void serve(BiFunction<Name, byte[], byte[]> handler) {
        this.handler = handler;
    }

    /** A request has arrived. Dropped if too many are being served: the other side times out and tells its caller. */
    void asked(Name node, Wire.Ask ask) {
        BiFunction<Name, byte[], byte[]> serving = handler;
        if (serving == null) {
            return;
        }
        try {
            workers.execute(() ->
                    way.send(node, Wire.encode(new Wire.Answer(ask.id(), serving.apply(node, ask.payload())))));
        } catch (RejectedExecutionException full) {
            way.send(node, Wire.encode(new Wire.Answer(ask.id(), new byte[0])));
        }
    }

    /** An answer has arrived; late ones find nobody. */
    void answered(Wire.Answer answer) {
        Asked asked = open.get(answer.id());
        if (asked == null) {
            return;
        }
        CompletableFuture<byte[]> waiting = asked.answer();
        if (answer.payload().length == 0) {
            waiting.completeExceptionally(new NotServedException("the other agent is too busy"));
            return;
        }
        waiting.complete(answer.payload());
    }

    /** A node is gone: nobody waits for its answers any longer, however patient. */
    void left(Set<Name> nodes) {
        open.values().stream()
                .filter(asked -> nodes.contains(asked.node()))
                .forEach(asked -> asked.answer()
                        .completeExceptionally(new IOException("node " + asked.node()
                                + " left the group before it answered; its agent ended or hangs")));
    }

    @Override
    public void close() {
        workers.shutdownNow();
        open.values().forEach(asked -> asked.answer().completeExceptionally(new IOException("the channel is closed")));
    }
}
