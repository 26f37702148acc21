package dev.holdfast.coordinator.protocol;

import java.util.function.Function;

/** A member's final word on its part of a round. Written once; never changed. */
public sealed interface Vote {

    /**
     * The part is on stable storage and journalled; the member is in doubt until it reads the decision. In a revert: the
     * old state is loaded beside the held one.
     *
     * @param report what the part consists of
     */
    record Durable(MemberReport report) implements Vote {}

    /**
     * The member has given up alone.
     *
     * @param because why
     */
    record No(Refusal because) implements Vote {}

    /** Exhaustive choice between the two. */
    default <R> R match(Function<Durable, R> durable, Function<No, R> no) {
        if (this instanceof Durable yes) {
            return durable.apply(yes);
        }
        return no.apply((No) this);
    }

    /** Whether this is {@link Durable}. */
    default boolean isDurable() {
        return match(yes -> true, no -> false);
    }
}
