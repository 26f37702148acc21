package dev.holdfast.agent.hypervisor;

import java.util.List;

/**
 * What a machine hangs on besides its own disks and network cards. Immutable.
 *
 * @param obstacles why it cannot be captured as it is, each with what to do; empty if it can
 * @param ties ways by which something could get into the machine past the cut, each in words that are the same for the
 *     machine at the other end: two members of a group that have one in common cannot be captured together
 */
public record Surroundings(List<String> obstacles, List<String> ties) {
    public Surroundings {
        obstacles = List.copyOf(obstacles);
        ties = List.copyOf(ties);
    }
}
