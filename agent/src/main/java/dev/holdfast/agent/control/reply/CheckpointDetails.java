package dev.holdfast.agent.control.reply;

import dev.holdfast.coordinator.protocol.CheckpointRecord;
import dev.holdfast.coordinator.protocol.MemberReport;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.VmReport;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * One checkpoint with everything that is known of it. The answer to {@code checkpoint.create} and {@code checkpoint.show}.
 *
 * @param group the group of machines
 * @param name unique within the group
 * @param round the round that made it
 * @param epoch the reign in which that was
 * @param state {@code complete} or {@code deleting}
 * @param created the first freeze, by that node's wall clock
 * @param parent the checkpoint before it
 * @param description free text
 * @param skewNanos how far the freezes lie apart, by the nodes' clocks
 * @param clockErrorNanos bound of the error of that figure, -1 if unknown
 * @param maxPauseNanos the longest pause of a member
 * @param bytes size of all files
 * @param vms the members
 */
public record CheckpointDetails(
        Name group,
        Name name,
        String round,
        long epoch,
        String state,
        String created,
        Optional<String> parent,
        String description,
        long skewNanos,
        long clockErrorNanos,
        long maxPauseNanos,
        long bytes,
        List<Member> vms) {

    /** Copies the list. */
    public CheckpointDetails {
        vms = List.copyOf(vms);
    }

    /**
     * One machine in it. Instants are nanoseconds since 1970 by the node's wall clock.
     *
     * @param vm the machine
     * @param node where it ran
     * @param method how its memory was captured
     * @param quiesce what came of the request to flush file systems
     * @param hypervisor what ran it
     * @param software version of Holdfast on the node
     * @param frozenAtNanos when its processors had stopped
     * @param capturedAtNanos when its disks were cut
     * @param thawedAtNanos when it ran again
     * @param pauseNanos how long it stood still, by the monotonic clock
     * @param clockErrorNanos bound of the node's clock error, -1 if unknown
     * @param files what was kept of it
     */
    public record Member(
            Name vm,
            Name node,
            String method,
            String quiesce,
            String hypervisor,
            String software,
            long frozenAtNanos,
            long capturedAtNanos,
            long thawedAtNanos,
            long pauseNanos,
            long clockErrorNanos,
            List<StoredFile> files) {

        /** Copies the list. */
        public Member {
            files = List.copyOf(files);
        }

        /** Whether its memory was kept; if not, a revert boots it. */
        public boolean hasMemory() {
            return !method.equals(Prediction.Row.WITHOUT_MEMORY);
        }

        /** Whether its memory can be read with a key of the node alone. */
        public boolean encrypted() {
            return files.stream().anyMatch(StoredFile::encrypted);
        }

        /** Size of its files. */
        public long bytes() {
            return files.stream().mapToLong(StoredFile::bytes).sum();
        }
    }

    /** What the command line is told of a record of the catalogue. */
    public static CheckpointDetails of(CheckpointRecord record) {
        List<Member> members = record.reports().stream()
                .flatMap(CheckpointDetails::members)
                .sorted(Comparator.comparing(Member::vm))
                .toList();
        long first = members.stream().mapToLong(Member::frozenAtNanos).min().orElse(0);
        boolean clocksKnown = members.stream().allMatch(member -> member.clockErrorNanos() >= 0);
        long clockError =
                members.stream().mapToLong(Member::clockErrorNanos).max().orElse(-1);
        return new CheckpointDetails(
                record.group(),
                record.name(),
                record.round().value(),
                record.epoch().value(),
                record.state().name().toLowerCase(Locale.ROOT),
                Instant.ofEpochSecond(0, first).toString(),
                record.parent().map(Name::value),
                record.description(),
                record.skewNanos(),
                clocksKnown ? clockError : -1,
                members.stream().mapToLong(Member::pauseNanos).max().orElse(0),
                members.stream().mapToLong(Member::bytes).sum(),
                members);
    }

    private static Stream<Member> members(MemberReport report) {
        return report.vms().stream().map(vm -> member(report, vm));
    }

    private static Member member(MemberReport report, VmReport vm) {
        return new Member(
                vm.vm(),
                report.node(),
                vm.method().name().toLowerCase(Locale.ROOT),
                vm.quiesce(),
                vm.hypervisor(),
                report.software(),
                vm.frozenAtNanos(),
                vm.capturedAtNanos(),
                vm.thawedAtNanos(),
                vm.pauseNanos(),
                report.clockErrorNanos(),
                vm.parts().stream()
                        .map(part ->
                                new StoredFile(part.role(), part.path(), part.bytes(), part.sha256(), part.encrypted()))
                        .toList());
    }
}
