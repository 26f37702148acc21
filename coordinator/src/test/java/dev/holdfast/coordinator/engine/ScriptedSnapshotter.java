package dev.holdfast.coordinator.engine;

import dev.holdfast.coordinator.port.Snapshotter;
import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.MemberReport;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.ThawFacts;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** Records what the engine asks for, and fails where the test says so. Thread-safe. */
final class ScriptedSnapshotter implements Snapshotter {

    final List<String> calls = new CopyOnWriteArrayList<>();
    final List<Long> stopsIn = new CopyOnWriteArrayList<>();
    private final Map<String, Refusal> failures = new ConcurrentHashMap<>();
    private final Name self;
    volatile boolean frozen;
    /** Run while memory is written. */
    volatile Runnable draining = () -> {};
    /** Run while it is looked whether something waits for a round without a record. */
    volatile Runnable forgetting = () -> {};

    ScriptedSnapshotter(Name self) {
        this.self = self;
    }

    void failAt(String phase, Refusal because) {
        failures.put(phase, because);
    }

    void heal() {
        failures.clear();
    }

    private void call(String phase) throws PhaseException {
        calls.add(phase);
        if (failures.containsKey(phase)) {
            throw new PhaseException(failures.get(phase));
        }
    }

    private MemberReport report() {
        return new MemberReport(self, 0, "test", List.of());
    }

    @Override
    public void prepare(RoundSpec spec) throws PhaseException {
        call("prepare");
    }

    @Override
    public void freeze(RoundSpec spec) throws PhaseException {
        call("freeze");
        frozen = true;
    }

    @Override
    public void stopIn(RoundId round, long nanos) {
        stopsIn.add(nanos);
    }

    @Override
    public void capture(RoundId round) throws PhaseException {
        call("capture");
    }

    @Override
    public ThawFacts proveAndThaw(RoundId round) throws PhaseException {
        call("proveAndThaw");
        frozen = false;
        return new ThawFacts(true, 0, true, 1);
    }

    @Override
    public void thawNow(RoundId round) {
        calls.add("thawNow");
        frozen = false;
    }

    @Override
    public MemberReport drain(RoundId round, Progress progress) throws PhaseException {
        call("drain");
        draining.run();
        return report();
    }

    @Override
    public MemberReport loadBeside(RoundId round, Progress progress) throws PhaseException {
        call("loadBeside");
        return report();
    }

    @Override
    public boolean releaseGuard(RoundSpec spec) throws PhaseException {
        call("releaseGuard");
        return false;
    }

    @Override
    public void carryOut(RoundSpec spec, Decision decision) throws PhaseException {
        call("carryOut " + decision);
        frozen = false;
    }

    @Override
    public void forget(RoundSpec spec) throws PhaseException {
        forgetting.run();
        call("forget");
    }
}
