package dev.holdfast.agent;

import dev.holdfast.agent.cluster.MemberParts;
import dev.holdfast.coordinator.engine.RoundRefusedException;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * Says before a round that replicated machines cannot be members yet. Thread-safe.
 *
 * @param parts the machines
 * @param replicated which of them are
 */
record ReplicatedMembers(MemberParts parts, Predicate<Name> replicated) implements MemberParts {

    /** Why a round with it is refused. */
    static String refusal(Name vm) {
        return "%s is replicated, and checkpoints of replicated machines are not supported yet; take it out of the group"
                .formatted(vm);
    }

    @Override
    public Forecast preflight(Name vm, Name checkpoint, RoundOptions options) throws RoundRefusedException {
        Forecast forecast = parts.preflight(vm, checkpoint, options);
        if (!replicated.test(vm)) {
            return forecast;
        }
        List<String> problems = new ArrayList<>(List.of(refusal(vm)));
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
