package dev.holdfast.agent.replication;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.replication.StandbyPlace;
import dev.holdfast.coordinator.replication.Life;
import dev.holdfast.coordinator.replication.ReplicaEvent;
import java.io.IOException;
import java.time.Duration;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Lets a promoted standby's guest go on. What fails before it has run costs no copy. The machine's thread. */
final class GoingOn {
    private static final Logger LOG = LoggerFactory.getLogger(GoingOn.class);

    private final MachineHands.Tools tools;
    private final MachineHands.Front front;
    private final Consumer<ReplicaEvent> events;

    /** What has come of it. */
    enum End {
        /** Perhaps it stands still. Its disks may not be settled yet. */
        RUNS,
        /** The same, and they are. */
        SETTLED,
        /** The standby is there as before. */
        WAITS,
        /** There is no process any more. */
        GONE
    }

    GoingOn(MachineHands.Tools tools, MachineHands.Front front, Consumer<ReplicaEvent> events) {
        this.tools = tools;
        this.front = front;
        this.events = events;
    }

    End from(long epoch, Life life) {
        try {
            return tools.standby().become(tools.guest(), epoch) ? settled() : End.RUNS;
        } catch (HypervisorException | IOException e) {
            LOG.error("the machine was promoted and does not go on from epoch {}: {}", epoch, e.getMessage());
            front.failed(String.valueOf(e.getMessage()));
            return remains(epoch, life);
        }
    }

    private End settled() {
        try {
            tools.guest().settle(new StandbyPlace(tools.plan().place()), Duration.ZERO);
            events.accept(new ReplicaEvent.RolledBack());
            return End.SETTLED;
        } catch (HypervisorException e) {
            LOG.info("the disks are settled later: {}", e.getMessage());
            return End.RUNS;
        }
    }

    private End remains(long epoch, Life life) {
        if (!tools.guest().isGone()) {
            return End.RUNS;
        }
        if (tools.standby().isAlive()) {
            events.accept(new ReplicaEvent.FailOverFailed(epoch));
            return End.WAITS;
        }
        try {
            DisksNote disks = new DisksNote(life.copy().id(), life.generation(), true, false);
            if (!life.settled() && tools.standby().leavesDisks(disks)) {
                LOG.warn(
                        "its memory is lost; its disks are whole, as of epoch {}, and the next start boots from them",
                        epoch);
                events.accept(new ReplicaEvent.RolledBack());
            }
        } catch (HypervisorException | IOException e) {
            LOG.error("its disks are not kept: {}", e.getMessage());
        }
        return End.GONE;
    }
}
