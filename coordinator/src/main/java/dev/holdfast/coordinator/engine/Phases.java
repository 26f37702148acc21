package dev.holdfast.coordinator.engine;

import dev.holdfast.coordinator.port.Snapshotter.PhaseException;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent.PhaseFailed;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.BiConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runs the snapshotter's phases: one thread per round, so that a slow round never delays another. Thread-safe. */
final class Phases implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Phases.class);

    /** One phase; what it returns goes back to the machine. */
    interface Phase {
        ParticipantEvent run() throws PhaseException;
    }

    private final Map<RoundId, ExecutorService> threads = new ConcurrentHashMap<>();
    private final ExecutorService thawing = Executors.newCachedThreadPool(task -> daemon(task, "holdfast-thaw"));
    private final BiConsumer<RoundId, ParticipantEvent> answer;

    Phases(BiConsumer<RoundId, ParticipantEvent> answer) {
        this.answer = answer;
    }

    static Thread daemon(Runnable task, String name) {
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        return thread;
    }

    /** Starts a phase after those of the same round that were started before. */
    void start(RoundId round, Phase phase) {
        ExecutorService thread = threads.computeIfAbsent(
                round, id -> Executors.newSingleThreadExecutor(task -> daemon(task, "holdfast-round-" + id)));
        Lanes.execute(thread, () -> answer.accept(round, run(round, phase)));
    }

    /** A phase that breaks in a way nobody foresaw has failed like any other: the guests must be let run. */
    private static ParticipantEvent run(RoundId round, Phase phase) {
        try {
            return phase.run();
        } catch (PhaseException e) {
            LOG.warn("round {}: {}", round, e.because().text());
            LOG.debug("round {}: phase failed", round, e);
            return new PhaseFailed(e.because());
        } catch (RuntimeException e) {
            LOG.error("round {}: a phase broke", round, e);
            return new PhaseFailed(Refusal.failed("internal error: " + e));
        }
    }

    /** Runs a thaw at once, whatever else is under way. */
    void thaw(Runnable thaw) {
        Lanes.execute(thawing, thaw);
    }

    /** Forgets a round that is over. */
    void end(RoundId round) {
        ExecutorService thread = threads.remove(round);
        if (thread != null) {
            thread.shutdown();
        }
    }

    @Override
    public void close() {
        threads.values().forEach(ExecutorService::shutdownNow);
        thawing.shutdown();
    }
}
