package dev.holdfast.coordinator.scale;

import dev.holdfast.coordinator.port.Snapshotter;
import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.MemberReport;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Part;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundOptions;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.ThawFacts;
import dev.holdfast.coordinator.protocol.VmReport;
import java.util.List;
import java.util.Set;

/** The machines of one node, which cost nothing, so that all time that passes is the protocol's. Reports are as long as real ones. */
final class SimulatedMachines implements Snapshotter {
    private static final String DIGEST = "0123456789abcdef".repeat(4);

    private final Name node;
    private final Set<Name> vms;
    volatile long frozenAt;
    volatile long thawedAt;

    SimulatedMachines(Name node, Set<Name> vms) {
        this.node = node;
        this.vms = vms;
    }

    Set<Name> vms() {
        return vms;
    }

    @Override
    public void prepare(RoundSpec spec) {}

    @Override
    public void freeze(RoundSpec spec) {
        frozenAt = System.nanoTime();
    }

    @Override
    public void stopIn(RoundId round, long nanos) {}

    @Override
    public void capture(RoundId round) {}

    @Override
    public ThawFacts proveAndThaw(RoundId round) {
        thawedAt = System.nanoTime();
        return new ThawFacts(true, 0, true, 1);
    }

    @Override
    public void thawNow(RoundId round) {}

    @Override
    public MemberReport drain(RoundId round, Progress progress) {
        return new MemberReport(
                node, 20_000, "0.1.0", vms.stream().map(this::report).toList());
    }

    private VmReport report(Name vm) {
        long now = 1_790_000_000_000_000_000L;
        String chain = "/srv/vms/" + vm + ".holdfast";
        return new VmReport(
                vm,
                now,
                now + 1_000_000,
                now + 9_000_000,
                9_000_000,
                RoundOptions.CaptureMethod.BACKGROUND,
                "no",
                "qemu 10.0.2",
                List.of(
                        new Part("memory", chain + "/snapshots/c1.memory", 268_435_456, DIGEST),
                        new Part("sidecar", chain + "/snapshots/c1.json", 1_600, DIGEST),
                        new Part("disk:d0", chain + "/layers/d0-000001.qcow2", 196_624, "")));
    }

    @Override
    public MemberReport loadBeside(RoundId round, Progress progress) {
        throw new UnsupportedOperationException("no reverts here");
    }

    @Override
    public boolean releaseGuard(RoundSpec spec) {
        return false;
    }

    @Override
    public void carryOut(RoundSpec spec, Decision decision) {}

    @Override
    public void forget(RoundSpec spec) {}
}
