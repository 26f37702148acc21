package dev.holdfast.agent.replication;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.replication.StandbyLink;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * A standby whose primary goes on as soon as it has committed, before the rules hear of it: by then a bound is in force, as there is none
 * before the first epoch and after one that has passed.
 *
 * @param most how far the guest may go beyond an epoch
 */
record BoundedLink(StandbyLink standby, LagBound bound, Duration most) implements StandbyLink {

    @Override
    public Path disks() {
        return standby.disks();
    }

    @Override
    public void startFollowing() throws HypervisorException {
        standby.startFollowing();
    }

    @Override
    public Optional<Path> begin(long epoch) throws HypervisorException {
        return standby.begin(epoch);
    }

    @Override
    public void commit(long epoch, Duration patience) throws HypervisorException {
        standby.commit(epoch, patience);
        bound.ensure(most);
    }

    @Override
    public void abandon(long epoch) throws HypervisorException {
        standby.abandon(epoch);
    }

    @Override
    public void beat(Duration patience) throws HypervisorException {
        standby.beat(patience);
    }
}
