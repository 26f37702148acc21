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

    /** A node that cannot be asked cannot take part either, and the round says so. */
    private List<String> ties(Name node, Name vm, RoundSpec spec) throws InterruptedException {
        Wish wish = new Wish(spec.id(), spec.kind(), spec.group(), spec.checkpoint(), spec.options(), Duration.ZERO);
        Map<String, Object> body = Map.of("vm", vm.value(), "wish", WishForm.write(wish));
        try {
            return peers.ask(node, new PeerRequest(Kind.TIES, JsonObject.of(body)), PATIENCE)
                    .texts("ties");
        } catch (RoundRefusedException e) {
            LOG.info(
                    "{} on {} cannot be asked for its ties: {}",
                    vm,
                    node,
                    e.because().text());
        } catch (OutcomeUnknownException e) {
            LOG.info("{} on {} does not answer for its ties: {}", vm, node, e.getMessage());
        } catch (JsonException e) {
            LOG.warn("the ties of {} on {} cannot be read: {}", vm, node, e.getMessage());
        }
        return List.of();
    }
}
