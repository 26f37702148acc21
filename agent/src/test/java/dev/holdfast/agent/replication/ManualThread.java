package dev.holdfast.agent.replication;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;

/** Runs what it is given when the test says so; what is to be done later is done when nothing else is left. */
final class ManualThread implements SerialThread {
    private final Deque<Runnable> tasks = new ArrayDeque<>();
    private final Deque<Runnable> later = new ArrayDeque<>();
    private int delays;
    private boolean running;
    /** Whether what is to be done is done at once, and not when the test says so. */
    boolean atOnce;
    /** Whether what is to be done later waits on. */
    boolean keepsDelayed;

    @Override
    public void execute(Runnable task) {
        tasks.add(task);
        if (atOnce && !running) {
            running = true;
            runAll();
            running = false;
        }
    }

    @Override
    public void after(Duration delay, Runnable task) {
        later.add(task);
        delays++;
    }

    int delays() {
        return delays;
    }

    /** What is due, and one thing that was to be done later, until nothing is left or it does not end. */
    void runAll() {
        for (int i = 0; i < 10_000; i++) {
            Runnable task = tasks.isEmpty() && !keepsDelayed ? later.poll() : tasks.poll();
            if (task == null) {
                return;
            }
            task.run();
        }
    }
}
