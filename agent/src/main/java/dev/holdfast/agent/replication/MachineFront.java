package dev.holdfast.agent.replication;

import dev.holdfast.coordinator.replication.Copy;
import dev.holdfast.coordinator.replication.Reason;
import dev.holdfast.coordinator.replication.ReplicaEvent;
import dev.holdfast.coordinator.replication.ReplicaState;
import java.io.IOException;
import java.util.Optional;
import java.util.function.Supplier;

/** What a machine's hands tell those who wait. The machine's thread. */
final class MachineFront implements MachineHands.Front {
    private final Supplier<ReplicaLoop> loop;
    private final Waiters waiters;
    private final CopyRoom room;
    private final StandbySide standby;
    private final StandbyOrders orders;
    private final Runnable publish;

    /** @param publish brings up to date what others read */
    MachineFront(
            Supplier<ReplicaLoop> loop,
            Waiters waiters,
            CopyRoom room,
            StandbySide standby,
            StandbyOrders orders,
            Runnable publish) {
        this.loop = loop;
        this.waiters = waiters;
        this.room = room;
        this.standby = standby;
        this.orders = orders;
        this.publish = publish;
    }

    @Override
    public ReplicaState state() {
        return loop.get().state();
    }

    @Override
    public void done() {
        waiters.tellCommands(Optional.empty());
        publish.run();
    }

    @Override
    public void refuse(Reason reason) {
        if (loop.get().cause() instanceof ReplicaEvent.SeedBegun begun) {
            room.refused(begun.copy(), reason.text());
        } else {
            waiters.tellCommands(Optional.of(reason));
        }
    }

    @Override
    public void failed(String why) {
        waiters.failCommands(why);
    }

    @Override
    public void made(Copy copy, Optional<String> failure) {
        room.made(copy, failure, standby.doorway().map(StandbyDoorway::opening));
    }

    @Override
    public void acknowledge(long epoch) {
        waiters.acknowledge(epoch);
    }

    @Override
    public void dropped() {
        waiters.disappoint("this copy does not exist any more");
    }

    @Override
    public void prepareDisks() throws IOException {
        room.prepareDisks();
    }

    @Override
    public StandbyDoorway.Orders orders() {
        return orders;
    }
}
