package dev.holdfast.agent.round;

import dev.holdfast.agent.hypervisor.ThawFacts;
import dev.holdfast.coordinator.port.Snapshotter.PhaseException;
import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.VmReport;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** Machines and a guard that write down what is asked of them, in the order in which it comes. Thread-safe. */
final class FakeMachines implements Parts, ThawNet {

    private final List<String> log = new CopyOnWriteArrayList<>();
    private final Set<Name> refused = ConcurrentHashMap.newKeySet();
    private final Map<Name, Whereabouts> places = new ConcurrentHashMap<>();
    final Set<Name> freezingByThemselves = ConcurrentHashMap.newKeySet();
    final Set<Name> waiting = ConcurrentHashMap.newKeySet();

    volatile boolean tooSmall;
    volatile boolean stoppedByThemselves;
    volatile boolean deaf;
    volatile boolean paused;
    volatile Runnable whileQuiescing = () -> {};

    List<String> log() {
        return List.copyOf(log);
    }

    void forget() {
        log.clear();
    }

    void refuse(Name vm) {
        refused.add(vm);
    }

    void put(Name vm, Whereabouts place) {
        places.put(vm, place);
    }

    @Override
    public VmPart part(RoundSpec spec, Name vm) throws PhaseException {
        if (refused.contains(vm)) {
            throw new PhaseException(Refusal.failed(vm + " does not answer"));
        }
        log.add("claim " + vm);
        return new Part(vm);
    }

    @Override
    public void end(RoundSpec spec) {
        log.add("release");
    }

    @Override
    public void requireRoom(RoundSpec spec, Set<Name> mine) throws PhaseException {
        if (tooSmall) {
            throw new PhaseException(Refusal.preflight(mine + " together need more than there is"));
        }
    }

    @Override
    public Whereabouts whereabouts(RoundSpec spec, Name vm) {
        return places.getOrDefault(vm, Whereabouts.HERE);
    }

    @Override
    public boolean isUnderWay(RoundSpec spec, Name vm) throws PhaseException {
        if (whereabouts(spec, vm) == Whereabouts.NOT_DEFINED) {
            throw new PhaseException(Refusal.preflight("there is no machine " + vm + " on this node"));
        }
        return waiting.contains(vm);
    }

    @Override
    public void arm(Name vm, String token, Duration deadline, boolean wasPaused) {
        log.add("arm " + vm + " " + deadline.toSeconds());
    }

    @Override
    public boolean disarm(Name vm, String token) {
        log.add("disarm " + vm);
        return false;
    }

    @Override
    public int quiesce(Name vm, String token, Duration bound) throws PhaseException {
        if (deaf) {
            throw new PhaseException(Refusal.preflight("no agent in the guest"));
        }
        log.add("quiesce " + vm);
        if (vm.equals(Rounds.WEB)) {
            whileQuiescing.run();
        }
        return 1;
    }

    @Override
    public void unquiesce(Name vm, String token) {
        log.add("unquiesce " + vm);
    }

    @Override
    public int thawRestored(Name vm, String token) {
        return 0;
    }

    @Override
    public void markRestored(Name vm) {
        log.add("mark restored " + vm);
    }

    @Override
    public void markHeld(Name vm, String token, boolean wasPaused) {
        log.add("mark " + vm);
    }

    @Override
    public void unmark(Name vm, String token) {
        log.add("unmark " + vm);
    }

    /** A machine of which nothing is known but its name. */
    private final class Part implements VmPart {
        private final Name vm;

        Part(Name vm) {
            this.vm = vm;
        }

        @Override
        public boolean wasPaused() {
            return paused;
        }

        @Override
        public void prepare() {
            log.add("prepare " + vm);
        }

        @Override
        public boolean freezesByItself() {
            return freezingByThemselves.contains(vm);
        }

        @Override
        public boolean approach() {
            log.add("approach " + vm);
            return stoppedByThemselves;
        }

        @Override
        public void freeze() {
            log.add("freeze " + vm);
        }

        @Override
        public void capture() {
            log.add("capture " + vm);
        }

        @Override
        public ThawFacts proveAndThaw() throws PhaseException {
            throw new PhaseException(Refusal.failed("not asked for"));
        }

        @Override
        public VmReport drain(String quiesce, Progress progress) throws PhaseException {
            throw new PhaseException(Refusal.failed("not asked for"));
        }

        @Override
        public VmReport loadBeside(Progress progress) throws PhaseException {
            throw new PhaseException(Refusal.failed("not asked for"));
        }

        @Override
        public boolean runs() {
            return false;
        }

        @Override
        public boolean thaw() {
            log.add("thaw " + vm);
            return true;
        }

        @Override
        public void carryOut(Decision decision) {
            log.add(decision + " " + vm);
        }
    }
}
