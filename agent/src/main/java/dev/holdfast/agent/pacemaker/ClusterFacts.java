package dev.holdfast.agent.pacemaker;

import dev.holdfast.coordinator.protocol.Name;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What people shall see of a node in {@code crm_mon -A}. Pure.
 *
 * @param still why machines of this node stand still, in words
 * @param degraded what is wrong with this node, in words
 * @param leads whether this node shows the checkpoints of the cluster
 * @param groups newest checkpoint of each group, empty if there is none; only the names count where the node does not lead
 * @param replicas what is to be said of each machine; empty if nothing is
 * @param now the wall clock
 */
public record ClusterFacts(
        List<String> still,
        List<String> degraded,
        boolean leads,
        Map<Name, Optional<Taken>> groups,
        Map<Name, Optional<ReplicaFacts>> replicas,
        Instant now) {

    /** How all names begin. */
    static final String PREFIX = "holdfast-";

    private static final String SEPARATOR = "; ";

    /** @param at when it was cut */
    public record Taken(Name checkpoint, Instant at) {}

    /** Copies the lists. */
    public ClusterFacts {
        still = List.copyOf(still);
        degraded = List.copyOf(degraded);
        groups = Map.copyOf(groups);
        replicas = Map.copyOf(replicas);
    }

    /** Names and values. What is not there shall not be shown. */
    SortedMap<String, String> attributes() {
        SortedMap<String, String> all = new TreeMap<>();
        if (!still.isEmpty()) {
            all.put(PREFIX + "frozen", String.join(SEPARATOR, still));
        }
        if (!degraded.isEmpty()) {
            all.put(PREFIX + "degraded", String.join(SEPARATOR, degraded));
        }
        if (leads) {
            checkpoints(all);
        }
        replicas.forEach((vm, facts) -> facts.ifPresent(replica -> all.put(replicaOf(vm), replica.text())));
        return all;
    }

    /** Names that an earlier life of the agent may have left, whatever it was then. */
    SortedSet<String> possible() {
        SortedSet<String> all = new TreeSet<>(List.of(PREFIX + "frozen", PREFIX + "degraded"));
        groups.keySet().forEach(group -> all.add(nameOf(group)));
        replicas.keySet().forEach(vm -> all.add(replicaOf(vm)));
        return all;
    }

    private static String nameOf(Name group) {
        return PREFIX + "checkpoint-" + group;
    }

    private static String replicaOf(Name vm) {
        return PREFIX + "replica-" + vm;
    }

    private void checkpoints(SortedMap<String, String> all) {
        groups.forEach((group, newest) -> all.put(
                nameOf(group),
                newest.map(taken -> "%s, %s, %s old"
                                .formatted(
                                        taken.checkpoint(),
                                        taken.at().truncatedTo(java.time.temporal.ChronoUnit.SECONDS),
                                        age(Duration.between(taken.at(), now))))
                        .orElse("none")));
    }

    /** Coarse: each change of an attribute makes pacemaker look at the whole cluster once more. */
    private static String age(Duration age) {
        if (age.toDays() >= 2) {
            return age.toDays() + " d";
        }
        return age.toHours() >= 1 ? age.toHours() + " h" : "under 1 h";
    }
}
