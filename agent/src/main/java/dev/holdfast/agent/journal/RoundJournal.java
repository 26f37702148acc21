package dev.holdfast.agent.journal;

import dev.holdfast.coordinator.port.Journal;
import dev.holdfast.coordinator.protocol.JournalEntry;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundKind;
import java.io.IOException;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;

/** The journal's entries that are parts in rounds. Thread-safe. */
public final class RoundJournal implements Journal {
    private final OperationJournal journal;
    private final Name node;
    private final InstantSource clock;

    /**
     * @param journal where the entries are
     * @param node this node
     * @param clock stamps the entries for people
     */
    public RoundJournal(OperationJournal journal, Name node, InstantSource clock) {
        this.journal = journal;
        this.node = node;
        this.clock = clock;
    }

    @Override
    public void write(JournalEntry entry) throws IOException {
        Name id = operation(entry.spec().id());
        Optional<Operation> before = journal.find(id);
        journal.write(new Operation(
                id,
                kind(entry.spec().kind()),
                state(entry),
                List.copyOf(entry.spec().members().on(node)),
                Optional.of(entry),
                before.map(Operation::processes).orElse(List.of()),
                before.map(Operation::since).orElseGet(clock::instant),
                ""));
    }

    @Override
    public void remove(RoundId round) throws IOException {
        journal.remove(operation(round));
    }

    @Override
    public List<JournalEntry> entries() {
        return journal.operations().stream()
                .flatMap(operation -> operation.round().stream())
                .toList();
    }

    /** The operation that is this node's part in a round; also the holder of its machines in {@link VmClaims}. */
    public static Name operation(RoundId round) {
        return new Name(round.value());
    }

    /** What a round is to the machines it touches. */
    public static OperationKind kind(RoundKind kind) {
        return switch (kind) {
            case CHECKPOINT -> OperationKind.CHECKPOINT;
            case REVERT -> OperationKind.REVERT;
        };
    }

    private static OperationState state(JournalEntry entry) {
        if (entry.report().isEmpty()) {
            return OperationState.INTENT;
        }
        return switch (entry.spec().kind()) {
            case CHECKPOINT -> OperationState.VOTED;
            case REVERT -> OperationState.LOADED;
        };
    }
}
