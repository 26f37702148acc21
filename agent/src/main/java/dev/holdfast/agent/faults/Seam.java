package dev.holdfast.agent.faults;

import dev.holdfast.coordinator.port.DecisionLog;
import dev.holdfast.coordinator.port.GroupChannel;
import dev.holdfast.coordinator.port.Journal;
import dev.holdfast.coordinator.port.Snapshotter;
import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.JournalEntry;
import dev.holdfast.coordinator.protocol.Vote;
import dev.holdfast.coordinator.protocol.message.GroupMessage;
import dev.holdfast.coordinator.replication.ReplicaHands;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * Where points are: between the rules, which decide, and what carries their effects out. A point is called after the seam, the
 * method and, where the method has several meanings, the meaning: {@code journal.write.VOTED}. Reached before the call; one that
 * ends in {@code .done} after it, where what was written outlives the process.
 */
public enum Seam {
    /** The member's stable memory. */
    JOURNAL(Journal.class, true, "write", "remove"),
    /** Leader and member write to ZooKeeper. */
    STORE(DecisionLog.class, true, "open", "decide", "touch", "close", "sayReady", "castVote", "acknowledge"),
    /** Messages to the other nodes. */
    CHANNEL(GroupChannel.class, false, "send"),
    /** The member's machines, from the preparation to the decision made true. */
    MACHINES(
            Snapshotter.class,
            false,
            "prepare",
            "freeze",
            "capture",
            "proveAndThaw",
            "thawNow",
            "drain",
            "loadBeside",
            "releaseGuard",
            "carryOut"),
    /** A replicated machine: epochs, its standby's, promotions. */
    REPLICA(
            ReplicaHands.class,
            false,
            "writeRecord",
            "askProof",
            "noteLife",
            "noteLeaving",
            "runCold",
            "failOver",
            "keepCopy",
            "runOn",
            "hold",
            "armLag",
            "disarmLag",
            "seed",
            "sendEpoch",
            "detach",
            "voidPeer",
            "killGuest",
            "makeCopy",
            "dropCopy",
            "freeMemory",
            "noteCommit",
            "commitDisks",
            "acknowledge");

    private final Class<?> port;
    private final boolean durable;
    private final List<String> methods;

    Seam(Class<?> port, boolean durable, String... methods) {
        this.port = port;
        this.durable = durable;
        this.methods = List.of(methods);
    }

    Class<?> port() {
        return port;
    }

    /** Whether a call leaves something that outlives the process, so that there is a point after it, too. */
    boolean isDurable() {
        return durable;
    }

    /** The name of the point at a call; empty where there is none. */
    Optional<String> point(Method method, Object[] arguments) {
        if (!methods.contains(method.getName())) {
            return Optional.empty();
        }
        String meaning = Arrays.stream(arguments)
                .flatMap(argument -> meaning(argument).stream())
                .map(word -> "." + word)
                .findFirst()
                .orElse("");
        return Optional.of(base(method) + meaning);
    }

    private String base(Method method) {
        return name().toLowerCase(Locale.ROOT) + "." + method.getName();
    }

    private static Optional<String> meaning(Object argument) {
        if (argument instanceof JournalEntry entry) {
            return Optional.of(entry.report().isPresent() ? "VOTED" : "INTENT");
        }
        if (argument instanceof Vote vote) {
            return Optional.of(vote.match(yes -> "DURABLE", no -> "NO"));
        }
        if (argument instanceof Decision decision) {
            return Optional.of(decision.name());
        }
        return argument instanceof GroupMessage
                ? Optional.of(argument.getClass().getSimpleName())
                : Optional.empty();
    }

    private static Stream<String> meanings(Class<?> type) {
        if (type == JournalEntry.class) {
            return Stream.of("INTENT", "VOTED");
        }
        if (type == Vote.class) {
            return Stream.of("DURABLE", "NO");
        }
        if (type == Decision.class) {
            return Arrays.stream(Decision.values()).map(Enum::name);
        }
        return type == GroupMessage.class
                ? Arrays.stream(GroupMessage.class.getPermittedSubclasses()).map(Class::getSimpleName)
                : Stream.empty();
    }

    /** All points there are. */
    public static SortedSet<String> points() {
        SortedSet<String> points = new TreeSet<>();
        for (Seam seam : values()) {
            Arrays.stream(seam.port.getMethods())
                    .filter(method -> seam.methods.contains(method.getName()))
                    .flatMap(seam::names)
                    .forEach(points::add);
        }
        return points;
    }

    private Stream<String> names(Method method) {
        List<String> meanings = Arrays.stream(method.getParameterTypes())
                .flatMap(Seam::meanings)
                .toList();
        Stream<String> names =
                meanings.isEmpty() ? Stream.of(base(method)) : meanings.stream().map(word -> base(method) + "." + word);
        return names.flatMap(name -> durable ? Stream.of(name, name + FaultPoints.DONE) : Stream.of(name));
    }
}
