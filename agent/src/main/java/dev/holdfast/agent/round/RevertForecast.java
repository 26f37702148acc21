package dev.holdfast.agent.round;

import dev.holdfast.agent.cluster.MemberParts.Forecast;
import dev.holdfast.agent.snapshot.SnapshotException;
import dev.holdfast.agent.snapshot.SnapshotInfo;
import dev.holdfast.agent.snapshot.VmSnapshots;
import dev.holdfast.agent.snapshot.chain.SnapshotRecord;
import dev.holdfast.agent.snapshot.chain.SnapshotRecord.CaptureFacts;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.util.List;

/** What a revert will cost one machine, for a dry run. Stateless. */
final class RevertForecast {

    private RevertForecast() {}

    /**
     * @param problems what speaks against it so far
     * @throws SnapshotException the check, which is that of the round, said no
     */
    static Forecast of(Name vm, VmSnapshots snapshots, Name checkpoint, List<String> problems)
            throws SnapshotException {
        snapshots.reverts().prepare(checkpoint, (done, total) -> {});
        CaptureMethod method = snapshots.list().stream()
                .map(SnapshotInfo::snapshot)
                .filter(snapshot ->
                        snapshot.name().equals(checkpoint) && snapshot.memory().isPresent())
                .findFirst()
                .flatMap(SnapshotRecord::capture)
                .map(CaptureFacts::method)
                .orElse(CaptureMethod.DISK_ONLY);
        return new Forecast(vm, problems, snapshots.roomForRevert(checkpoint), -1, PauseForecast.word(method));
    }
}
