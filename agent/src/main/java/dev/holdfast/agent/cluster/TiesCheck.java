package dev.holdfast.agent.cluster;

import dev.holdfast.agent.cluster.PeerRequest.Kind;
import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.coordinator.engine.Coordinator;
import dev.holdfast.coordinator.engine.Coordinator.Wish;
import dev.holdfast.coordinator.engine.RoundRefusedException;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.RoundSpec;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks before a checkpoint whether two of its machines are wired to each other by something that a cut does not cover, or
 * write one disk. Only their nodes together can tell. Methods block. Thread-safe.
 */
public final class TiesCheck implements Coordinator.MembersCheck {
    private static final Logger LOG = LoggerFactory.getLogger(TiesCheck.class);
    private static final Duration PATIENCE = Duration.ofSeconds(3);

    private final Peers peers;

    /** @param peers the members */
    public TiesCheck(Peers peers) {
        this.peers = peers;
    }

    @Override
    public void check(RoundSpec spec) throws RoundRefusedException, InterruptedException {
        if (spec.kind() != RoundKind.CHECKPOINT) {
            return;
        }
        Map<String, Name> seen = new TreeMap<>();
        for (Map.Entry<Name, SortedSet<Name>> node : spec.members().byNode().entrySet()) {
            for (Name vm : node.getValue()) {
                for (String tie : ties(node.getKey(), vm, spec)) {
                    Name other = seen.putIfAbsent(tie, vm);
                    if (other != null) {
                        throw new RoundRefusedException(Refusal.preflight(
                                ("%s and %s share the %s: what one of them sends or writes there reaches the other past the"
                                                + " cut, so that they cannot be captured at one instant. Separate them, or"
                                                + " take one of them out of the group %s")
                                        .formatted(other, vm, tie, spec.group())));
                    }
                }
            }
        }
    }

    /**
     * A member that cannot say, or whose QEMU does not answer, is most likely not able to take part either: the round finds out. One that
     * says that it can never take part as it is refuses the round.
     */
    private List<String> ties(Name node, Name vm, RoundSpec spec) throws RoundRefusedException, InterruptedException {
        Wish wish = new Wish(spec.id(), spec.kind(), spec.group(), spec.checkpoint(), spec.options(), Duration.ZERO);
        Map<String, Object> body = Map.of("vm", vm.value(), "wish", WishForm.write(wish));
        try {
            return peers.ask(node, new PeerRequest(Kind.TIES, JsonObject.of(body)), PATIENCE)
                    .texts("ties");
        } catch (RoundRefusedException e) {
            if (e.because().kind() == Refusal.Kind.PREFLIGHT) {
                throw e;
            }
            LOG.warn(
                    "what {} on {} shares is not known: {}",
                    vm,
                    node,
                    e.because().text());
            return List.of();
        } catch (OutcomeUnknownException e) {
            LOG.warn("what {} on {} shares is not known: {}", vm, node, e.getMessage());
            return List.of();
        } catch (JsonException e) {
            throw new RoundRefusedException(Refusal.failed(
                    "what %s on %s shares with other machines cannot be read: %s".formatted(vm, node, e.getMessage())));
        }
    }
}
