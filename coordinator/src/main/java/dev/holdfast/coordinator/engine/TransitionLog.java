package dev.holdfast.coordinator.engine;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundId;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One line for each transition, so that the log of an incident reads like a story; what did not fit goes to the debug log. Thread-safe. */
final class TransitionLog {

    private static final Logger LOG = LoggerFactory.getLogger(TransitionLog.class);

    private final Name self;

    TransitionLog(Name self) {
        this.self = self;
    }

    void moved(RoundId round, String role, Object from, Object to, Object because, Optional<String> rejection) {
        if (rejection.isPresent()) {
            LOG.debug("round {}: {} on {} ignored: {}", round, role, self, rejection.get());
        } else if (!from.getClass().equals(to.getClass())) {
            LOG.info(
                    "round {}: {} on {}: {} -> {} because {}",
                    round,
                    role,
                    self,
                    name(from),
                    name(to),
                    reason(because));
        }
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
