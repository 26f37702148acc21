package dev.holdfast.agent.round;

import dev.holdfast.agent.hypervisor.ThawFacts;
import dev.holdfast.coordinator.port.Snapshotter;
import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.MemberReport;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.RoundOptions.Quiesce;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.VmReport;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import java.util.function.ToLongFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Carries the phases of a round out on all machines of this node at once. Before anything is stopped the guard has
 * acknowledged; the first line of every failure path is the thaw. Thread-safe in the way
 * {@link Snapshotter} asks for.
 */
public final class RoundSnapshotter implements Snapshotter {

    private static final Logger LOG = LoggerFactory.getLogger(RoundSnapshotter.class);

    /** What came of quiescing, if it did. */
    private static final String DONE = "done";

    /**
     * Times of a round and how far they can be trusted.
     *
     * @param nanoClock the monotonic clock
     * @param error bound of this node's wall clock error against that of the round's first node; -1 if unknown
     */
    public record Clocks(LongSupplier nanoClock, ToLongFunction<RoundSpec> error) {}

    private final Name self;
    private final String software;
    private final ThawNet net;
    private final Parts parts;
    private final Together together;
    private final LongSupplier nanoClock;
    private final ToLongFunction<RoundSpec> clockError;
    private final Appointments appointments;
    private final Map<RoundId, Round> rounds = new ConcurrentHashMap<>();

    /**
     * @param self this node
     * @param software version, for the records
     * @param net the guard
     * @param parts the machines
     * @param workers as many threads as machines may be frozen at once
     * @param clocks times and their error
     */
    public RoundSnapshotter(
            Name self, String software, ThawNet net, Parts parts, ExecutorService workers, Clocks clocks) {
        this.self = self;
        this.software = software;
        this.net = net;
        this.parts = parts;
        this.together = new Together(workers);
        this.nanoClock = clocks.nanoClock();
        this.clockError = clocks.error();
        this.appointments = new Appointments(nanoClock);
    }

    /** A round that may be bound keeps its claims also when it cannot be opened now: nobody else may touch its machines. */
    private Round open(RoundSpec spec, Set<Name> vms) throws PhaseException {
        Round known = rounds.get(spec.id());
        if (known != null) {
            return known;
        }
        Map<Name, VmPart> mine = new TreeMap<>();
        for (Name vm : vms) {
            mine.put(vm, parts.part(spec, vm));
        }
        Round round = new Round(
                spec,
                mine,
                new ConcurrentHashMap<>(),
                new ConcurrentHashMap<>(),
                new ConcurrentHashMap<>(),
                new AtomicBoolean(),
                new StepClock(nanoClock));
        rounds.put(spec.id(), round);
        return round;
    }

    private Round openFresh(RoundSpec spec) throws PhaseException {
        try {
            return open(spec, spec.members().on(self));
        } catch (PhaseException e) {
            parts.end(spec);
            throw e;
        }
    }

    /**
     * Noted first: a thaw from another thread may pass this arm, and then whoever ends the round must disarm once more, or
     * the guard would hold the machine for a round that is over.
     */
    private void arm(Round round, Name vm, Duration deadline, boolean wasPaused) throws PhaseException {
        round.watched().put(vm, new Object());
        net.arm(vm, round.token(), deadline, wasPaused);
    }

    private boolean disarm(Round round, Name vm) throws PhaseException {
        Object arming = round.watched().getOrDefault(vm, "");
        boolean fired = net.disarm(vm, round.token());
        round.watched().remove(vm, arming);
        return fired;
    }

    private Round known(RoundId id) throws PhaseException {
        Round round = rounds.get(id);
        if (round == null) {
            throw new PhaseException(Refusal.failed("node " + self + " has forgotten round " + id));
        }
        return round;
    }

    @Override
    public void prepare(RoundSpec spec) throws PhaseException {
        Round round = openFresh(spec);
        if (round.parts().size() > 1) {
            parts.requireRoom(spec, round.parts().keySet());
        }
        together.each(round.parts(), (vm, part) -> {
            arm(round, vm, spec.options().prepareTimeout(), part.wasPaused());
            part.prepare();
            // Before the approach: a guest that has stopped by itself does not answer any more.
            if (spec.options().quiesce() != Quiesce.NO && spec.kind() == RoundKind.CHECKPOINT) {
                quiesce(round, vm, part);
            }
            if (part.freezesByItself()) {
                countDown(round, vm, part);
                boolean frozen = part.approach();
                if (!frozen && !round.quiesced().getOrDefault(vm, "").equals(DONE)) {
                    countAnew(round, vm, part);
                }
            }
        });
    }

