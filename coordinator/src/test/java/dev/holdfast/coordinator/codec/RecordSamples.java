package dev.holdfast.coordinator.codec;

import dev.holdfast.coordinator.port.NodeRegistry;
import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.MemberReport;
import dev.holdfast.coordinator.protocol.Members;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Part;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.RoundOptions;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.VmReport;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/** One of each record, with every field set. */
final class RecordSamples {

    private RecordSamples() {}

    static RoundSpec spec() {
        TreeMap<Name, SortedSet<Name>> members = new TreeMap<>();
        members.put(new Name("n1"), new TreeSet<>(Set.of(new Name("web"), new Name("cache"))));
        members.put(new Name("n2"), new TreeSet<>(Set.of(new Name("db"))));
        return new RoundSpec(
                new RoundId("r-000001"),
                RoundKind.CHECKPOINT,
                new Epoch(7),
                new Name("shop"),
                new Name("before-upgrade"),
                Optional.of(new Name("nightly")),
                new Members(members),
                new RoundOptions(
                        Duration.ofSeconds(5),
                        Duration.ofSeconds(60),
                        Duration.ofMinutes(10),
                        Duration.ofMillis(250),
                        RoundOptions.CaptureMethod.BACKGROUND,
                        RoundOptions.Quiesce.TRY,
                        false,
                        "before the upgrade, \"tested\""));
    }

    static MemberReport report() {
        return new MemberReport(
                new Name("n2"),
                125_000,
                "0.1.0",
                List.of(new VmReport(
                        new Name("db"),
                        1_790_000_000_000_000_000L,
                        1_790_000_000_004_000_000L,
                        1_790_000_000_021_000_000L,
                        21_000_000,
                        RoundOptions.CaptureMethod.BACKGROUND,
                        "done",
                        "qemu 7.2.22",
                        List.of(
                                new Part(
                                        "memory",
                                        "/srv/vms/db.holdfast/snapshots/x.memory",
                                        67_108_864,
                                        "ab".repeat(32)),
                                new Part("disk:d0", "/srv/vms/db.holdfast/layers/d0-000001.qcow2", 196_608, "")))));
    }

    static NodeRegistry.Node node() {
        return new NodeRegistry.Node(
                new Name("n1"),
                "0f8fad5b",
                "10.77.0.11:7800",
                "10.77.0.11:7801",
                "0.1.0",
                1,
                new TreeMap<>(Map.of(new Name("web"), "running", new Name("cache"), "stopped")));
    }

    static HistoryRecord history() {
        return new HistoryRecord(
                new RoundId("r-000001"),
                RoundKind.CHECKPOINT,
                new Epoch(7),
                new Name("shop"),
                new Name("before-upgrade"),
                Decision.ABORTED,
                "n2: the disk is full",
                Instant.parse("2026-11-21T02:00:00.5Z"));
    }
}
