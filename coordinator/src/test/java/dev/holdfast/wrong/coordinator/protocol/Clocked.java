package dev.holdfast.wrong.coordinator.protocol;

import java.time.InstantSource;
import java.util.concurrent.ConcurrentHashMap;

/** Wrong on purpose: a protocol with a clock and with threads in mind. */
record Clocked(InstantSource clock, ConcurrentHashMap<String, String> shared) {}
