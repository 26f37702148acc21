package dev.holdfast.agent.migration;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.Relocation;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.journal.Operation;
import dev.holdfast.agent.journal.OperationState;
import dev.holdfast.agent.migration.Arrival.Effect;
import dev.holdfast.agent.migration.Arrival.Event;
import dev.holdfast.agent.snapshot.chain.Freight;
import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One machine on its way in. Thread-safe: one step at a time. */
final class Incoming {
    private static final Logger LOG = LoggerFactory.getLogger(Incoming.class);

    /** Its process until it is the machine itself: beside it, so that it is not found in its place before that. */
    static final String INSTANCE = "incoming";

    private static final Duration LOADED = Duration.ofSeconds(2);
    private static final Duration LOOK = Duration.ofMillis(3);

    private final NodeTools tools;
    private final ManagedVm machine;
    private Operation entry;
    private Arrival state = Arrival.WAITING;
    private String why = "not all of its memory has come over";
    private Optional<RunningVm> process = Optional.empty();
    /** Its process is in the machine's place. */
    private boolean placed;
    /** It was told to run, by this life of the agent or an earlier one. */
    private boolean mayHaveRun;
    /** Before that it is no wonder that it has no process. */
    private boolean begun;
    /** Present if its disks are copied. */
    private Optional<IncomingDisks> disks = Optional.empty();

    Incoming(NodeTools tools, ManagedVm machine, Operation entry) {
        this.tools = tools;
        this.machine = machine;
        this.entry = entry;
    }

    Name id() {
        return entry.id();
    }

    Name vm() {
        return machine.name();
    }

    Name source() {
        return new Name(entry.detail());
    }

    synchronized Arrival state() {
        return state;
    }

    /** Why it does not run here, for people; if it does not. */
    synchronized String why() {
        return why;
    }

    /**
     * Starts its process.
     *
     * @param layers what the sender has open, as {@link SameMachine#layers} says it
     * @return the port on which it waits
     * @throws HypervisorException also if it has others open here: what it would write there is not what it has read here
     */
    synchronized int listen(String address, List<String> layers) throws HypervisorException, IOException {
        requireWanted();
        RunningVm started = start(machine.definition());
        requireSame(layers, SameMachine.layers(started.disks()));
        return started.relocation().listen(address, tools.ports());
    }

    private void requireWanted() throws HypervisorException {
        if (state.isOver()) {
            throw new HypervisorException(HypervisorException.Kind.REFUSED, vm() + " was stopped there just now");
        }
    }

    private RunningVm start(VmDefinition definition) throws HypervisorException, IOException {
        // What an earlier stop has noted is over: the machine may run here again.
        tools.hypervisor().permit(machine.definition());
        tools.hypervisor().kill(machine.definition(), Optional.of(INSTANCE));
        RunningVm started = tools.hypervisor().start(definition, StartMode.incoming(INSTANCE));
        process = Optional.of(started);
        begun = true;
        return started;
    }

    /** Makes room for copies of its disks. */
    synchronized IncomingDisks.Opening receive(Freight freight, String address)
            throws HypervisorException, IOException {
        requireWanted();
        IncomingDisks copies = IncomingDisks.begin(tools, machine.definition(), id().value(), freight);
        disks = Optional.of(copies);
        return copies.open(address);
    }

    /** What is frozen is here: starts its process, which waits for the rest. */
    synchronized void listenForCopies(List<String> layers) throws HypervisorException, IOException {
        requireWanted();
        if (disks.isEmpty()) {
            throw new IOException("its disks have not been copied");
        }
        RunningVm started = start(disks.get().complete());
        requireSame(layers, SameMachine.layers(started.disks()));
        started.relocation().listen(disks.get().memory());
    }

