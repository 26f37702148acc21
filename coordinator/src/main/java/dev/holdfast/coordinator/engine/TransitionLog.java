package dev.holdfast.coordinator.engine;

import dev.holdfast.coordinator.port.Timers;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.participant.GivenUp;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.RecordGone;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One line for each transition, so that the log of an incident reads like a story; what did not fit goes to the debug log.
 * Lines are written a moment later: the work would lengthen a freeze. Used by the engine's thread only.
 */
final class TransitionLog {

    private static final Logger LOG = LoggerFactory.getLogger(TransitionLog.class);

    private static final Duration MOMENT = Duration.ofMillis(50);

    private final Name self;
    private final Timers timers;
    private final Consumer<Runnable> engine;
    private final List<Runnable> untold = new ArrayList<>();

    /** @param engine runs something on the engine's thread */
    TransitionLog(Name self, Timers timers, Consumer<Runnable> engine) {
        this.self = self;
        this.timers = timers;
        this.engine = engine;
    }

    void moved(RoundId round, String role, Object from, Object to, Object because, Optional<String> rejection) {
        if (from instanceof GivenUp gaveUp
                && because instanceof RecordGone gone
                && gone.committed()
                && !to.equals(from)) {
            note(() -> contradicted(gaveUp));
        }
        if (rejection.isPresent()) {
            LOG.debug("round {}: {} on {} ignored: {}", round, role, self, rejection.get());
        } else if (!from.getClass().equals(to.getClass())) {
            note(() -> LOG.info(
                    "round {}: {} on {}: {} -> {} because {}",
                    round,
                    role,
                    self,
                    name(from),
                    name(to),
                    reason(because)));
        }
    }

    private void note(Runnable line) {
        if (untold.isEmpty()) {
            timers.after(MOMENT, () -> engine.accept(this::tell));
        }
        untold.add(line);
    }

    /** It cannot have been committed without this member, so its entry is an old one, or the store is another. */
    private void contradicted(GivenUp gaveUp) {
        RoundSpec spec = gaveUp.membership().spec();
        LOG.error(
                "round {}: {} gave it up ({}), but the catalogue has its checkpoint {}@{}: its entry in the journal was put back, or"
                        + " the store was. Verify the checkpoint before you rely on it: holdfast checkpoint verify {}@{}",
                spec.id(),
                self,
                gaveUp.because(),
                spec.group(),
                spec.checkpoint(),
                spec.group(),
                spec.checkpoint());
    }

    /** Writes what was noted so far. */
    void tell() {
        untold.forEach(Runnable::run);
        untold.clear();
    }

    /** Something that found no machine to go to. */
    void dropped(Object what, String why) {
        LOG.debug("dropped {}: {}", what, why);
    }

    private static String name(Object state) {
        return state.getClass().getSimpleName();
    }

    private static Object reason(Object because) {
        return because instanceof Record ? name(because) : because;
    }
}
