package dev.holdfast.agent.round;

import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.Members;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.RoundOptions;
import dev.holdfast.coordinator.protocol.RoundSpec;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;

/** Rounds for tests. */
final class Rounds {

    static final Name SELF = new Name("n1");
    static final Name WEB = new Name("web");
    static final Name DB = new Name("db");

    private Rounds() {}

    /** A round among the machines web and db of node n1, and one of node n2. */
    static RoundSpec spec(String id, RoundKind kind) {
        return spec(id, kind, RoundOptions.Quiesce.NO);
    }

    static RoundSpec spec(String id, RoundKind kind, RoundOptions.Quiesce quiesce) {
        TreeMap<Name, java.util.SortedSet<Name>> members = new TreeMap<>();
        members.put(SELF, new TreeSet<>(List.of(WEB, DB)));
        members.put(new Name("n2"), new TreeSet<>(List.of(new Name("app"))));
        return new RoundSpec(
                new RoundId(id),
                kind,
                new Epoch(1),
                new Name("shop"),
                new Name("c1"),
                Optional.empty(),
                new Members(members),
                new RoundOptions(
                        Duration.ofSeconds(5),
                        Duration.ofSeconds(60),
                        Duration.ofSeconds(60),
                        Duration.ZERO,
                        RoundOptions.CaptureMethod.AUTO,
                        quiesce,
                        false,
                        ""));
    }
}
