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

    /** An agent that was killed is silent until the group notices; its next life answers. To ask twice changes nothing. */
    private static final int TRIES = 3;

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
     * An agent that does not say what its machine shares may well be there again when the round freezes it: no round is begun. One that
     * answers that its machine is not able to say (its QEMU hangs) is asked for the same by the round, which finds out; one that says that
     * the machine can never take part as it is refuses the round.
     */
    private List<String> ties(Name node, Name vm, RoundSpec spec) throws RoundRefusedException, InterruptedException {
        Wish wish = new Wish(spec.id(), spec.kind(), spec.group(), spec.checkpoint(), spec.options(), Duration.ZERO);
        Map<String, Object> body = Map.of("vm", vm.value(), "wish", WishForm.write(wish));
        PeerRequest question = new PeerRequest(Kind.TIES, JsonObject.of(body));
        String unknown = "";
        for (int tried = 0; tried < TRIES; tried++) {
            try {
                return peers.ask(node, question, PATIENCE).texts("ties");
            } catch (OutcomeUnknownException e) {
                unknown = e.getMessage();
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
            } catch (JsonException e) {
                throw new RoundRefusedException(
                        Refusal.failed("what %s on %s shares with other machines cannot be read: %s"
                                .formatted(vm, node, e.getMessage())));
            }
        }
        throw new RoundRefusedException(Refusal.timedOut(
                "what %s on %s shares with other machines is not known, so nothing was begun: %s. Is its agent well (holdfast doctor there)? Then try again"
                        .formatted(vm, node, unknown)));
    }
}
