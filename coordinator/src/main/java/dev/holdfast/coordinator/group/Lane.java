package dev.holdfast.coordinator.group;

import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.function.Consumer;

/**
 * The way to one life of one node: a bounded queue and the thread that empties it. Whatever blocks on the way to that node,
 * such as a connection attempt, blocks nobody else. Thread-safe.
 */
final class Lane implements AutoCloseable {

    private final BlockingQueue<byte[]> queue;
    private final int roomForUrgent;
    private final Thread thread;

    /**
     * @param capacity how many messages may wait; three quarters of it only urgent ones
     * @param out sends; may block, must not throw
     */
    Lane(String name, int capacity, Consumer<byte[]> out) {
        queue = new ArrayBlockingQueue<>(capacity);
        roomForUrgent = capacity * 3 / 4;
        thread = new Thread(() -> empty(out), name);
        thread.setDaemon(true);
        thread.start();
    }

    private void empty(Consumer<byte[]> out) {
        try {
            while (!Thread.currentThread().isInterrupted()) {
                out.accept(queue.take());
            }
        } catch (InterruptedException closed) {
            Thread.currentThread().interrupt();
        }
    }

    /**
     * Never blocks.
     *
     * @param urgent may use room that others leave free
     * @return false if there is no room
     */
    boolean offer(byte[] bytes, boolean urgent) {
        return (urgent || queue.remainingCapacity() > roomForUrgent) && queue.offer(bytes);
    }

    @Override
    public void close() {
        thread.interrupt();
    }
}