    private void requireSame(List<String> theirs, List<String> mine) throws HypervisorException {
        if (!theirs.equals(mine)) {
            throw new HypervisorException(
                    HypervisorException.Kind.REFUSED,
                    ("%s opens other layers of its disks on %s (%s) than it writes on %s (%s): %s sees an older state of the"
                                    + " storage. On NFS that passes with the attribute cache, within a minute by default:"
                                    + " try again; mount with lookupcache=none to have it gone")
                            .formatted(vm(), tools.self(), mine, source(), theirs, tools.self()));
        }
    }

    /** The agent is back: finds its process again, and goes on if it has become this node's. */
    synchronized void restarted() {
        begun = true;
        state = entry.state().inDoubt() ? Arrival.TAKEN : Arrival.WAITING;
        mayHaveRun = state == Arrival.TAKEN;
        disks = IncomingDisks.find(tools, machine.definition(), id().value());
        try {
            process = tools.hypervisor().find(machine.definition(), Optional.of(INSTANCE));
        } catch (HypervisorException e) {
            LOG.warn("{}: the process that waits for its memory does not answer: {}", vm(), e.getMessage());
        }
        step(Event.RESTARTED);
    }

    /** Whether all of its memory is here. Waits for it: the sender knows sooner that it has sent all of it. */
    synchronized boolean isLoaded() {
        long begin = tools.nanoClock().getAsLong();
        while (process.isPresent() && tools.nanoClock().getAsLong() - begin < LOADED.toNanos()) {
            try {
                Relocation.Phase phase = process.get().relocation().look().phase();
                if (phase != Relocation.Phase.ACTIVE) {
                    return phase == Relocation.Phase.COMPLETED
                            && (disks.isEmpty() || disks.get().areClosed(LOADED));
                }
            } catch (HypervisorException e) {
                LOG.info("{} has not come over: {}", vm(), e.getMessage());
                return false;
            }
            LockSupport.parkNanos(LOOK.toNanos());
        }
        return false;
    }

    /** The other node orders it to run. */
    synchronized void order() {
        if (state == Arrival.TAKEN) {
            step(Event.ORDERED);
        } else if (state == Arrival.WAITING) {
            step(isLoaded() ? Event.ORDERED : Event.ORDERED_TOO_SOON);
        }
    }

    synchronized void unwanted() {
        step(Event.UNWANTED);
    }

    synchronized void stop() {
        step(Event.STOPPED);
    }

    /** Its process may have ended by itself: QEMU does when the sender is gone. One that did not answer is told again. */
    synchronized void look() {
        if (!begun) {
            return;
        }
        if (state == Arrival.TAKEN) {
            step(Event.RESTARTED);
        }
        if (state == Arrival.WAITING && process.filter(RunningVm::isAlive).isEmpty()) {
            step(Event.GONE);
        }
    }

    private void step(Event first) {
        Optional<Event> event = Optional.of(first);
        while (event.isPresent() && !state.isOver()) {
            Arrival.Step step = state.on(event.get());
            LOG.info("{}: move {} from {}: {} after {}", vm(), id(), source(), step.next(), event.get());
            state = step.next();
            event = Optional.empty();
            for (Effect effect : step.effects()) {
                event = carryOut(effect);
                if (event.isPresent()) {
                    break;
                }
            }
        }
    }

    private Optional<Event> carryOut(Effect effect) {
        return switch (effect) {
            case NOTE_TAKEN -> note();
            case OWN_DISKS -> ownDisks();
            case RUN -> Optional.of(run());
            case DROP -> {
                drop();
                yield Optional.empty();
            }
            case FORGET -> {
                forget();
                yield Optional.empty();
            }
        };
    }

    private Optional<Event> note() {
        try {
            Operation taken = entry.in(OperationState.HANDED_OVER);
            tools.journal().write(taken);
            entry = taken;
            return Optional.empty();
        } catch (IOException e) {
            why = "its journal cannot be written: " + e.getMessage();
            LOG.error("{} cannot be taken over, {}", vm(), why);
            return Optional.of(Event.NOTE_FAILED);
        }
    }

