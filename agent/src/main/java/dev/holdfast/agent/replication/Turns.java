package dev.holdfast.agent.replication;

import dev.holdfast.coordinator.replication.Alone;
import dev.holdfast.coordinator.replication.Copy;
import dev.holdfast.coordinator.replication.Protected;
import dev.holdfast.coordinator.replication.ReplicaEvent;
import dev.holdfast.coordinator.replication.ReplicaState;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.function.Supplier;

/** When a primary begins its next epoch, or makes itself a standby: not while anything else is under way. The machine's thread. */
final class Turns {
    private static final Duration LEAST = Duration.ofMillis(10);

    private final SerialThread thread;
    private final PrimarySide primary;
    private final MachineHands hands;
    private final Parking parking;
    private final Parking.Machine machine;
    private boolean planned;
    private boolean due;

    Turns(SerialThread thread, PrimarySide primary, MachineHands hands, Parking parking, Parking.Machine machine) {
        this.thread = thread;
        this.primary = primary;
        this.hands = hands;
        this.parking = parking;
        this.machine = machine;
    }

    private boolean isKeptBack() {
        return primary.isBusy() || parking.isParked();
    }

    private boolean keepsEpochsBack() {
        return primary.isBusy() || parking.keepsEpochsBack();
    }

    void planEpoch() {
        if (planned || keepsEpochsBack() || !(machine.state() instanceof Protected)) {
            return;
        }
        planned = true;
        Duration wait = hands.isHeld() ? LEAST : primary.untilNext();
        thread.after(wait.compareTo(LEAST) > 0 ? wait : LEAST, () -> {
            planned = false;
            if (!keepsEpochsBack()) {
                due = true;
                machine.post(new ReplicaEvent.EpochDue());
            }
        });
    }

    /** Whether an epoch was asked for, and the rules have not heard of it yet. */
    boolean isDue() {
        return due;
    }

    /** They have heard of this. */
    void heard(ReplicaEvent event) {
        due = due && !(event instanceof ReplicaEvent.EpochDue);
    }

    /** @param next the best node for a standby; may block */
    void lookForStandby(Executor asking, Supplier<Optional<Copy>> next) {
        ReplicaState now = machine.state();
        if (now instanceof Alone alone && alone.lead().settled() && !isKeptBack()) {
            asking.execute(() -> next.get().ifPresent(peer -> thread.execute(() -> offer(peer))));
        }
    }

    private void offer(Copy peer) {
        if (!isKeptBack()) {
            machine.post(new ReplicaEvent.PeerOffered(peer));
        }
    }
}
