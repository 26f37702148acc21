package dev.holdfast.agent.replication;

import dev.holdfast.coordinator.replication.ReplicaEvent;
import java.util.function.Consumer;

/** Sees that the guest is no more, which nobody tells. The machine's thread. */
record GuestLook(Guest guest, MachineHands hands, Parking parking, Consumer<ReplicaEvent> events) {

    void look() {
        if (parking.isReverting() && !hands.wishedEnd().isAsked()) {
            return; // One process ends, and another takes its place.
        }
        guest.endIfShutDown();
        if (hands.expectsGuest() && guest.isGone()) {
            guest.forget();
            events.accept(new ReplicaEvent.GuestEnded(hands.guestIsGone()));
        }
    }
}
