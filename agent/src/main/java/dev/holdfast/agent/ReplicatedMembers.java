package dev.holdfast.agent;

import dev.holdfast.agent.cluster.MemberParts;
import dev.holdfast.agent.replication.ReplicatedMachine;
import dev.holdfast.coordinator.engine.RoundRefusedException;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * Says before a round why a replicated machine cannot be a member now. Thread-safe.
 *
 * @param parts the machines
 * @param replicas those of them that are replicated
 */
record ReplicatedMembers(MemberParts parts, Function<Name, Optional<ReplicatedMachine>> replicas)
        implements MemberParts {

    @Override
    public Forecast preflight(Name vm, Name checkpoint, RoundOptions options) throws RoundRefusedException {
        Forecast forecast = parts.preflight(vm, checkpoint, options);
        Optional<String> obstacle =
                replicas.apply(vm).flatMap(machine -> machine.parking().obstacle());
        if (obstacle.isEmpty()) {
            return forecast;
        }
        List<String> problems = new ArrayList<>(List.of(obstacle.get()));
        problems.addAll(forecast.problems());
        return new Forecast(
                vm, problems, forecast.bytes(), forecast.freeBytes(), forecast.pauseMillis(), forecast.method());
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
