package dev.holdfast.agent.control;

import java.time.Duration;

/**
 * Bounds of the control socket. Immutable.
 *
 * @param connections most callers at once. Too few: waiting commands keep others out. Each costs two threads
 * @param requestBytes longest request
 * @param requestTimeout how long a connection may wait for its next whole request
 * @param sendTimeout how long an answer waits for a caller that does not read
 */
public record Limits(int connections, int requestBytes, Duration requestTimeout, Duration sendTimeout) {
    /** 64 connections, 64 KiB, 30 s, 10 s. */
    public static final Limits DEFAULT = new Limits(64, 64 << 10, Duration.ofSeconds(30), Duration.ofSeconds(10));

    /** For callers that only look: 16 connections, 4 KiB, 10 s, 5 s. */
    public static final Limits STATUS = new Limits(16, 4 << 10, Duration.ofSeconds(10), Duration.ofSeconds(5));
}
