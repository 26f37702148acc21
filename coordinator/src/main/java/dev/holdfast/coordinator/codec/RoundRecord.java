package dev.holdfast.coordinator.codec;

import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.RoundState;
import java.util.Optional;

/**
 * A round's own record in the store; readiness, votes and acknowledgements are kept beside it. Immutable.
 *
 * @param spec what was fixed at the opening
 * @param state open or decided
 * @param because why, if it is aborted
 */
public record RoundRecord(RoundSpec spec, RoundState state, Optional<Refusal> because) {}
