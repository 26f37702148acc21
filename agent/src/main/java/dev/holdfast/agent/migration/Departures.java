package dev.holdfast.agent.migration;

import dev.holdfast.agent.control.Progress;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.Relocation.Limits;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.journal.Operation;
import dev.holdfast.agent.journal.OperationKind;
import dev.holdfast.agent.journal.VmClaims;
import dev.holdfast.agent.migration.Departure.Event;
import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BiConsumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The machines of this node that move to another one. Methods block. Thread-safe. */
public final class Departures {
    private static final Logger LOG = LoggerFactory.getLogger(Departures.class);
    private static final Duration BETWEEN_TRIES = Duration.ofMillis(100);
    private static final Duration LET_GO = Duration.ofSeconds(15);

    /**
     * What a migration has to come to terms with.
     *
     * @param giveWay takes a machine out of a round that has not frozen it yet
     * @param chainIsOpen whether somebody left a change of its chain under way
     * @param words never gives the same word twice
     */
    public record Others(BiConsumer<Name, Refusal> giveWay, Predicate<Name> chainIsOpen, Supplier<String> words) {}

    /**
     * How a machine is to move.
     *
     * @param limits of what is sent
     * @param copyDisks whether its disks are copied; otherwise the target must see the same
     */
    public record How(Limits limits, boolean copyDisks) {}

    /**
     * How a migration has ended.
     *
     * @param moved whether it runs on the other node
     * @param certain whether that is certain; if not, it is still being found out
     * @param why what led to it, if it has not moved
     */
    public record Outcome(boolean moved, boolean certain, String why) {}

    /** It was not begun, with the reason. */
    public static final class NotBegunException extends Exception {
        private static final long serialVersionUID = 1L;
        private final transient Refusal because;

        NotBegunException(Refusal because) {
            super(because.text());
            this.because = because;
        }

        /** Why. */
        public Refusal because() {
            return because;
        }
    }

    private final NodeTools tools;
    private final Others others;
    private final Map<Name, Flight> flights = new ConcurrentHashMap<>();

    /** A migration, and who drives it. */
    private record Flight(Outgoing outgoing, ReentrantLock driver) {}

    public Departures(NodeTools tools, Others others) {
        this.tools = tools;
        this.others = others;
    }

    /**
     * Moves a machine that runs here to another node.
     *
     * @param how it is sent
     * @param patience for all of it; half of it at most for whatever else is under way on the machine
     * @throws NotBegunException the machine was not touched
     */
    public Outcome migrate(Name vm, Name target, How how, Duration patience, Progress progress)
            throws NotBegunException, InterruptedException {
        long until = tools.nanoClock().getAsLong() + patience.toNanos();
        ManagedVm machine = tools.vms()
                .find(vm)
                .orElseThrow(() -> refused(tools.vms().unreadable().missing(vm)));
        if (target.equals(tools.self())) {
            throw refused(vm + " is on node " + target + " already; name another node");
        }
        Name id = new Name("m" + others.words().get());
        claim(id, machine, patience.dividedBy(2));
        Flight flight;
        try {
            requireMovable(machine);
            Operation entry =
                    Operation.local(id, OperationKind.MIGRATE, vm, tools.clock().instant(), target.value());
            tools.journal().write(entry);
            flight = new Flight(new Outgoing(tools, machine, entry, Departure.PREPARING), new ReentrantLock());
        } catch (NotBegunException e) {
            tools.claims().release(id);
            throw e;
        } catch (IOException e) {
            tools.claims().release(id);
            throw new NotBegunException(Refusal.failed("the journal cannot be written: " + e.getMessage()));
        }
        flight.driver().lock();
        try {
            flights.put(vm, flight);
            return travel(flight, how.copyDisks(), new Passage.Bounds(how.limits(), until), progress);
        } finally {
            flight.driver().unlock();
            landed(flight);
        }
    }

    private Outcome travel(Flight flight, boolean copyDisks, Passage.Bounds bounds, Progress progress)
            throws InterruptedException {
        Outgoing outgoing = flight.outgoing();
        outgoing.depart(copyDisks, bounds, progress);
        while (!outgoing.state().isOver()
                && !outgoing.isCalledOff()
                && tools.nanoClock().getAsLong() - bounds.untilNanos() < 0) {
            LockSupport.parkNanos(BETWEEN_TRIES.toNanos());
            outgoing.drive(Event.RETRY);
        }
        Departure end = outgoing.state();
        return new Outcome(end == Departure.MOVED, end.isOver(), outgoing.why());
    }

    private void landed(Flight flight) {
        if (flight.outgoing().state().isOver()) {
            flights.remove(flight.outgoing().vm(), flight);
        }
    }

    /** Pacemaker wins: a round that has not frozen the machine yet is given up; what has gone further is waited for. */
    private void claim(Name id, ManagedVm machine, Duration patience) throws NotBegunException {
        long begin = tools.nanoClock().getAsLong();
        while (true) {
            Name vm = machine.name();
            if (others.chainIsOpen().test(vm)) {
                throw new NotBegunException(new Refusal(
                        Refusal.Kind.BUSY,
                        "a change of the disks of " + vm + " was cut off and is not ended yet; see 'holdfast fsck'"));
            }
            Optional<VmClaims.Holder> holder = tools.claims().claim(id, OperationKind.MIGRATE, Set.of(vm));
            if (holder.isEmpty()) {
                return;
            }
            boolean migration =
                    holder.get().kind() == OperationKind.MIGRATE || holder.get().kind() == OperationKind.MIGRATE_IN;
            if (migration || tools.nanoClock().getAsLong() - begin > patience.toNanos()) {
                throw new NotBegunException(
                        new Refusal(Refusal.Kind.BUSY, holder.get().text()));
            }
            if (holder.get().kind() == OperationKind.CHECKPOINT) {
                others.giveWay()
                        .accept(vm, new Refusal(Refusal.Kind.CANCELLED, vm + " is being moved to another node"));
            }
            LockSupport.parkNanos(BETWEEN_TRIES.toNanos());
        }
    }

