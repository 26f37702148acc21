package dev.holdfast.agent.round;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundSpec;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * One round on this node.
 *
 * @param spec the round
 * @param parts this node's machines in it
 * @param quiesced what came of quiescing them, where it was asked for
 * @param watched machines that the guard may be armed for, each with a mark of its newest arming
 * @param countedFrom since when a machine counts as frozen, which may be before it stands still
 * @param voided whether this node was told to let everything run: nothing may be frozen any more
 * @param steps when what was done, for the log
 */
record Round(
        RoundSpec spec,
        Map<Name, VmPart> parts,
        Map<Name, String> quiesced,
        Map<Name, Object> watched,
        Map<Name, Long> countedFrom,
        AtomicBoolean voided,
        StepClock steps) {

    Duration deadline() {
        return spec.options().deadline();
    }

    String token() {
        return spec.id().value();
    }
}
