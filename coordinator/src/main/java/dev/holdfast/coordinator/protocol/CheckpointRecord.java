package dev.holdfast.coordinator.protocol;

import java.util.List;
import java.util.Optional;

/**
 * A committed checkpoint as the catalogue keeps it. Immutable.
 *
 * @param group the group of machines
 * @param name unique within the group
 * @param round the round that made it
 * @param epoch the reign in which that round was opened
 * @param parent the checkpoint before it on its timeline
 * @param description free text, may be empty
 * @param state whether it may be used
 * @param reports what each node contributed
 */
public record CheckpointRecord(
        Name group,
        Name name,
        RoundId round,
        Epoch epoch,
        Optional<Name> parent,
        String description,
        State state,
        List<MemberReport> reports) {

    public CheckpointRecord {
        reports = List.copyOf(reports);
    }

    /** Whether a checkpoint may be used. */
    public enum State {
        /** All parts are there. */
        COMPLETE,
        /** Its parts are being removed; it cannot be gone back to. */
        DELETING
    }

    /** The record that a committed round leaves. */
    public static CheckpointRecord of(RoundSpec spec, List<MemberReport> reports) {
        return new CheckpointRecord(
                spec.group(),
                spec.checkpoint(),
                spec.id(),
                spec.epoch(),
                spec.parent(),
                spec.options().description(),
                State.COMPLETE,
                reports);
    }

    /** All machines' reports, over all nodes. */
    public List<VmReport> vms() {
        return reports.stream().flatMap(report -> report.vms().stream()).toList();
    }

    /** How far the freezes of the members lie apart, by their nodes' clocks. */
    public long skewNanos() {
        long first = vms().stream().mapToLong(VmReport::frozenAtNanos).min().orElse(0);
        long last = vms().stream().mapToLong(VmReport::frozenAtNanos).max().orElse(0);
        return last - first;
    }
}