    /** From here on the guest counts as frozen. Once for a round: what comes later does not get the deadline anew. */
    private void countDown(Round round, Name vm, VmPart part) throws PhaseException {
        if (round.countedFrom().putIfAbsent(vm, nanoClock.getAsLong()) == null) {
            arm(round, vm, round.deadline(), part.wasPaused());
        }
    }

    private void quiesce(Round round, Name vm, VmPart part) throws PhaseException {
        if (round.voided().get()) {
            throw cancelled();
        }
        countDown(round, vm, part);
        try {
            net.quiesce(vm, round.token(), ThawNet.quiesceBound(round.deadline()));
            round.quiesced().put(vm, DONE);
        } catch (PhaseException e) {
            if (round.spec().options().quiesce() == Quiesce.REQUIRE) {
                throw e;
            }
            round.quiesced().put(vm, "failed: " + e.because().text());
            countAnew(round, vm, part);
        }
        if (round.voided().get()) {
            // The thaw has passed while the guest flushed, and it looked too early.
            stopWatching(round, vm);
            throw cancelled();
        }
    }

    private static PhaseException cancelled() {
        return new PhaseException(
                new Refusal(Refusal.Kind.CANCELLED, "the round was voided while the guest was quiesced"));
    }

    /** It does not count as frozen after all: its deadline begins with the freeze. */
    private void countAnew(Round round, Name vm, VmPart part) throws PhaseException {
        round.countedFrom().remove(vm);
        arm(round, vm, round.spec().options().prepareTimeout(), part.wasPaused());
    }

    @Override
    public void freeze(RoundSpec spec) throws PhaseException {
        Round round = known(spec.id());
        round.steps().mark("freeze");
        together.each(round.parts(), (vm, part) -> {
            refuseIfPausedSince(round, vm, part);
            countDown(round, vm, part);
            round.steps().mark("armed", vm);
            appointments.await(spec.id());
            round.steps().mark("due", vm);
            part.freeze();
            round.steps().mark("still", vm);
        });
    }

    /** Its guard is armed as for a guest that runs, and would end a person's pause. */
    private static void refuseIfPausedSince(Round round, Name vm, VmPart part) throws PhaseException {
        if (round.countedFrom().containsKey(vm) && part.wasPaused()) {
            throw new PhaseException(new Refusal(
                    Refusal.Kind.CANCELLED,
                    "somebody paused it after it was quiesced; let it run, or take the checkpoint without --quiesce"));
        }
    }

    @Override
    public void stopIn(RoundId id, long nanos) {
        appointments.make(id, nanos);
    }

    @Override
    public void capture(RoundId id) throws PhaseException {
        Round round = known(id);
        round.steps().mark("capture");
        together.each(round.parts(), (vm, part) -> {
            part.capture();
            round.steps().mark("captured", vm);
        });
    }

    @Override
    public dev.holdfast.coordinator.protocol.ThawFacts proveAndThaw(RoundId id) throws PhaseException {
        Round round = known(id);
        Map<Name, ThawFacts> facts = new ConcurrentHashMap<>();
        round.steps().mark("prove");
        together.each(round.parts(), (vm, part) -> {
            ThawFacts proven = part.proveAndThaw();
            facts.put(vm, proven);
            round.steps().mark("runs", vm, proven.atNanos());
        });
        long heldFor =
                nanoClock.getAsLong() - Collections.min(round.countedFrom().values());
        Map<Name, Boolean> fired = together.ask(round.parts(), (vm, part) -> {
            if (round.quiesced().containsKey(vm)) {
                net.unquiesce(vm, round.token());
            }
            return disarm(round, vm);
        });
        return CommonThaw.of(facts.values(), fired.containsValue(true), heldFor);
    }

    @Override
    public void thawNow(RoundId id) {
        Round round = rounds.get(id);
        if (round == null) {
            return;
        }
        round.voided().set(true);
        Map<Name, VmPart> running = new TreeMap<>();
        thawAll(round).forEach((vm, runs) -> {
            if (runs) {
                running.put(vm, round.parts().get(vm));
            } else {
                LOG.warn("round {}: {} is not known to run yet; the guard goes on watching", id, vm);
            }
        });
        together.eachQuietly(running, (vm, part) -> stopWatching(round, vm));
    }

