package dev.holdfast.coordinator.engine;

import dev.holdfast.coordinator.port.DecisionLog.Remains;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks from time to time what is left of rounds whose end this node waits for. As long as there is a record, its decision is on
 * its way; without one nobody will ever speak of the round again. Thread-safe.
 */
final class Forgotten {

    private static final Logger LOG = LoggerFactory.getLogger(Forgotten.class);

    /** Nobody is waiting: it happens when an entry of the journal was put back from a backup. */
    private static final Duration PERIOD = Duration.ofSeconds(10);

    /** Tells later, on the thread that owns them, which rounds this node waits for. */
    interface Waiting {
        void tell(Consumer<List<RoundSpec>> asker);
    }

    private final EnginePorts ports;
    private final Lanes lanes;
    private final Waiting waiting;

    Forgotten(EnginePorts ports, Lanes lanes, Waiting waiting) {
        this.ports = ports;
        this.lanes = lanes;
        this.waiting = waiting;
    }

    /** Begins, once; ends with the timers. */
    void follow() {
        ports.timers().after(PERIOD, () -> waiting.tell(rounds -> lanes.store(() -> ask(rounds))));
    }

    private void ask(List<RoundSpec> rounds) {
        try {
            for (RoundSpec spec : rounds) {
                Remains remains = ports.log().remains(spec);
                if (remains != Remains.RECORD) {
                    lanes.toParticipant(spec.id(), new ParticipantEvent.RecordGone(remains == Remains.CHECKPOINT));
                }
            }
        } catch (StoreUnreachableException e) {
            LOG.debug("cannot ask what is left of the rounds that this node waits for: {}", e.getMessage());
        } finally {
            follow();
        }
    }
}
