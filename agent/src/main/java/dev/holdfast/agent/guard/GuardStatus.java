package dev.holdfast.agent.guard;

import java.util.List;

/**
 * What the guard says about itself.
 *
 * @param version of the guard
 * @param watched names of the machines it is connected to, or tries to
 * @param armed those with a countdown under way, of any connection
 * @param held those that are stopped for their standby
 */
public record GuardStatus(String version, List<String> watched, List<String> armed, List<String> held) {
    /** Copies the lists. */
    public GuardStatus {
        watched = List.copyOf(watched);
        armed = List.copyOf(armed);
        held = List.copyOf(held);
    }
}
