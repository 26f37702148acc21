package dev.holdfast.coordinator.engine;

import dev.holdfast.coordinator.port.DecisionLog.Remains;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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
    /** Why a round could not be asked for: said once, not each time. Used on the store's thread only. */
    private final Map<RoundId, String> said = new HashMap<>();

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
            said.keySet().retainAll(rounds.stream().map(RoundSpec::id).toList());
            rounds.forEach(this::ask);
        } finally {
            follow();
        }
    }

    /** What cannot be read of one round must not hold up those behind it. */
    private void ask(RoundSpec spec) {
        try {
            Remains remains = ports.log().remains(spec);
            said.remove(spec.id());
            if (remains != Remains.RECORD) {
                lanes.toParticipant(spec.id(), new ParticipantEvent.RecordGone(remains == Remains.CHECKPOINT));
            }
        } catch (StoreUnreachableException e) {
            String why = String.valueOf(e.getMessage());
            if (!why.equals(said.put(spec.id(), why))) {
                LOG.warn("round {}: cannot ask what is left of it, and will try again: {}", spec.id(), why);
            }
        }
    }
}
