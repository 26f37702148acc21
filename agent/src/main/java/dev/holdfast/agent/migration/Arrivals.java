package dev.holdfast.agent.migration;

import dev.holdfast.agent.cluster.OutcomeUnknownException;
import dev.holdfast.agent.cluster.PeerRequest;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.journal.Operation;
import dev.holdfast.agent.journal.OperationKind;
import dev.holdfast.agent.journal.VmClaims;
import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.agent.snapshot.chain.ArrivingChain;
import dev.holdfast.agent.snapshot.chain.Freight;
import dev.holdfast.agent.snapshot.chain.MovedChain;
import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.coordinator.engine.RoundRefusedException;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The machines that come to this node from another one. Methods block. Thread-safe. */
public final class Arrivals {
    private static final Logger LOG = LoggerFactory.getLogger(Arrivals.class);
    private static final Duration ANSWER = Duration.ofSeconds(3);
    private static final int REMEMBERED = 100;

    private final NodeTools tools;
    private final String address;
    private final Map<Name, Incoming> coming = new ConcurrentHashMap<>();
    private final Map<Name, End> over = Collections.synchronizedMap(new LinkedHashMap<>());

    private record End(Arrival state, String why) {}

    /**
     * @param tools this node
     * @param address on which memory is received
     */
    public Arrivals(NodeTools tools, String address) {
        this.tools = tools;
        this.address = address;
    }

    /** Makes room for copies of a machine's disks. */
    JsonObject receive(JsonObject body) throws RoundRefusedException, JsonException {
        Freight freight = body.object(Word.FREIGHT)
                .orElseThrow(() -> new JsonException("what is to be copied is missing"))
                .as(Freight.class);
        return admit(body, true, incoming -> {
            IncomingDisks.Opening opening = incoming.receive(freight, address);
            LOG.info("{}: takes copies of its disks on {} port {}", incoming.vm(), address, opening.port());
            return Map.of(
                    Word.ANSWER,
                    Word.of(Word.Answer.RECEIVES),
                    Word.ADDRESS,
                    address,
                    Word.PORT,
                    (long) opening.port(),
                    Word.SECRET,
                    opening.secret().text());
        });
    }

    /** Starts a process that waits for a machine's memory. */
    JsonObject listen(JsonObject body) throws RoundRefusedException, JsonException {
        if (body.flag(Word.COPIED).orElse(false)) {
            return listenForCopies(Word.name(body, Word.MIGRATION), body.texts(Word.LAYERS));
        }
        return admit(body, false, incoming -> {
            int port = incoming.listen(address, body.texts(Word.LAYERS));
            LOG.info("{}: waits for its memory on {} port {}", incoming.vm(), address, port);
            return Map.of(Word.ANSWER, Word.of(Word.Answer.LISTENS), Word.ADDRESS, address, Word.PORT, (long) port);
        });
    }

    private JsonObject listenForCopies(Name id, List<String> layers) throws RoundRefusedException {
        Incoming incoming = coming.get(id);
        if (incoming == null) {
            throw refused(Refusal.Kind.FAILED, "the copy of its disks was given up there; see its agent's log");
        }
        try {
            incoming.listenForCopies(layers);
            return Word.answer(Word.Answer.LISTENS);
        } catch (HypervisorException | IOException e) {
            gone(incoming);
            throw refused(Refusal.Kind.FAILED, "%s cannot be received: %s".formatted(incoming.vm(), e.getMessage()));
        }
    }

    private interface Reception {
        Map<String, Object> of(Incoming incoming) throws HypervisorException, IOException;
    }

    private JsonObject admit(JsonObject body, boolean copied, Reception reception)
            throws RoundRefusedException, JsonException {
        Name id = Word.name(body, Word.MIGRATION);
        Name source = Word.name(body, Word.SOURCE);
        ManagedVm machine = admissible(body, id, source, copied);
        Operation entry = Operation.local(
                id, OperationKind.MIGRATE_IN, machine.name(), tools.clock().instant(), source.value());
        Optional<VmClaims.Holder> busy = tools.claims().claim(id, OperationKind.MIGRATE_IN, Set.of(machine.name()));
        if (busy.isPresent()) {
            throw refused(Refusal.Kind.BUSY, busy.get().text());
        }
        Incoming incoming = new Incoming(tools, machine, entry);
        coming.put(id, incoming);
        try {
            if (tools.vms().process(machine).isPresent()) {
                throw refused(Refusal.Kind.PREFLIGHT, machine.name() + " has a process here already");
            }
            tools.journal().write(entry);
            return JsonObject.of(reception.of(incoming));
        } catch (HypervisorException | IOException e) {
            gone(incoming);
            throw refused(Refusal.Kind.FAILED, "%s cannot be received: %s".formatted(machine.name(), e.getMessage()));
        } catch (RoundRefusedException e) {
            gone(incoming);
            throw e;
        }
    }

