package dev.holdfast.agent.replication;

import dev.holdfast.agent.cluster.ReplicationDesk;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.replication.EpochContent;
import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.agent.migration.SameMachine;
import dev.holdfast.coordinator.engine.RoundRefusedException;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.replication.Reason;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;

/** Answers the nodes of primaries. Thread-safe. */
final class ReplicaDesk implements ReplicationDesk {
    private static final Duration MAKING = Duration.ofSeconds(55);

    private final Function<Name, Optional<Replica>> replicas;

    /** A machine and how it is defined here. */
    record Replica(ReplicatedMachine machine, VmDefinition definition, EpochContent content) {}

    ReplicaDesk(Function<Name, Optional<Replica>> replicas) {
        this.replicas = replicas;
    }

    @Override
    public JsonObject answer(JsonObject body) throws RoundRefusedException, JsonException, InterruptedException {
        Name vm = ReplicaWords.name(body, ReplicaWords.VM);
        Replica replica = replicas.apply(vm)
                .orElseThrow(() -> new RoundRefusedException(
                        Refusal.failed("there is no replicated machine " + vm + " on this node")));
        ReplicatedMachine machine = replica.machine();
        return switch (ReplicaWords.ask(body)) {
            case READY -> JsonObject.of(Map.of(ReplicaWords.READY, machine.isReady()));
            case OFFER -> offer(replica, body).told();
            case VOID -> {
                machine.heardVoid(ReplicaWords.copy(body));
                yield JsonObject.empty();
            }
            case PROMOTE -> {
                Optional<Reason> refused = await(machine.ask(Wish.PROMOTE), MAKING);
                if (refused.isPresent()) {
                    throw new RoundRefusedException(Refusal.failed(refused.get().text()));
                }
                yield JsonObject.empty();
            }
        };
    }

    private PeerLink.Opening offer(Replica replica, JsonObject body)
            throws JsonException, RoundRefusedException, InterruptedException {
        Optional<String> difference = difference(replica.definition(), replica.content(), body);
        if (difference.isPresent()) {
            throw new RoundRefusedException(Refusal.failed("the definitions of %s differ: %s"
                    .formatted(replica.definition().name(), difference.get())));
        }
        SortedMap<String, Long> disks = new TreeMap<>();
        JsonObject sizes = body.object(ReplicaWords.DISKS).orElse(JsonObject.empty());
        for (String disk : sizes.keys()) {
            disks.put(disk, sizes.number(disk).orElse(0L));
        }
        long generation = body.number(ReplicaWords.GENERATION).orElse(0L);
        return await(replica.machine().offer(ReplicaWords.copy(body), generation, disks), MAKING);
    }

    /** What of an offer does not fit the definition here. */
    static Optional<String> difference(VmDefinition mine, EpochContent content, JsonObject offer) throws JsonException {
        String theirs = offer.text(ReplicaWords.CONTENT).orElse(content.name());
        if (!theirs.equals(content.name())) {
            return Optional.of("epochs are of %s there and of %s here; write the same mode"
                    .formatted(words(theirs), words(content.name())));
        }
        JsonObject hardware = offer.object(ReplicaWords.HARDWARE).orElse(JsonObject.empty());
        return SameMachine.difference(mine, hardware.values());
    }

    private static String words(String content) {
        return content.toLowerCase(Locale.ROOT).replace('_', ' ');
    }

    private static <T> T await(CompletableFuture<T> answer, Duration patience)
            throws RoundRefusedException, InterruptedException {
        try {
            return answer.get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw new RoundRefusedException(
                    Refusal.failed(String.valueOf(e.getCause().getMessage())));
        } catch (TimeoutException e) {
            throw new RoundRefusedException(
                    Refusal.timedOut("not done within " + patience.toMillis() + " ms; it still may be"));
        }
    }
}
