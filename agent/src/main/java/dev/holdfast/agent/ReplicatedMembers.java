package dev.holdfast.agent;

import dev.holdfast.agent.cluster.MemberParts;
import dev.holdfast.agent.replication.Epochs;
import dev.holdfast.agent.replication.ReplicaPart;
import dev.holdfast.coordinator.engine.RoundRefusedException;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.RoundOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;

/**
 * Says before a round why a replicated machine cannot be a member now. Thread-safe.
 *
 * @param parts the machines
 * @param epochs of those that are replicated
 */
record ReplicatedMembers(MemberParts parts, Function<Name, Optional<Epochs>> epochs) implements MemberParts {
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    @Override
    public Forecast preflight(RoundKind kind, Name vm, Name checkpoint, RoundOptions options)
            throws RoundRefusedException {
        Optional<Epochs> known = epochs.apply(vm);
        if (known.isEmpty()) {
            return parts.preflight(kind, vm, checkpoint, options);
        }
        List<String> problems = new ArrayList<>();
        known.get().obstacle().ifPresent(problems::add);
        ReplicaPart.unfit(vm, options).ifPresent(problems::add);
        Forecast forecast = switch (kind) {
            case CHECKPOINT -> parked(known.get(), problems, vm, checkpoint, options);
            case REVERT -> parts.preflight(kind, vm, checkpoint, options);
        };
        problems.addAll(forecast.problems());
        return new Forecast(vm, problems, forecast.room(), forecast.pauseMillis(), forecast.method());
    }

    /** In an epoch it would look like a machine that moves. A revert looks at the chain alone, and lets the epochs go on. */
    private Forecast parked(Epochs known, List<String> problems, Name vm, Name checkpoint, RoundOptions options)
            throws RoundRefusedException {
        if (problems.isEmpty()) {
            notParked(known).ifPresent(problems::add);
        }
        try {
            return parts.preflight(RoundKind.CHECKPOINT, vm, checkpoint, options);
        } finally {
            known.end();
        }
    }

    private static Optional<String> notParked(Epochs known) {
        try {
            known.park(PATIENCE).get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
            return Optional.empty();
        } catch (ExecutionException e) {
            return Optional.of(String.valueOf(e.getCause().getMessage()));
        } catch (TimeoutException e) {
            return Optional.of("an epoch has not ended for " + PATIENCE.toSeconds() + " s");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.of("the agent ends");
        }
    }

    @Override
    public List<String> ties(Name vm, RoundOptions options) throws RoundRefusedException {
        return parts.ties(vm, options);
    }

    @Override
    public void delete(Name vm, Name checkpoint) throws RoundRefusedException {
        parts.delete(vm, checkpoint);
    }

    @Override
    public List<Checked> verify(Name vm, Name checkpoint) throws RoundRefusedException {
        return parts.verify(vm, checkpoint);
    }
}
