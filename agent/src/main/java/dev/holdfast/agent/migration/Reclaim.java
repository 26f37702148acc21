package dev.holdfast.agent.migration;

import dev.holdfast.agent.cluster.OutcomeUnknownException;
import dev.holdfast.agent.cluster.PeerRequest;
import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.agent.snapshot.chain.MovedChain;
import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.coordinator.engine.RoundRefusedException;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A machine is to be started on a node that it has left with a copy of its disks. If the move was cut off and the other node
 * can prove that the machine never ran there, and never will, its disks here are opened again. Blocks for some seconds at most.
 *
 * @param tools this node
 * @param departures what leaves it
 */
public record Reclaim(NodeTools tools, Departures departures) {
    private static final Logger LOG = LoggerFactory.getLogger(Reclaim.class);
    private static final Duration ANSWER = Duration.ofSeconds(3);

    /** Why it must not be started here; empty if it may, or has not left. */
    public Optional<Refusal> refusal(Name vm) {
        Optional<ManagedVm> machine = tools.vms().find(vm);
        if (machine.isEmpty() || departures.destination(vm).isPresent()) {
            return Optional.empty();
        }
        try {
            LeftChain chain = LeftChain.of(machine.get().definition());
            Optional<MovedChain.Note> note = chain.note();
            if (note.isEmpty()) {
                return Optional.empty();
            }
            if (note.get().certain()) {
                return Optional.of(Refusal.preflight(moved(vm, note.get())));
            }
            Optional<String> why = unproven(vm, note.get(), chain);
            if (why.isEmpty()) {
                chain.reopen(note.get().operation());
                LOG.warn(
                        "{}: its move to {} was cut off; it never ran there, and its disks here are it again",
                        vm,
                        note.get().target());
            }
            return why.map(Refusal::preflight);
        } catch (IOException e) {
            return Optional.of(Refusal.failed(String.valueOf(e.getMessage())));
        }
    }

    private static String moved(Name vm, MovedChain.Note note) {
        return "%s has moved to node %s with a copy of its disks, and those here are older; start it there"
                .formatted(vm, note.target());
    }

    private Optional<String> unproven(Name vm, MovedChain.Note note, LeftChain chain) throws IOException {
        Map<String, Object> body = Map.of(
                Word.ASK,
                Word.of(Word.Ask.DROP),
                Word.MIGRATION,
                note.operation(),
                Word.VM,
                vm.value(),
                Word.SOURCE,
                tools.self().value(),
                Word.COPIED,
                true);
        String doubt = "the move of %s to node %s was cut off, and it may have run there".formatted(vm, note.target());
        try {
            JsonObject answer = tools.peers()
                    .get()
                    .ask(
                            new Name(note.target()),
                            new PeerRequest(PeerRequest.Kind.MIGRATION, JsonObject.of(body)),
                            ANSWER);
            return switch (Word.answer(answer)) {
                case NEVER_RAN -> Optional.empty();
                case RUNS, LOST -> {
                    // What that node says in years to come, with other disks in it, must not count.
                    chain.gone(note.operation());
                    yield Optional.of(moved(vm, note));
                }
                case RECEIVES, LISTENS, LOADED, UNKNOWN, COMING ->
                    Optional.of(doubt + ", which cannot prove that it never did: start it there, if it has the disks");
            };
        } catch (RoundRefusedException e) {
            return Optional.of(doubt + ", which cannot be asked: " + e.because().text());
        } catch (OutcomeUnknownException | JsonException e) {
            return Optional.of(doubt + ", which cannot be asked: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.of(doubt);
        }
    }
}
