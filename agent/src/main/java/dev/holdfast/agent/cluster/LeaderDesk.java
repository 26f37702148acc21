package dev.holdfast.agent.cluster;

import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.coordinator.engine.Coordinator;
import dev.holdfast.coordinator.engine.Coordinator.Wish;
import dev.holdfast.coordinator.engine.Engine;
import dev.holdfast.coordinator.engine.RoundRefusedException;
import dev.holdfast.coordinator.port.Catalogue;
import dev.holdfast.coordinator.port.DecisionLog;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.CheckpointRecord;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.MemberReport;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundState;
import dev.holdfast.coordinator.protocol.RoundView;
import dev.holdfast.coordinator.protocol.VmReport;
import dev.holdfast.coordinator.protocol.leader.Outcome;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/** What this node does for callers while it holds office. Methods block. Thread-safe. */
public final class LeaderDesk {

    private static final Duration PART_PATIENCE = Duration.ofMinutes(30);

    private final Supplier<Optional<Epoch>> reign;
    private final Coordinator coordinator;
    private final Engine engine;
    private final DecisionLog log;
    private final Catalogue catalogue;
    private final Supplier<Peers> peers;

    /**
     * @param reign this node's epoch while it holds office
     * @param coordinator runs rounds
     * @param engine ends rounds
     * @param log the rounds there are
     * @param catalogue the checkpoints there are
     * @param peers the members
     */
    public LeaderDesk(
            Supplier<Optional<Epoch>> reign,
            Coordinator coordinator,
            Engine engine,
            DecisionLog log,
            Catalogue catalogue,
            Supplier<Peers> peers) {
        this.reign = reign;
        this.coordinator = coordinator;
        this.engine = engine;
        this.log = log;
        this.catalogue = catalogue;
        this.peers = peers;
    }

    private Epoch office() throws RoundRefusedException {
        return reign.get()
                .orElseThrow(() ->
                        new RoundRefusedException(Refusal.failed("this node is not the leader any more; try again")));
    }

    Outcome run(Wish wish) throws RoundRefusedException, StoreUnreachableException, InterruptedException {
        return coordinator.run(wish, office());
    }

    /** Asks for the end of the open rounds of a group; returns how many there were. */
    int abort(Name group) throws RoundRefusedException, StoreUnreachableException {
        office();
        int open = 0;
        for (RoundView view : log.rounds()) {
            if (view.spec().group().equals(group) && view.state() == RoundState.PREPARING) {
                engine.abort(
                        view.spec().id(),
                        new Refusal(Refusal.Kind.CANCELLED, "aborted with 'holdfast checkpoint abort'"));
                open++;
            }
        }
        return open;
    }

    /** No round: once DELETING is in the store, every step is repeated until it is done, by whoever holds office. */
    void delete(Name group, Name checkpoint)
            throws RoundRefusedException, StoreUnreachableException, InterruptedException {
        Epoch epoch = office();
        CheckpointRecord record = catalogue
                .checkpoint(group, checkpoint)
                .orElseThrow(() -> new RoundRefusedException(Refusal.preflight("there is no checkpoint " + group + "@"
                        + checkpoint + "; 'holdfast checkpoint list " + group + "' shows what there is")));
        if (!catalogue.beginDelete(group, checkpoint, epoch)) {
            return;
        }
        for (MemberReport member : record.reports()) {
            for (VmReport vm : member.vms()) {
                Map<String, Object> body = Map.of("vm", vm.vm().value(), "checkpoint", checkpoint.value());
                peers.get()
                        .ask(
                                member.node(),
                                new PeerRequest(PeerRequest.Kind.DELETE_PART, JsonObject.of(body)),
                                PART_PATIENCE);
            }
        }
        catalogue.finishDelete(group, checkpoint, epoch);
    }
}
