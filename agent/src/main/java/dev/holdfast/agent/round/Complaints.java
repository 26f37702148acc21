package dev.holdfast.agent.round;

import dev.holdfast.coordinator.protocol.Name;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** What is tried again every few seconds, and why it is not possible: the log has each reason once, until it is another one, or over. Thread-safe. */
public final class Complaints {
    private final Map<Name, String> said = new ConcurrentHashMap<>();

    /** Whether this was not what was said of that machine last. It is from now on. */
    public boolean isNew(Name vm, String why) {
        return !why.equals(said.put(vm, why));
    }

    /** It was possible. */
    public void end(Name vm) {
        said.remove(vm);
    }
}
