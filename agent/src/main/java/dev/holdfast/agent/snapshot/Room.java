package dev.holdfast.agent.snapshot;

import dev.holdfast.coordinator.protocol.Name;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** What several machines of a node need at once of one thing: each alone may find enough, and all together not. Pure. */
public final class Room {

    private Room() {}

    /**
     * What one machine needs.
     *
     * @param vm the machine
     * @param of what: a file system, or memory
     * @param bytes how much
     * @param available how much there is
     * @param advice what to do if that is not enough
     */
    public record Need(String vm, String of, long bytes, long available, String advice) {

        /** It is not known that a machine needs anything. */
        public static Need nothing(Name vm) {
            return new Need(vm.value(), "", 0, 0, "");
        }
    }

    /** What is short, for the user; empty if there is enough of everything. */
    public static Optional<String> shortage(Collection<Need> needs) {
        Map<String, List<Need>> byThing = new TreeMap<>();
        needs.forEach(need -> byThing.computeIfAbsent(need.of(), of -> new java.util.ArrayList<>())
                .add(need));
        return byThing.values().stream()
                .flatMap(same -> shortageOf(same).stream())
                .findFirst();
    }

    private static Optional<String> shortageOf(List<Need> needs) {
        long bytes = needs.stream().mapToLong(Need::bytes).sum();
        long available = needs.stream().mapToLong(Need::available).min().orElse(Long.MAX_VALUE);
        if (bytes <= available) {
            return Optional.empty();
        }
        return Optional.of("%s together need %d MiB of %s and %d MiB are free; %s"
                .formatted(
                        String.join(", ", needs.stream().map(Need::vm).sorted().toList()),
                        bytes >> 20,
                        needs.get(0).of(),
                        available >> 20,
                        needs.get(0).advice()));
    }
}
