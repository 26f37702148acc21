package dev.holdfast.agent.round;

import dev.holdfast.coordinator.port.Snapshotter.PhaseException;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Does the same to several machines at once and waits for all of them, also when one fails. Thread-safe. */
final class Together {

    private static final Logger LOG = LoggerFactory.getLogger(Together.class);

    /** What is done to one machine. */
    interface Done<P> {
        void to(Name vm, P part) throws PhaseException;
    }

    /** What is asked of one machine. */
    interface Asked<P, R> {
        R of(Name vm, P part) throws PhaseException;
    }

    private final ExecutorService workers;

    Together(ExecutorService workers) {
        this.workers = workers;
    }

    /** @throws PhaseException the first failure, after all have ended; the others are suppressed onto it */
    <P> void each(Map<Name, P> parts, Done<P> done) throws PhaseException {
        ask(parts, (vm, part) -> {
            done.to(vm, part);
            return true;
        });
    }

    /** One machine, the usual case, is served on the calling thread: a change of threads would lengthen the freeze. */
    <P, R> Map<Name, R> ask(Map<Name, P> parts, Asked<P, R> asked) throws PhaseException {
        Map<Name, R> answers = new TreeMap<>();
        if (parts.size() == 1) {
            for (Map.Entry<Name, P> only : parts.entrySet()) {
                answers.put(only.getKey(), named(only.getKey(), only.getValue(), asked));
            }
            return answers;
        }
        Map<Name, Future<R>> running = new LinkedHashMap<>();
        parts.forEach((vm, part) -> running.put(vm, workers.submit(() -> named(vm, part, asked))));
        PhaseException first = null;
        for (Map.Entry<Name, Future<R>> entry : running.entrySet()) {
            try {
                answers.put(entry.getKey(), entry.getValue().get());
            } catch (ExecutionException e) {
                first = combine(first, phaseFailure(entry.getKey(), e.getCause()));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                first = combine(first, new PhaseException(Refusal.failed("the agent is stopping"), e));
            }
        }
        if (first != null) {
            throw first;
        }
        return answers;
    }

    private static <P, R> R named(Name vm, P part, Asked<P, R> asked) throws PhaseException {
        try {
            return asked.of(vm, part);
        } catch (PhaseException e) {
            throw new PhaseException(
                    new Refusal(e.because().kind(), vm + ": " + e.because().text()), e);
        }
    }

    private static PhaseException phaseFailure(Name vm, Throwable cause) {
        if (cause instanceof PhaseException failure) {
            return failure;
        }
        return new PhaseException(Refusal.failed(vm + ": internal error: " + cause), cause);
    }

    private static PhaseException combine(
            @org.jspecify.annotations.Nullable PhaseException first, PhaseException next) {
        if (first == null) {
            return next;
        }
        first.addSuppressed(next);
        return first;
    }

    /** Goes on whatever fails; failures are logged. One that does not answer does not delay the others. */
    <P> void eachQuietly(Map<Name, P> parts, Done<P> done) {
        try {
            each(parts, done);
        } catch (PhaseException e) {
            LOG.warn("{}", e.because().text());
            for (Throwable other : e.getSuppressed()) {
                LOG.warn("{}", other.getMessage());
            }
        }
    }
}