    /** A freeze by hand is refused under the same lock while the machine is claimed. */
    private void requireMovable(ManagedVm machine) throws NotBegunException {
        machine.lock().lock();
        try {
            RunningVm process = tools.vms()
                    .process(machine)
                    .orElseThrow(() -> refused(machine.name() + " does not run on this node"));
            VmStatus status = process.status();
            boolean marked =
                    Files.exists(tools.runDirectory().apply(machine.name()).resolve("frozen"));
            if (status != VmStatus.RUNNING || marked) {
                throw refused(
                        "%s is %s; only a machine that runs can be moved: let it run, or stop it and start it there"
                                .formatted(machine.name(), marked ? "frozen" : status));
            }
            Optional<String> device = SameMachine.onDevice(process.disks());
            if (device.isPresent()) {
                throw refused(device.get());
            }
            process.relocation(); // Says which driver has none.
            var obstacles = process.surroundings(true).obstacles();
            if (!obstacles.isEmpty()) {
                throw refused(String.join("; ", obstacles));
            }
        } catch (HypervisorException e) {
            String why = String.valueOf(e.getMessage());
            throw e.kind() == HypervisorException.Kind.REFUSED
                    ? refused(why)
                    : new NotBegunException(Refusal.failed(why));
        } finally {
            machine.lock().unlock();
        }
    }

    private static NotBegunException refused(String text) {
        return new NotBegunException(Refusal.preflight(text));
    }

    /** Where a machine is on its way to, if it is. */
    public Optional<Name> destination(Name vm) {
        return Optional.ofNullable(flights.get(vm))
                .map(flight -> flight.outgoing().target());
    }

    /** Where a machine's chain went, if it was moved with a copy of its disks and those here are set aside. */
    Optional<Name> destinationOfDisks(Name vm) {
        try {
            Optional<ManagedVm> machine = tools.vms().find(vm);
            return machine.isPresent()
                    ? LeftChain.of(machine.get().definition()).note().map(note -> new Name(note.target()))
                    : Optional.empty();
        } catch (IOException e) {
            // Whoever opens the chain is told, too.
            LOG.debug("{}: {}", vm, e.getMessage());
            return Optional.empty();
        }
    }

    /** Whether a migration of this node is under way. */
    boolean isUnderWay(Name migration) {
        return flights.values().stream()
                .anyMatch(flight -> flight.outgoing().id().equals(migration));
    }

    /**
     * A machine is being stopped here: it does not leave any more, unless it has left already, and the target is not told any
     * more to run it.
     *
     * @return false if somebody still goes on with it: it may yet be run over there
     */
    public boolean stop(Name vm) {
        Flight flight = flights.get(vm);
        if (flight == null) {
            return true;
        }
        boolean mine = flight.outgoing().requestStop();
        try {
            if (flight.driver().tryLock(LET_GO.toMillis(), TimeUnit.MILLISECONDS)) {
                try {
                    flight.outgoing().drive(Event.STOPPED);
                } finally {
                    flight.driver().unlock();
                    landed(flight);
                }
                return true;
            }
            LOG.warn("{}: its migration does not end (it was this node's: {})", vm, mine);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return false;
    }

    /** What an earlier life of the agent had under way; {@link #goOn} goes on with it. */
    public void recover() {
        for (Operation entry : tools.journal().operations()) {
            Optional<ManagedVm> machine = tools.vms().find(entry.vms().get(0));
            if (entry.kind() != OperationKind.MIGRATE || machine.isEmpty()) {
                continue;
            }
            Departure state = entry.state().inDoubt() ? Departure.HANDED_OVER : Departure.STREAMING;
            LOG.warn("{}: its move to {} was cut off: {}", entry.vms(), entry.detail(), state);
            Flight flight = new Flight(new Outgoing(tools, machine.get(), entry, state), new ReentrantLock());
            flights.put(machine.get().name(), flight);
        }
    }

    /** Goes on with what waits for an answer. Called now and then. */
    public void goOn() {
        flights.values().forEach(flight -> drive(flight, Event.RETRY));
    }

    private void drive(Flight flight, Event event) {
        if (!flight.driver().tryLock()) {
            return;
        }
        try {
            flight.outgoing().drive(event);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            flight.driver().unlock();
            landed(flight);
        }
    }

    /** The agent ends. What has not changed hands stays here: without an agent nobody would let it run once all is sent. */
    public void close() {
        flights.values().forEach(flight -> flight.outgoing().turnBack());
        // For all of them together: systemd waits no longer.
        long until = tools.nanoClock().getAsLong() + LET_GO.toNanos();
        for (Flight flight : flights.values()) {
            try {
                if (flight.driver().tryLock(until - tools.nanoClock().getAsLong(), TimeUnit.NANOSECONDS)) {
                    flight.driver().unlock();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