    /** At once: a machine that does not answer must not delay the others. */
    private Map<Name, Boolean> thawAll(Round round) {
        try {
            return together.ask(round.parts(), (vm, part) -> part.thaw());
        } catch (PhaseException e) {
            LOG.error(
                    "round {}: a thaw broke; the guard goes on watching",
                    round.spec().id(),
                    e);
            return Map.of();
        }
    }

    private void stopWatching(Round round, Name vm) throws PhaseException {
        if (round.quiesced().containsKey(vm)) {
            net.unquiesce(vm, round.token());
        }
        disarm(round, vm);
    }

    @Override
    public MemberReport drain(RoundId id, Progress progress) throws PhaseException {
        Round round = known(id);
        LOG.debug("round {}: steps us: {}", id, round.steps());
        return report(
                round,
                (vm, part) -> part.drain(
                        round.quiesced().getOrDefault(vm, "no"),
                        (phase, done, total) -> progress.at(id, phase, done, total)));
    }

    @Override
    public MemberReport loadBeside(RoundId id, Progress progress) throws PhaseException {
        Round round = known(id);
        return report(
                round, (vm, part) -> part.loadBeside((phase, done, total) -> progress.at(id, phase, done, total)));
    }

    private MemberReport report(Round round, Together.Asked<VmPart, VmReport> asked) throws PhaseException {
        Map<Name, VmReport> reports = together.ask(round.parts(), asked);
        return new MemberReport(self, clockError.applyAsLong(round.spec()), software, List.copyOf(reports.values()));
    }

    @Override
    public boolean releaseGuard(RoundSpec spec) throws PhaseException {
        Round round = open(spec, spec.members().on(self));
        Map<Name, Boolean> ran = together.ask(round.parts(), (vm, part) -> {
            net.markHeld(vm, round.token(), part.wasPaused());
            boolean fired = disarm(round, vm);
            return fired || part.runs();
        });
        return ran.containsValue(true);
    }

    @Override
    public void carryOut(RoundSpec spec, Decision decision) throws PhaseException {
        Set<Name> here = new Duty(self, parts).of(spec, decision);
        Map<Name, VmPart> mine = new TreeMap<>(
                decision == Decision.ABORTED
                        ? admitted(spec, here)
                        : open(spec, here).parts());
        mine.keySet().retainAll(here);
        together.each(mine, (vm, part) -> part.carryOut(decision));
        letGo(spec, mine.keySet());
        LOG.info("round {}: {} is true on {}", spec.id(), decision, self);
    }

    private void letGo(RoundSpec spec, Set<Name> vms) {
        Round round = rounds.remove(spec.id());
        if (round != null) {
            Map<Name, VmPart> watched = new TreeMap<>(round.parts());
            watched.keySet().retainAll(round.watched().keySet());
            watched.keySet().retainAll(vms);
            together.eachQuietly(watched, (vm, part) -> stopWatching(round, vm));
        }
        vms.forEach(vm -> net.unmark(vm, spec.id().value()));
        parts.end(spec);
    }

    @Override
    public void forget(RoundSpec spec) throws PhaseException {
        new Duty(self, parts).requireNothingWaits(spec);
        letGo(spec, spec.members().on(self));
        LOG.warn(
                "round {}: the store has no record of it and nothing on {} waits for it: its entry in the journal was put back"
                        + " after it was over, or its record was taken away",
                spec.id(),
                self);
    }

    /** A machine that another operation holds was never admitted to this round: nothing of it is there to undo. */
    private Map<Name, VmPart> admitted(RoundSpec spec, Set<Name> vms) throws PhaseException {
        Round round = rounds.get(spec.id());
        if (round != null) {
            return round.parts();
        }
        Map<Name, VmPart> mine = new TreeMap<>();
        for (Name vm : vms) {
            try {
                mine.put(vm, parts.part(spec, vm));
            } catch (PhaseException e) {
                if (e.because().kind() != Refusal.Kind.BUSY) {
                    throw e;
                }
                LOG.info(
                        "round {}: {} was never part of it here: {}",
                        spec.id(),
                        vm,
                        e.because().text());
            }
        }
        return mine;
    }

    /** The round that holds a machine, if any: for those who want to know why it stands still. */
    public Optional<RoundSpec> roundOf(Name vm) {
        return rounds.values().stream()
                .filter(round -> round.parts().containsKey(vm))
                .map(Round::spec)
                .findFirst();
    }
}
