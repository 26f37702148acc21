package dev.holdfast.coordinator.protocol;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/** Small rounds for the tests. */
public final class Samples {

    /** What every test's caller asks for. */
    public static final RoundOptions OPTIONS = new RoundOptions(
            Duration.ofSeconds(5),
            Duration.ofSeconds(60),
            Duration.ofMinutes(10),
            Duration.ZERO,
            RoundOptions.CaptureMethod.AUTO,
            RoundOptions.Quiesce.NO,
            false,
            "");

    private Samples() {}

    /** A node's name. */
    public static Name node(int index) {
        return new Name("n" + index);
    }

    /** A round among some nodes, with one machine on each. */
    public static RoundSpec spec(String id, RoundKind kind, long epoch, int... nodes) {
        SortedMap<Name, SortedSet<Name>> byNode = new TreeMap<>();
        for (int index : nodes) {
            byNode.put(node(index), new TreeSet<>(List.of(new Name("vm" + index))));
        }
        return new RoundSpec(
                new RoundId(id),
                kind,
                new Epoch(epoch),
                new Name("shop"),
                new Name("monday"),
                Optional.empty(),
                new Members(byNode),
                OPTIONS);
    }

    /** What a node contributes. */
    public static MemberReport report(int index) {
        return new MemberReport(node(index), -1, "test", List.of());
    }

    /** A refusal whose text means nothing. */
    public static Refusal refusal() {
        return Refusal.failed("test");
    }
}
