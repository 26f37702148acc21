package dev.holdfast.agent.pacemaker;

import dev.holdfast.coordinator.protocol.Name;
import java.util.Optional;

/**
 * What people shall see of a replicated machine on a node. Pure.
 *
 * @param role {@code primary}, {@code standby} or {@code none}
 * @param state what the node is in, in one word: {@code protected}, {@code alone}, {@code seeding}, {@code isolated}, ...
 * @param peer the other side, if there is one
 * @param committedMsAgo age of the last epoch, -1 if unknown
 * @param held whether the guest stands still because it may not go further alone
 */
public record ReplicaFacts(String role, String state, Optional<Name> peer, long committedMsAgo, boolean held) {

    /** One line. It stays the same while all is well: each change makes pacemaker look at the whole cluster once more. */
    String text() {
        String other = peer.map(Name::value).orElse("unknown");
        return switch (role) {
            case "primary" -> held ? "primary, HELD until " + awaited(other) : primary(other);
            case "standby" -> "standby of " + other + ", " + age();
            default -> state.equals("resting") ? "copy of a standby that was stopped, " + age() : "takes no part";
        };
    }

    /** A standby that was given up does not help any more. */
    private String awaited(String other) {
        return state.equals("protected") ? "standby " + other + " or the store answers" : "the store answers";
    }

    private String primary(String other) {
        return switch (state) {
            case "protected" -> "primary, standby " + other + ", " + age();
            case "seeding" -> "primary, standby " + other + " is being made";
            case "shrinking" -> "primary, standby " + other + " is lost";
            case "isolated" -> "primary, ISOLATED: what it does may be lost";
            case "leaving" -> "primary, gives the machine up";
            default -> "primary, no standby";
        };
    }

    /** In few steps, and upwards. */
    private String age() {
        if (committedMsAgo < 0) {
            return "last epoch of unknown age";
        }
        if (committedMsAgo < 60_000) {
            return "last epoch under " + (committedMsAgo < 10_000 ? 10 : 60) + " s old";
        }
        return "last epoch " + committedMsAgo / 60_000 + " min old";
    }
}
