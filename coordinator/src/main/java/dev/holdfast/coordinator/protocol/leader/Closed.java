package dev.holdfast.coordinator.protocol.leader;

/** This leader has nothing more to do with the round. */
public record Closed() implements LeaderState {

    @Override
    public void checkInvariants() {
        // There is nothing here.
    }
}
