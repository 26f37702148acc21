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
import java.util.concurrent.atomic.AtomicReference;
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

    /**
     * Where a round's phases run.
     *
     * @param warned of what was last warned: a phase that is tried again every few seconds mostly fails as before
     */
    private record RoundThread(ExecutorService tasks, AtomicReference<String> warned) {}

    private final Map<RoundId, RoundThread> threads = new ConcurrentHashMap<>();
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
        RoundThread thread = threads.computeIfAbsent(
                round,
                id -> new RoundThread(
                        Executors.newSingleThreadExecutor(task -> daemon(task, "holdfast-round-" + id)),
                        new AtomicReference<>("")));
        Lanes.execute(thread.tasks(), () -> answer.accept(round, run(round, phase, thread.warned())));
    }

    /** A phase that breaks in a way nobody foresaw has failed like any other: the guests must be let run. */
    private static ParticipantEvent run(RoundId round, Phase phase, AtomicReference<String> warned) {
        try {
            return phase.run();
        } catch (PhaseException e) {
            String why = e.because().text();
            if (!why.equals(warned.getAndSet(why))) {
                LOG.warn("round {}: {}", round, why);
            }
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
        RoundThread thread = threads.remove(round);
        if (thread != null) {
            thread.tasks().shutdown();
        }
    }

    @Override
    public void close() {
        threads.values().forEach(thread -> thread.tasks().shutdownNow());
        thawing.shutdown();
    }
}