    private Optional<Event> ownDisks() {
        if (disks.isEmpty()) {
            return Optional.empty();
        }
        try {
            disks.get().shut();
            disks.get().own();
            return Optional.empty();
        } catch (IOException e) {
            why = "the copy of its disks cannot become its disks: " + e.getMessage();
            LOG.error("{}: {}", vm(), why);
            boolean over = state.isOver();
            return over ? Optional.empty() : Optional.of(mayHaveRun ? Event.LATER : didNotRun());
        }
    }

    /** It never ran here: then a copy of its disks must be none of it, before that is said. */
    private Event didNotRun() {
        try {
            if (disks.isPresent()) {
                disks.get().disown();
            }
            return Event.DID_NOT_RUN;
        } catch (IOException e) {
            LOG.error("{}: the copy of its disks stays: {}", vm(), e.getMessage());
            return Event.MAY_HAVE_RUN;
        }
    }

    private Event run() {
        machine.lock().lock();
        try {
            Optional<RunningVm> placed = place();
            if (placed.isEmpty()) {
                return Event.GONE;
            }
            return runPlaced(placed.get());
        } catch (HypervisorException e) {
            why = String.valueOf(e.getMessage());
            LOG.error("{} cannot be taken over: {}", vm(), why);
            // If it is not known here, an earlier life of the agent may have let it run.
            return mayHaveRun || process.isEmpty() ? Event.LATER : didNotRun();
        } finally {
            machine.lock().unlock();
        }
    }

    /** Its process in the machine's place; after a restart of the agent it may be there already. */
    private Optional<RunningVm> place() throws HypervisorException {
        if (placed || process.filter(RunningVm::isAlive).isEmpty()) {
            return tools.vms().process(machine);
        }
        process = Optional.of(tools.hypervisor().takePlace(process.get(), machine.definition()));
        placed = true;
        tools.vms().became(machine, process);
        return process;
    }

    private Event runPlaced(RunningVm placed) {
        boolean before = mayHaveRun;
        try {
            if (tools.hypervisor().isBarred(machine.definition())) {
                why = vm() + " was stopped there before it had come over";
                LOG.warn("{}", why);
                return before ? Event.MAY_HAVE_RUN : didNotRun();
            }
            mayHaveRun = true;
            placed.resume();
        } catch (HypervisorException e) {
            why = String.valueOf(e.getMessage());
            LOG.error("{} cannot be let run: {}", vm(), why);
            if (e.kind() == HypervisorException.Kind.UNKNOWN) {
                return Event.LATER;
            }
            return !before && e.kind() == HypervisorException.Kind.REFUSED && isStill(placed)
                    ? didNotRun()
                    : Event.MAY_HAVE_RUN;
        }
        try {
            placed.relocation().announce();
        } catch (HypervisorException e) {
            LOG.warn("{}: the network was not told where it is now: {}", vm(), e.getMessage());
        }
        return Event.RAN;
    }

    private static boolean isStill(RunningVm placed) {
        try {
            return placed.status() == VmStatus.PAUSED;
        } catch (HypervisorException e) {
            return false;
        }
    }

    private void drop() {
        machine.lock().lock();
        try {
            tools.hypervisor().kill(machine.definition(), Optional.of(INSTANCE));
            if (process.isPresent()) {
                process.get().kill();
                process.get().close();
            }
            if (machine.process().isEmpty()) {
                tools.vms().became(machine, Optional.empty());
            }
        } catch (HypervisorException e) {
            LOG.error("{}: what came of it here does not end: {}", vm(), e.getMessage());
        } finally {
            machine.lock().unlock();
        }
    }

    private void forget() {
        try {
            if (disks.isPresent()) {
                disks.get().shut();
                disks.get().settle();
            }
        } catch (IOException e) {
            LOG.warn("{}: something of the copy of its disks stays: {}", vm(), e.getMessage());
        }
        try {
            tools.journal().remove(id());
        } catch (IOException e) {
            LOG.warn("{}: the entry of migration {} stays in the journal: {}", vm(), id(), e.getMessage());
        }
        tools.claims().release(id());
        tools.changed().run();
    }
}
