package dev.holdfast.agent.replication;

import dev.holdfast.agent.control.reply.ReplicaDetails;
import dev.holdfast.coordinator.replication.Alone;
import dev.holdfast.coordinator.replication.Candidacy;
import dev.holdfast.coordinator.replication.CopyFacts;
import dev.holdfast.coordinator.replication.Following;
import dev.holdfast.coordinator.replication.Isolated;
import dev.holdfast.coordinator.replication.Leaving;
import dev.holdfast.coordinator.replication.Out;
import dev.holdfast.coordinator.replication.Protected;
import dev.holdfast.coordinator.replication.ReplicaEvent;
import dev.holdfast.coordinator.replication.ReplicaState;
import dev.holdfast.coordinator.replication.Seeding;
import dev.holdfast.coordinator.replication.Shrinking;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;

/** The last changes of a machine's role on this node, for people. Thread-safe. */
final class Story {
    private static final int KEPT = 20;
    private static final Map<Class<?>, String> WORDS = Map.of(
            Alone.class, "alone",
            Seeding.class, "seeding",
            Protected.class, "protected",
            Shrinking.class, "shrinking",
            Isolated.class, "isolated",
            Leaving.class, "leaving",
            Following.class, "following");

    private final InstantSource clock;
    private final Deque<ReplicaDetails.Change> changes = new ArrayDeque<>();

    Story(InstantSource clock) {
        this.clock = clock;
    }

    /** A state in one word. */
    static String word(ReplicaState state) {
        if (state instanceof Out out
                && out.copy()
                        .filter(copy -> copy.kind() == CopyFacts.Kind.RESTING)
                        .isPresent()) {
            return "resting";
        }
        return state instanceof Candidacy ? "candidate" : WORDS.getOrDefault(state.getClass(), "out");
    }

    /**
     * @param problem why a standby was lost last
     * @return whether that was a change of role
     */
    synchronized boolean tell(ReplicaState before, ReplicaEvent event, ReplicaState after, String problem) {
        String word = word(after);
        if (word.equals(word(before))) {
            return false;
        }
        if (changes.size() == KEPT) {
            changes.removeFirst();
        }
        changes.add(new ReplicaDetails.Change(clock.instant().toString(), word, why(event, problem)));
        return true;
    }

    private static String why(ReplicaEvent event, String problem) {
        return event instanceof ReplicaEvent.StandbyLost lost
                ? "%s was lost%s".formatted(lost.peer().node(), problem.isEmpty() ? "" : ": " + problem)
                : Because.of(event);
    }

    synchronized List<ReplicaDetails.Change> changes() {
        return List.copyOf(changes);
    }
}