    private void gone(Incoming incoming) {
        incoming.unwanted();
        landed(incoming);
    }

    private ManagedVm admissible(JsonObject body, Name id, Name source, boolean copied)
            throws RoundRefusedException, JsonException {
        Name vm = Word.name(body, Word.VM);
        ManagedVm machine = tools.vms()
                .find(vm)
                .orElseThrow(() -> refused(
                        Refusal.Kind.PREFLIGHT,
                        "%s is not defined on %s; its definition has to be on every node that may run it"
                                .formatted(vm, tools.self())));
        Optional<String> difference = SameMachine.difference(
                machine.definition(),
                body.object(Word.HARDWARE).orElse(JsonObject.empty()).values());
        if (difference.isPresent()) {
            throw refused(
                    Refusal.Kind.PREFLIGHT,
                    "%s is defined differently on %s: %s".formatted(vm, tools.self(), difference.get()));
        }
        List<Path> probes = body.texts(Word.PROBES).stream().map(Path::of).toList();
        Optional<Path> missing = SameMachine.missing(probes, id);
        if (copied
                && probes.stream()
                        .anyMatch(
                                probe -> SameMachine.missing(List.of(probe), id).isEmpty())) {
            throw refused(
                    Refusal.Kind.PREFLIGHT,
                    "%s sees the disks of %s as %s does; leave the copying of disks out"
                            .formatted(tools.self(), vm, source));
        }
        if (!copied && missing.isPresent()) {
            throw refused(
                    Refusal.Kind.PREFLIGHT,
                    ("the disks of %s in %s are not on storage that %s shares with %s; to have them"
                                    + " copied use 'holdfast vm migrate --copy-disks' (copy_disks=true under pacemaker)")
                            .formatted(vm, missing.get().getParent(), tools.self(), source));
        }
        return machine;
    }

    private static RoundRefusedException refused(Refusal.Kind kind, String text) {
        return new RoundRefusedException(new Refusal(kind, text));
    }

    JsonObject loaded(Name id) {
        Incoming incoming = coming.get(id);
        if (incoming != null && incoming.isLoaded()) {
            return Word.answer(Word.Answer.LOADED);
        }
        return incoming == null ? said(id) : drop(id);
    }

    JsonObject run(JsonObject body) throws JsonException {
        Name id = Word.name(body, Word.MIGRATION);
        Incoming incoming = coming.get(id);
        if (incoming == null) {
            return said(body);
        }
        incoming.order();
        landed(incoming);
        return said(body);
    }

    JsonObject drop(JsonObject body) throws JsonException {
        Optional<JsonObject> never = never(body);
        return never.isPresent() ? never.get() : drop(Word.name(body, Word.MIGRATION));
    }

    private JsonObject drop(Name id) {
        Incoming incoming = coming.get(id);
        if (incoming != null) {
            gone(incoming);
        }
        return said(id);
    }

    /**
     * An agent that has forgotten a move with copied disks still knows whether it has ever made them the machine's: if it
     * knows that the move was here, and what is at the chain's place is no chain that anybody could run from.
     */
    private Optional<JsonObject> never(JsonObject body) throws JsonException {
        Name id = Word.name(body, Word.MIGRATION);
        Optional<ManagedVm> machine = tools.vms().find(Word.name(body, Word.VM));
        boolean known = over.containsKey(id) || coming.containsKey(id);
        if (known || machine.isEmpty() || !body.flag(Word.COPIED).orElse(false)) {
            return Optional.empty();
        }
        try {
            return neverRan(id, machine.get())
                    ? Optional.of(Word.answer(Word.Answer.NEVER_RAN, "the copy of its disks was given up there"))
                    : Optional.empty();
        } catch (HypervisorException | IOException e) {
            LOG.warn(
                    "{}: it is not known whether it ran here after move {}: {}",
                    machine.get().name(),
                    id,
                    e.getMessage());
            return Optional.empty();
        }
    }

    private boolean neverRan(Name id, ManagedVm machine) throws HypervisorException, IOException {
        boolean journaled = !tools.journal().unreadable().isEmpty()
                || tools.journal().operations().stream()
                        .anyMatch(entry -> entry.id().equals(id));
        if (journaled
                || !IncomingDisks.cameToNothing(tools, id.value())
                || tools.vms().process(machine).isPresent()) {
            return false;
        }
        Path chain = OutgoingDisks.directory(machine.definition());
        return ArrivingChain.isWorthNothing(chain)
                || MovedChain.at(chain).note().isPresent();
    }

    /** Once this node has made a copy the machine's, no other has newer disks from before that. */
    private boolean wasTaken(Name id) {
        try {
            return new CopyNotes(tools.stateDirectory()).wasTaken(id.value());
        } catch (IOException e) {
            LOG.debug("{}: {}", id, e.getMessage());
            return false;
        }
    }

