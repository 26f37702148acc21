package dev.holdfast.agent.replication;

import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.coordinator.replication.ReplicaEvent;
import dev.holdfast.coordinator.replication.ReplicaState;
import java.time.Duration;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** A machine as a round sees it. */
record ParkedMachine(
        ManagedVm vm, Supplier<ReplicaState> rules, PrimarySide primary, Consumer<ReplicaEvent> events, Runnable idle)
        implements Parking.Machine {

    @Override
    public ReplicaState state() {
        return rules.get();
    }

    @Override
    public boolean isBusy() {
        return primary.isBusy();
    }

    @Override
    public boolean isFrozen() {
        return vm.isHeldStill();
    }

    @Override
    public Duration interval() {
        return primary.pacing().interval();
    }

    @Override
    public void post(ReplicaEvent event) {
        events.accept(event);
    }

    @Override
    public void freed() {
        idle.run();
    }
}
