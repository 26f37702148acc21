package dev.holdfast.coordinator.seal;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Accepts those alone who know the key. Anybody may call: until he has proved himself a caller has {@link #PATIENCE_MILLIS}, 60
 * bytes, one thread and one of {@link Strangers#MOST} places, so that a flood of callers costs no more than that. Thread-safe.
 */
public final class SealedServerSocket extends ServerSocket {

    /** How long a stranger has in all. */
    static final int PATIENCE_MILLIS = 5_000;

    private static final int MOST_WAITING = 128;
    private static final long AFTER_FAILURE_MILLIS = 200;

    private final ConnectionKeys keys;
    private final Runnable turnedAway;
    private final Strangers strangers = new Strangers();
    private final BlockingQueue<Optional<SealedSocket>> friends = new ArrayBlockingQueue<>(MOST_WAITING);
    private final AtomicBoolean listening = new AtomicBoolean();
    private final CountDownLatch closed = new CountDownLatch(1);
    private @Nullable ScheduledThreadPoolExecutor timer;

    /**
     * Makes one that is not bound.
     *
     * @param turnedAway told of each caller that did not prove himself, on a thread of its own
     * @throws IOException the system has no sockets left
     */
    public SealedServerSocket(ConnectionKeys keys, Runnable turnedAway) throws IOException {
        this.keys = keys;
        this.turnedAway = turnedAway;
    }

    /** Waits for a caller that knows the key. */
    @Override
    public Socket accept() throws IOException {
        if (isClosed()) {
            throw new SocketException("the server socket is closed");
        }
        if (listening.compareAndSet(false, true)) {
            ScheduledThreadPoolExecutor patience =
                    new ScheduledThreadPoolExecutor(1, task -> daemon("channel-patience", task));
            patience.setRemoveOnCancelPolicy(true);
            timer = patience;
            daemon("channel-door", () -> listen(patience)).start();
        }
        try {
            Optional<SealedSocket> next = friends.take();
            if (next.isPresent()) {
                return next.get();
            }
            friends.offer(Optional.empty());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        throw new SocketException("the server socket is closed");
    }

    private static Thread daemon(String name, Runnable task) {
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        return thread;
    }

    private void listen(ScheduledThreadPoolExecutor patience) {
        try {
            while (!isClosed()) {
                SealedSocket caller = new SealedSocket(keys);
                try {
                    implAccept(caller);
                } catch (IOException e) {
                    // Closed; or there are no file descriptors, and the next one fares no better.
                    Strangers.hangUp(caller);
                    closed.await(AFTER_FAILURE_MILLIS, TimeUnit.MILLISECONDS);
                    continue;
                }
                strangers.enter(caller);
                daemon("channel-caller", () -> greet(caller, patience)).start();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void greet(SealedSocket caller, ScheduledThreadPoolExecutor patience) {
        boolean known = false;
        try {
            caller.setTcpNoDelay(true);
            caller.setSoTimeout(PATIENCE_MILLIS);
            var bound = patience.schedule(() -> Strangers.hangUp(caller), PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
            try {
                caller.answer();
                caller.setSoTimeout(0);
                known = true;
            } finally {
                known &= bound.cancel(false);
            }
        } catch (IOException | RejectedExecutionException e) {
            known = false;
        }
        boolean welcome = strangers.leave(caller) && known && !isClosed() && friends.offer(Optional.of(caller));
        if (!welcome) {
            Strangers.hangUp(caller);
            turnedAway.run();
        }
    }

    @Override
    public void close() throws IOException {
        super.close();
        closed.countDown();
        strangers.close();
        ScheduledThreadPoolExecutor patience = timer;
        if (patience != null) {
            patience.shutdownNow();
        }
        for (Optional<SealedSocket> friend = friends.poll(); friend != null; friend = friends.poll()) {
            friend.ifPresent(Strangers::hangUp);
        }
        friends.offer(Optional.empty());
    }
}
