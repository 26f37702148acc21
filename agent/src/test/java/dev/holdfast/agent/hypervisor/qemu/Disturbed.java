package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.replication.StandbyLink;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/** The standby, with something that happens at one of the steps. */
record Disturbed(StandbyLink standby, String where, Step step) implements StandbyLink {
    /** What a test does at a step of an epoch. */
    interface Step {
        void run() throws Exception;
    }

    private void at(String place) throws HypervisorException {
        if (place.equals(where)) {
            try {
                step.run();
            } catch (HypervisorException e) {
                throw e;
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        }
    }

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
        Optional<Path> socket = standby.begin(epoch);
        at("begun");
        return socket;
    }

    @Override
    public void commit(long epoch, Duration patience) throws HypervisorException {
        at("sent");
        standby.commit(epoch, patience);
        at("committed");
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
