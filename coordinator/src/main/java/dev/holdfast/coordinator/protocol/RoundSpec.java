package dev.holdfast.coordinator.protocol;

import java.util.Optional;

/**
 * Everything about a round that is fixed when it is opened. Immutable.
 *
 * @param id the round
 * @param kind checkpoint or revert
 * @param epoch the reign that opened it; FREEZE carries exactly this number
 * @param group the group of machines
 * @param checkpoint the checkpoint that is made, or gone back to
 * @param parent the checkpoint that the group's present timeline began from, if any
 * @param members who takes part
 * @param options what the caller asked for
 */
public record RoundSpec(
        RoundId id,
        RoundKind kind,
        Epoch epoch,
        Name group,
        Name checkpoint,
        Optional<Name> parent,
        Members members,
        RoundOptions options) {}
