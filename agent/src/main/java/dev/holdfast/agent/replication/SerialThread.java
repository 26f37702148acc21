package dev.holdfast.agent.replication;

import java.time.Duration;
import java.util.concurrent.Executor;

/** One thread: what it is given is done in the order in which it came. Thread-safe. */
interface SerialThread extends Executor {

    /** Does something after a time. Does nothing once the agent ends. */
    void after(Duration delay, Runnable task);
}