    private void landed(Incoming incoming) {
        Arrival end = incoming.state();
        if (!end.isOver()) {
            return;
        }
        synchronized (over) {
            over.put(incoming.id(), new End(end, incoming.why()));
            if (over.size() > REMEMBERED) {
                over.remove(over.keySet().iterator().next());
            }
        }
        coming.remove(incoming.id());
    }

    private JsonObject said(Name id) {
        End end = over.get(id);
        if (end == null) {
            Word.Answer lost = wasTaken(id) ? Word.Answer.LOST : Word.Answer.UNKNOWN;
            return Word.answer(coming.containsKey(id) ? Word.Answer.COMING : lost);
        }
        return Word.answer(
                switch (end.state()) {
                    case RUNS -> Word.Answer.RUNS;
                    case NEVER_RAN -> Word.Answer.NEVER_RAN;
                    case LOST -> Word.Answer.LOST;
                    case WAITING, TAKEN -> Word.Answer.UNKNOWN;
                },
                end.why());
    }

    /** An agent that was started again remembers no migration that is over, but sees the machine run. */
    private JsonObject said(JsonObject body) throws JsonException {
        Name id = Word.name(body, Word.MIGRATION);
        Optional<JsonObject> never = never(body);
        if (never.isPresent()) {
            return never.get();
        }
        boolean forgotten = !over.containsKey(id) && !coming.containsKey(id);
        // From copied disks it runs only after a note of that.
        boolean ran = !body.flag(Word.COPIED).orElse(false) || wasTaken(id);
        boolean runs = forgotten && ran && runsHere(Word.name(body, Word.VM));
        return runs ? Word.answer(Word.Answer.RUNS) : said(id);
    }

    private boolean runsHere(Name vm) {
        try {
            Optional<ManagedVm> machine = tools.vms().find(vm);
            return machine.isPresent() && tools.vms().process(machine.get()).isPresent();
        } catch (HypervisorException e) {
            LOG.debug("{}: {}", vm, e.getMessage());
            return false;
        }
    }

    /**
     * Whether a machine that was moved here runs here.
     *
     * @throws HypervisorException it has a process that does not answer
     */
    public boolean hasArrived(Name vm) throws HypervisorException {
        Optional<ManagedVm> machine = tools.vms().find(vm);
        if (machine.isEmpty() || tools.vms().process(machine.get()).isEmpty()) {
            return false;
        }
        machine.get().lock().lock();
        try {
            var process = machine.get().process();
            return process.isPresent() && process.get().status() == VmStatus.RUNNING;
        } finally {
            machine.get().lock().unlock();
        }
    }

    /** A machine is being stopped here: it does not come any more. */
    public void stop(Name vm) {
        for (Incoming incoming : coming.values()) {
            if (incoming.vm().equals(vm)) {
                incoming.stop();
                landed(incoming);
            }
        }
    }

    /** What an earlier life of the agent had under way. Needs no cluster. */
    public void recover() {
        Set<Name> moving = new HashSet<>();
        tools.journal().operations().forEach(entry -> moving.addAll(entry.vms()));
        for (ManagedVm machine : tools.vms().all()) {
            if (!moving.contains(machine.name())) {
                IncomingDisks.tidy(tools, machine.definition());
            }
        }
        for (Operation entry : tools.journal().operations()) {
            Optional<ManagedVm> machine = tools.vms().find(entry.vms().get(0));
            if (entry.kind() == OperationKind.MIGRATE_IN && machine.isPresent()) {
                Incoming incoming = new Incoming(tools, machine.get(), entry);
                coming.put(incoming.id(), incoming);
                incoming.restarted();
                landed(incoming);
            }
        }
    }

    /** Drops what nobody sends any more. Called now and then. */
    public void tidy() {
        for (Incoming incoming : coming.values()) {
            incoming.look();
            if (incoming.state() == Arrival.WAITING && !isComing(incoming)) {
                incoming.unwanted();
            }
            landed(incoming);
        }
    }

    /** A node that does not answer may be asked again; its silence says nothing. */
    private boolean isComing(Incoming incoming) {
        Map<String, Object> body = Map.of(
                Word.ASK,
                Word.of(Word.Ask.COMING),
                Word.MIGRATION,
                incoming.id().value());
        try {
            JsonObject answer = tools.peers()
                    .get()
                    .ask(incoming.source(), new PeerRequest(PeerRequest.Kind.MIGRATION, JsonObject.of(body)), ANSWER);
            return Word.answer(answer) == Word.Answer.COMING;
        } catch (RoundRefusedException e) {
            return true;
        } catch (OutcomeUnknownException | JsonException e) {
            LOG.debug("{}: {}", incoming.source(), e.getMessage());
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return true;
        }
    }
}
