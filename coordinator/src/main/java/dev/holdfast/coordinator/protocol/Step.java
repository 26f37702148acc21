package dev.holdfast.coordinator.protocol;

import java.util.List;
import java.util.Optional;

/**
 * What a machine answers to an event.
 *
 * @param next the state from now on
 * @param effects what has to be done, in this order
 * @param rejection present if the event did not fit the state and was dropped: expected, counted, logged at debug level
 * @param <S> the states of the machine
 * @param <E> the effects of the machine
 */
public record Step<S, E>(S next, List<E> effects, Optional<String> rejection) {

    public Step {
        effects = List.copyOf(effects);
    }

    /** A transition with its effects. */
    @SafeVarargs
    public static <S, E> Step<S, E> to(S next, E... effects) {
        return new Step<>(next, List.of(effects), Optional.empty());
    }

    /** A transition with its effects. */
    public static <S, E> Step<S, E> to(S next, List<E> effects) {
        return new Step<>(next, effects, Optional.empty());
    }

    /** The event does not fit the state: nothing changes. */
    public static <S, E> Step<S, E> rejected(S state, String why) {
        return new Step<>(state, List.of(), Optional.of(why));
    }
}
