package dev.holdfast.agent;

import dev.holdfast.agent.cluster.MemberParts;
import dev.holdfast.agent.replication.Parking;
import dev.holdfast.agent.replication.ReplicaPart;
import dev.holdfast.agent.replication.ReplicatedMachine;
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
 * @param replicas those of them that are replicated
 */
record ReplicatedMembers(MemberParts parts, Function<Name, Optional<ReplicatedMachine>> replicas)
        implements MemberParts {
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    @Override
    public Forecast preflight(RoundKind kind, Name vm, Name checkpoint, RoundOptions options)
            throws RoundRefusedException {
        Optional<Parking> parking = replicas.apply(vm).map(ReplicatedMachine::parking);
        if (parking.isEmpty()) {
            return parts.preflight(kind, vm, checkpoint, options);
        }
        // In an epoch it would look like a machine that moves.
        Optional<String> obstacle = parking.get().obstacle().or(() -> parked(parking.get()));
        Forecast forecast;
        try {
            forecast = parts.preflight(kind, vm, checkpoint, options);
        } finally {
            parking.get().end();
        }
        List<String> problems = new ArrayList<>();
        obstacle.ifPresent(problems::add);
        ReplicaPart.unfit(vm, options).ifPresent(problems::add);
        problems.addAll(forecast.problems());
        return new Forecast(
                vm, problems, forecast.bytes(), forecast.freeBytes(), forecast.pauseMillis(), forecast.method());
    }

    private static Optional<String> parked(Parking parking) {
        try {
            parking.park(PATIENCE).get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
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
