package dev.holdfast.agent.cluster;

import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.coordinator.codec.HistoryRecord;
import dev.holdfast.coordinator.engine.Coordinator;
import dev.holdfast.coordinator.engine.Coordinator.Wish;
import dev.holdfast.coordinator.engine.Engine;
import dev.holdfast.coordinator.engine.RoundRefusedException;
import dev.holdfast.coordinator.port.Catalogue;
import dev.holdfast.coordinator.port.DecisionLog;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.CheckpointRecord;
import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.MemberReport;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundState;
import dev.holdfast.coordinator.protocol.RoundView;
import dev.holdfast.coordinator.protocol.VmReport;
import dev.holdfast.coordinator.protocol.leader.Outcome;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What this node does for callers while it holds office. Methods block. Thread-safe. */
public final class LeaderDesk {

    private static final Logger LOG = LoggerFactory.getLogger(LeaderDesk.class);
    private static final Duration PART_PATIENCE = Duration.ofMinutes(30);
    private static final Duration TURN_PATIENCE = Duration.ofMinutes(10);

    /** Where it is written how rounds ended. */
    public interface Chronicle {
        void append(HistoryRecord line) throws StoreUnreachableException;
    }

    /**
     * What the store holds.
     *
     * @param log the rounds there are
     * @param catalogue the checkpoints there are
     * @param chronicle how rounds ended, for people
     * @param clock stamps its lines
     */
    public record Books(DecisionLog log, Catalogue catalogue, Chronicle chronicle, InstantSource clock) {}

    private final Supplier<Optional<Epoch>> reign;
    private final Coordinator coordinator;
    private final Engine engine;
    private final Books books;
    private final Supplier<Peers> peers;

    /**
     * @param reign this node's epoch while it holds office
     * @param coordinator runs rounds
     * @param engine ends rounds
     * @param books what the store holds
     * @param peers the members
     */
    public LeaderDesk(
            Supplier<Optional<Epoch>> reign,
            Coordinator coordinator,
            Engine engine,
            Books books,
            Supplier<Peers> peers) {
        this.reign = reign;
        this.coordinator = coordinator;
        this.engine = engine;
        this.books = books;
        this.peers = peers;
    }

    private Epoch office() throws RoundRefusedException {
        return reign.get().orElseThrow(() -> new RoundRefusedException(Coordinator.NOT_IN_OFFICE));
    }

    Outcome run(Wish wish) throws RoundRefusedException, StoreUnreachableException, InterruptedException {
        Epoch epoch = office();
        AtomicBoolean begun = new AtomicBoolean();
        try {
            Outcome outcome = coordinator.run(wish, epoch, () -> begun.set(true));
            if (outcome.kind() == Outcome.Kind.COMMITTED) {
                note(wish, epoch, Decision.COMMITTED, "");
            }
            return outcome;
        } catch (RoundRefusedException e) {
            // What was refused before it began is no round: held back, no such group, a machine that does not run.
            if (begun.get() && e.because().kind() != Refusal.Kind.BUSY) {
                note(wish, epoch, Decision.ABORTED, e.because().text());
            }
            throw e;
        }
    }

    /** For people only: a line that is lost hurts nobody. */
    private void note(Wish wish, Epoch epoch, Decision outcome, String text) {
        try {
            books.chronicle()
                    .append(new HistoryRecord(
                            wish.id(),
                            wish.kind(),
                            epoch,
                            wish.group(),
                            wish.checkpoint(),
                            outcome,
                            text,
                            books.clock().instant()));
        } catch (StoreUnreachableException e) {
            LOG.warn("round {}: not noted in the history: {}", wish.id(), e.getMessage());
        }
    }

    /** Asks for the end of the open rounds of a group; returns how many there were. */
    int abort(Name group) throws RoundRefusedException, StoreUnreachableException {
        office();
        int open = 0;
        for (RoundView view : books.log().rounds()) {
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
        delete(group, checkpoint, TURN_PATIENCE);
    }

    private void delete(Name group, Name checkpoint, Duration patience)
            throws RoundRefusedException, StoreUnreachableException, InterruptedException {
        Epoch epoch = office();
        coordinator.inTurn(group, patience, () -> {
            CheckpointRecord record = books.catalogue()
                    .checkpoint(group, checkpoint)
                    .orElseThrow(() -> new RoundRefusedException(Refusal.preflight("there is no checkpoint " + group
                            + "@" + checkpoint + "; 'holdfast checkpoint list " + group + "' shows what there is")));
            if (books.catalogue().beginDelete(group, checkpoint, epoch)) {
                deleteParts(record);
                books.catalogue().finishDelete(group, checkpoint, epoch);
            }
        });
    }

    /** Also asks the nodes behind one that cannot be asked: what can go, goes. */
    private void deleteParts(CheckpointRecord record) throws RoundRefusedException, InterruptedException {
        List<Refusal> refusals = new ArrayList<>();
        for (MemberReport member : record.reports()) {
            for (VmReport vm : member.vms()) {
                Map<String, Object> body = Map.of(
                        "vm", vm.vm().value(), "checkpoint", record.name().value());
                try {
                    peers.get()
                            .askKeeper(
                                    vm.vm(),
                                    member.node(),
                                    new PeerRequest(PeerRequest.Kind.DELETE_PART, JsonObject.of(body)),
                                    PART_PATIENCE);
                } catch (RoundRefusedException e) {
                    refusals.add(e.because());
                } catch (OutcomeUnknownException e) {
                    refusals.add(Refusal.failed(String.valueOf(e.getMessage())));
                }
            }
        }
        if (!refusals.isEmpty()) {
            String why = refusals.stream().map(Refusal::text).collect(Collectors.joining("; "));
            throw new RoundRefusedException(new Refusal(
                    refusals.get(0).kind(),
                    "the checkpoint %s@%s is marked as deleted, but not all its parts are gone: %s. The rest follows by itself as soon as it can"
                            .formatted(record.group(), record.name(), why)));
        }
    }

    /**
     * Goes on with deletions that were begun, by this leader or an earlier one. To be called again and again; does nothing
     * out of office. May take long: the members merge layers. Never throws.
     */
    public void rollForward() {
        if (reign.get().isEmpty()) {
            return;
        }
        try {
            for (Catalogue.Group group : books.catalogue().groups()) {
                for (CheckpointRecord record : books.catalogue().checkpoints(group.name())) {
                    if (record.state() == CheckpointRecord.State.DELETING) {
                        rollForward(record);
                    }
                }
            }
        } catch (StoreUnreachableException e) {
            LOG.debug("deletions that are under way cannot be looked for: {}", e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void rollForward(CheckpointRecord record) throws StoreUnreachableException, InterruptedException {
        try {
            delete(record.group(), record.name(), Duration.ZERO);
            LOG.info("the deletion of {}@{} is complete", record.group(), record.name());
        } catch (RoundRefusedException e) {
            LOG.info(
                    "the deletion of {}@{} waits: {}",
                    record.group(),
                    record.name(),
                    e.because().text());
        }
    }
}
