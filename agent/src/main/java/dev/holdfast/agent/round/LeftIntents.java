package dev.holdfast.agent.round;

import dev.holdfast.agent.journal.OperationJournal;
import dev.holdfast.agent.snapshot.Fate;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundView;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What becomes of an intent that was found in a chain. One of this node's own operations is taken back; one of a round in this
 * node's journal is the engine's business and stays; for any other round, begun by another node that has lost the machine, or by
 * this one before it lost its journal, the store is asked. Thread-safe.
 */
public final class LeftIntents {

    private static final Logger LOG = LoggerFactory.getLogger(LeftIntents.class);

    /** A start must not wait for the store. */
    private static final Duration ANSWER = Duration.ofSeconds(1);

    /** Reads a round from the store. */
    public interface Rounds {
        Optional<RoundView> read(RoundId round) throws StoreUnreachableException;
    }

    private final OperationJournal journal;
    private final Rounds rounds;
    private final ExecutorService workers;

    /**
     * @param journal this node's
     * @param rounds the store's
     * @param workers to ask the store on
     */
    public LeftIntents(OperationJournal journal, Rounds rounds, ExecutorService workers) {
        this.journal = journal;
        this.rounds = rounds;
        this.workers = workers;
    }

    /** What becomes of operations on one machine's chain. */
    public Fate.Teller on(Name vm) {
        return operation -> fate(vm, operation);
    }

    private Fate fate(Name vm, String operation) {
        if (isMine(vm, operation)) {
            return Fate.KEEP;
        }
        if (NodeParts.isOwnOperation(operation)) {
            return Fate.TAKE_BACK;
        }
        Optional<Decision> decision = decision(vm, operation);
        return decision.map(word -> word == Decision.COMMITTED ? Fate.MAKE_TRUE : Fate.TAKE_BACK)
                .orElse(Fate.KEEP);
    }

    /** An entry that cannot be read may be bound, and about any machine. */
    private boolean isMine(Name vm, String operation) {
        return journal.mayBeOpen(operation)
                && journal.operations().stream()
                        .filter(entry -> entry.id().value().equals(operation))
                        .allMatch(entry -> entry.vms().contains(vm));
    }

    /** No record is not ABORTED: it says nothing. */
    private Optional<Decision> decision(Name vm, String operation) {
        Future<Optional<RoundView>> asked = workers.submit(() -> rounds.read(new RoundId(operation)));
        try {
            return asked.get(ANSWER.toMillis(), TimeUnit.MILLISECONDS)
                    .flatMap(view -> view.state().decision());
        } catch (ExecutionException | TimeoutException e) {
            asked.cancel(true);
            LOG.info(
                    "{}: the decision about {} cannot be read now ({}); what it left stays",
                    vm,
                    operation,
                    e.toString());
        } catch (InterruptedException e) {
            asked.cancel(true);
            Thread.currentThread().interrupt();
        }
        return Optional.empty();
    }
}
