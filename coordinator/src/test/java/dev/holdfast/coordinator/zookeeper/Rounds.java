package dev.holdfast.coordinator.zookeeper;

import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.MemberReport;
import dev.holdfast.coordinator.protocol.Members;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Part;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.RoundOptions;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.VmReport;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/** Rounds for tests. */
final class Rounds {

    static final Refusal NO_REASON = Refusal.failed("the test wants it");

    private Rounds() {}

    /** A checkpoint round with one machine on each of n1, n2, ... */
    static RoundSpec checkpoint(String id, Epoch epoch, String group, String name, String... vms) {
        return round(RoundKind.CHECKPOINT, id, epoch, group, name, vms);
    }

    static RoundSpec revert(String id, Epoch epoch, String group, String name, String... vms) {
        return round(RoundKind.REVERT, id, epoch, group, name, vms);
    }

    private static RoundSpec round(RoundKind kind, String id, Epoch epoch, String group, String name, String... vms) {
        TreeMap<Name, SortedSet<Name>> members = new TreeMap<>();
        for (int index = 0; index < vms.length; index++) {
            members.put(new Name("n" + (index + 1)), new TreeSet<>(Set.of(new Name(vms[index]))));
        }
        return new RoundSpec(
                new RoundId(id),
                kind,
                epoch,
                new Name(group),
                new Name(name),
                Optional.empty(),
                new Members(members),
                new RoundOptions(
                        Duration.ofSeconds(5),
                        Duration.ofSeconds(60),
                        Duration.ofMinutes(10),
                        Duration.ZERO,
                        RoundOptions.CaptureMethod.AUTO,
                        RoundOptions.Quiesce.NO,
                        false,
                        ""));
    }

    static MemberReport report(String node, String vm, long frozenAt) {
        return new MemberReport(
                new Name(node),
                -1,
                "test",
                List.of(new VmReport(
                        new Name(vm),
                        frozenAt,
                        frozenAt + 1,
                        frozenAt + 2,
                        2,
                        RoundOptions.CaptureMethod.BACKGROUND,
                        "no",
                        "test",
                        List.of(new Part("memory", "/x", 1, "")))));
    }
}
