package dev.holdfast.agent.migration;

import dev.holdfast.agent.cluster.OutcomeUnknownException;
import dev.holdfast.agent.cluster.PeerRequest;
import dev.holdfast.agent.control.Progress;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.journal.Operation;
import dev.holdfast.agent.journal.OperationState;
import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.agent.migration.Departure.Effect;
import dev.holdfast.agent.migration.Departure.Event;
import dev.holdfast.agent.snapshot.chain.Freight;
import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.coordinator.engine.RoundRefusedException;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One machine on its way out. Driven by one thread at a time; {@link #requestStop()} from any. */
final class Outgoing {
    private static final Logger LOG = LoggerFactory.getLogger(Outgoing.class);

    private static final Duration START = Duration.ofSeconds(45);
    /** Pacemaker moves machines home as soon as a node is back, which is sooner than its agent has joined the others. */
    private static final Duration JOINING = Duration.ofSeconds(20);
    /** The guest stands still meanwhile; more than a stall of the target's agent that is tolerated elsewhere. */
    private static final Duration ANSWER = Duration.ofSeconds(3);

    private static final Duration GOODBYE = Duration.ofSeconds(3);
    private static final Duration BACK = Duration.ofSeconds(10);

    private final NodeTools tools;
    private final ManagedVm machine;
    private final Name target;
    private final Object orders = new Object();
    private Operation entry;
    private boolean ordered;
    private boolean stopped;
    private volatile boolean stopWanted;
    private volatile boolean turningBack;
    private volatile Departure state;
    private volatile String why = "";
    /** Present while disks are copied. */
    private Optional<OutgoingDisks> disks = Optional.empty();

    Outgoing(NodeTools tools, ManagedVm machine, Operation entry, Departure state) {
        this.tools = tools;
        this.machine = machine;
        this.target = new Name(entry.detail());
        this.entry = entry;
        this.state = state;
    }

    Name id() {
        return entry.id();
    }

    Name vm() {
        return machine.name();
    }

    Name target() {
        return target;
    }

    Departure state() {
        return state;
    }

    /** What led to the way it went, for people. */
    String why() {
        return why;
    }

    /**
     * Whatever comes, it must not run here. Not followed any more once the target was told to run it.
     *
     * @return false if it was
     */
    boolean requestStop() {
        stopWanted = true;
        synchronized (orders) {
            stopped = !ordered;
            return stopped;
        }
    }

    /** It stays here if it is still this node's: its memory is not sent any further. Any thread. */
    void turnBack() {
        turningBack = true;
    }

    /** Whether nobody shall go on with it of his own accord: it is called back, or whoever wants it stopped ends it. */
    boolean isCalledOff() {
        return turningBack || stopWanted;
    }

    private boolean isStopped() {
        synchronized (orders) {
            return stopped;
        }
    }

    /** First steps: the target waits, the memory goes over, the machine changes hands. */
    void depart(boolean copyDisks, Passage.Bounds bounds, Progress progress) throws InterruptedException {
        Event event = Event.TARGET_REFUSES;
        JsonObject answer = JsonObject.empty();
        try {
            progress.phase("prepare", "starting %s on %s".formatted(vm(), target));
            if (copyDisks) {
                copyParts(bounds, progress);
            }
            answer = listen(bounds);
            event = Event.TARGET_LISTENS;
        } catch (RoundRefusedException e) {
            why = e.because().text();
        } catch (OutcomeUnknownException | HypervisorException | IOException e) {
            why = String.valueOf(e.getMessage());
        }
        if (isStopped()) {
            event = Event.STOPPED;
        }
        drive(event, new Passage(tools, machine, new Passage.To(answer, disks), bounds, progress));
    }

    /** What is frozen goes first: the machine's new process needs it to start. */
    private void copyParts(Passage.Bounds bounds, Progress progress)
            throws RoundRefusedException, OutcomeUnknownException, HypervisorException, IOException,
                    InterruptedException {
        Freight freight = OutgoingDisks.freight(machine.definition(), OutgoingDisks.open(tools, machine));
        Map<String, Object> body = described(Word.Ask.RECEIVE);
        body.put(Word.FREIGHT, freight);
        JsonObject answer = requestWhenThere(body, bounds);
        if (Word.answer(answer) != Word.Answer.RECEIVES) {
            throw new JsonException("node " + target + " does not take the disks of " + vm());
        }
        OutgoingDisks copies = OutgoingDisks.to(tools, machine.definition(), freight, answer);
        disks = Optional.of(copies);
        progress.phase("copy", "copying what the checkpoints of %s hold to %s".formatted(vm(), target));
        copies.sendParts(
                bounds.limits().bytesPerSecond(),
                progress,
                new PartPatience(tools.nanoClock(), bounds.untilNanos(), this::isCalledOff));
    }

    /** Goes on from where it is, as far as it goes now. */
    void drive(Event first) throws InterruptedException {
        drive(first, null);
    }

    private void drive(Event first, @Nullable Passage passage) throws InterruptedException {
        Departure.Step step = enter(new Departure.Step(state, List.of()), first);
        while (!step.effects().isEmpty()) {
            Optional<Event> event = carryOut(step.effects().get(0), passage);
            step = event.isPresent() ? enter(step.rest(), event.get()) : step.rest();
        }
    }

    private Departure.Step enter(Departure.Step before, Event event) {
        Departure.Step step = before.on(event);
        if (!before.next().isOver()) {
            LOG.info("{}: move {} to {}: {} after {}", vm(), id(), target, step.next(), event);
        }
        state = step.next();
        return step;
    }

    private Optional<Event> carryOut(Effect effect, @Nullable Passage passage) throws InterruptedException {
        return switch (effect) {
            case STREAM -> Optional.of(passage == null ? Event.STREAM_FAILED : send(passage));
            case ASK_LOADED -> Optional.of(ask(Word.Ask.LOADED, ANSWER));
            case SET_DISKS_ASIDE -> setDisksAside();
            case REOPEN_DISKS -> reopenDisks();
            case NOTE_HANDED_OVER -> Optional.of(noteHandedOver());
            case ORDER_RUN -> Optional.of(runsHere() ? Event.RUNS_HERE : ask(Word.Ask.RUN, ANSWER));
            case WITHDRAW -> Optional.of(ask(Word.Ask.DROP, ANSWER));
            case DROP_TARGET -> {
                String before = why;
                LOG.debug("{}: {} about dropping it", target, ask(Word.Ask.DROP, GOODBYE));
                why = before;
                yield Optional.empty();
            }
            case RUN_HERE -> Optional.of(runHere());
            case QUIT_HERE -> {
                quitHere();
                yield Optional.empty();
            }
            case FORGET -> {
                forget();
                yield Optional.empty();
            }
        };
    }

    /** A node that has just come up is in the store before it is in the group. */
    private JsonObject requestWhenThere(Map<String, Object> body, Passage.Bounds bounds)
            throws RoundRefusedException, OutcomeUnknownException, InterruptedException {
        long now = tools.nanoClock().getAsLong();
        long joiningUntil = now + Math.min(JOINING.toNanos(), (bounds.untilNanos() - now) / 3);
        return tools.peers()
                .get()
                .askWhenThere(
                        target,
                        request(body),
                        START,
                        () -> !isCalledOff() && tools.nanoClock().getAsLong() - joiningUntil < 0);
    }

    private JsonObject listen(Passage.Bounds bounds)
            throws RoundRefusedException, OutcomeUnknownException, HypervisorException, IOException,
                    InterruptedException {
        Map<String, Object> body = described(Word.Ask.LISTEN);
        // The other node has to open the same: its view of the storage may be older than this one's.
        body.put(Word.LAYERS, SameMachine.layers(OutgoingDisks.open(tools, machine)));
        JsonObject answer = requestWhenThere(body, bounds);
        if (Word.answer(answer) != Word.Answer.LISTENS) {
            throw new JsonException("node " + target + " does not wait for " + vm());
        }
        return answer;
    }

    private Map<String, Object> described(Word.Ask ask) throws IOException {
        List<Path> probes = SameMachine.leaveProbes(machine.definition(), id());
        Map<String, Object> body = body(ask);
        body.put(Word.HARDWARE, SameMachine.hardware(machine.definition()));
        body.put(Word.PROBES, probes.stream().map(Path::toString).toList());
        return body;
    }

    private Map<String, Object> body(Word.Ask ask) {
        Map<String, Object> body = new HashMap<>();
        body.put(Word.ASK, Word.of(ask));
        body.put(Word.MIGRATION, id().value());
        body.put(Word.VM, vm().value());
        body.put(Word.SOURCE, tools.self().value());
        body.put(Word.COPIED, disks.isPresent() || chain().isSetAsideBy(id().value()));
        return body;
    }

    private static PeerRequest request(Map<String, Object> body) {
        return new PeerRequest(PeerRequest.Kind.MIGRATION, JsonObject.of(body));
    }

    private Event ask(Word.Ask ask, Duration patience) throws InterruptedException {
        try {
            JsonObject answer = tools.peers().get().ask(target, request(body(ask)), patience);
            return switch (Word.answer(answer)) {
                case LOADED -> Event.TARGET_LOADED;
                case RUNS -> Event.TARGET_RUNS;
                case NEVER_RAN ->
                    because(
                            Event.TARGET_NEVER_RAN,
                            "node %s could not take it over: %s"
                                    .formatted(target, answer.text(Word.WHY).orElse("see its agent's log")));
                case LOST, UNKNOWN ->
                    because(Event.TARGET_FORGOT, "node " + target + " has lost the memory that it had been sent");
                case RECEIVES, LISTENS, COMING -> Event.TARGET_SILENT;
            };
        } catch (RoundRefusedException e) {
            return because(Event.TARGET_SILENT, e.because().text());
        } catch (OutcomeUnknownException | JsonException e) {
            return because(Event.TARGET_SILENT, String.valueOf(e.getMessage()));
        }
    }

    private Event send(Passage passage) throws InterruptedException {
        Passage.End end = passage.send(() -> isStopped() ? Event.STOPPED : turningBack ? Event.STREAM_FAILED : null);
        if (end.event() != Event.STREAM_COMPLETED) {
            // What hangs in QEMU for the sake of a copy ends by that.
            disks.ifPresent(OutgoingDisks::close);
        }
        return because(end.event(), end.why());
    }

    private LeftChain chain() {
        return LeftChain.of(machine.definition());
    }

    private Optional<Event> setDisksAside() {
        if (disks.isEmpty()) {
            return Optional.empty();
        }
        try {
            chain().setAside(id().value(), target.value());
            return Optional.empty();
        } catch (IOException e) {
            return Optional.of(because(Event.NOT_ASIDE, "its disks here cannot be set aside: " + e.getMessage()));
        }
    }

    private Optional<Event> reopenDisks() {
        disks.ifPresent(OutgoingDisks::close);
        try {
            chain().reopen(id().value());
            return Optional.empty();
        } catch (IOException e) {
            LOG.error("{} is this node's, and its disks cannot be opened again: {}", vm(), e.getMessage());
            return Optional.of(Event.STUCK);
        }
    }

    private Event because(Event event, String text) {
        why = text;
        return event;
    }

    private Event noteHandedOver() {
        synchronized (orders) {
            if (stopped) {
                return Event.STOPPED;
            }
            ordered = true;
        }
        try {
            Operation handedOver = entry.in(OperationState.HANDED_OVER);
            tools.journal().write(handedOver);
            entry = handedOver;
            return Event.NOTED;
        } catch (IOException e) {
            return because(Event.NOTE_FAILED, "the journal cannot be written: " + e.getMessage());
        }
    }

    private boolean runsHere() {
        Optional<RunningVm> process = machine.process();
        machine.lock().lock();
        try {
            return process.isPresent() && process.get().status() == VmStatus.RUNNING;
        } catch (HypervisorException e) {
            return false;
        } finally {
            machine.lock().unlock();
        }
    }

    private Event runHere() {
        if (isStopped()) {
            return Event.STOPPED;
        }
        machine.lock().lock();
        try {
            Optional<RunningVm> process = tools.vms().process(machine);
            if (process.isEmpty()) {
                why = why.isEmpty() ? "its process has ended" : why;
                return Event.GONE;
            }
            process.get().relocation().takeBack(BACK);
            return Event.RUNS_HERE;
        } catch (HypervisorException e) {
            LOG.error("{} cannot be let run again now: {}", vm(), e.getMessage());
            return e.kind() == HypervisorException.Kind.GONE ? Event.GONE : Event.STUCK;
        } finally {
            machine.lock().unlock();
        }
    }

    private void quitHere() {
        machine.lock().lock();
        try {
            Optional<RunningVm> process = tools.vms().process(machine);
            if (process.isPresent()) {
                process.get().quit();
            }
            tools.vms().became(machine, Optional.empty());
        } catch (HypervisorException e) {
            LOG.error("{} has left, and its old process does not end: {}", vm(), e.getMessage());
        } finally {
            machine.lock().unlock();
        }
    }

    private void forget() {
        disks.ifPresent(OutgoingDisks::close);
        try {
            if (state == Departure.MOVED) {
                chain().gone(id().value());
            }
            tools.journal().remove(id());
            SameMachine.removeProbes(machine.definition(), id());
        } catch (IOException e) {
            LOG.warn("{}: something of migration {} stays: {}", vm(), id(), e.getMessage());
        }
        tools.claims().release(id());
        tools.changed().run();
    }
}
