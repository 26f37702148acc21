package dev.holdfast.agent.round;

import dev.holdfast.agent.cluster.MemberParts.Forecast;
import dev.holdfast.agent.snapshot.Estimate;
import dev.holdfast.agent.snapshot.SnapshotException;
import dev.holdfast.agent.snapshot.SnapshotRequest;
import dev.holdfast.agent.snapshot.VmSnapshots;
import dev.holdfast.agent.snapshot.chain.SnapshotRecord.CaptureFacts;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** What a checkpoint will cost one machine, for a dry run. Stateless. */
final class PauseForecast {

    private static final long NANOS_PER_MILLI = 1_000_000L;

    private PauseForecast() {}

    /**
     * @param request as the round will make it
     * @param problems what speaks against it so far
     * @throws SnapshotException the check said no
     */
    static Forecast of(Name vm, VmSnapshots snapshots, SnapshotRequest request, List<String> problems)
            throws SnapshotException {
        Estimate estimate = snapshots.estimate(request);
        Optional<CaptureFacts> last = lastCapture(snapshots, request.method());
        return new Forecast(
                vm,
                problems,
                estimate.bytes(),
                estimate.usableBytes(),
                last.map(facts -> facts.pauseNanos() / NANOS_PER_MILLI).orElse(-1L),
                word(last.map(CaptureFacts::method).orElse(request.method())));
    }

    /** Nothing can be said but what speaks against it. */
    static Forecast none(Name vm, CaptureMethod method, List<String> problems) {
        return new Forecast(vm, problems, 0, 0, -1, word(method));
    }

    static String word(CaptureMethod method) {
        return method.name().toLowerCase(Locale.ROOT);
    }

    /** The best guess at the next pause is the last one by the same method. */
    private static Optional<CaptureFacts> lastCapture(VmSnapshots snapshots, CaptureMethod wanted)
            throws SnapshotException {
        return snapshots.list().stream()
                .flatMap(info -> info.snapshot().capture().stream())
                .filter(facts -> facts.method() == wanted
                        || wanted == CaptureMethod.AUTO && facts.method() != CaptureMethod.DISK_ONLY)
                .reduce((earlier, later) -> later);
    }
}
