package dev.holdfast.agent.hypervisor.replication;

import dev.holdfast.agent.hypervisor.HypervisorException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * A standby as its primary reaches it: directly on the same host, or by way of the other node's agent, with sockets on this
 * host whose bytes are carried over.
 *
 * <p>What a primary has sent before an order was given is there, completely, when the order is carried out; if bytes were
 * lost on the way, {@link #commit} refuses.
 */
public interface StandbyLink {
    /** The UNIX socket on this host where disks are sent to. */
    Path disks();

    /** The content of the disks is complete: from now on the standby keeps what it needs to come back to this point. */
    void startFollowing() throws HypervisorException;

    /**
     * An epoch follows. Makes room for its memory, beside that of the last one committed.
     *
     * @param epoch greater than the last one committed
     * @return the UNIX socket on this host where its memory is sent to; empty if it takes disks alone
     */
    Optional<Path> begin(long epoch) throws HypervisorException;

    /**
     * Makes an epoch the one the standby goes on from: memory on stable storage, then the disks. To be repeated when it is
     * not known whether it has succeeded. The primary's guest stands still meanwhile: a write that came between would be of
     * no epoch.
     *
     * @param patience how long to wait for it
     * @throws HypervisorException REFUSED if it has not committed the epoch and never will; any other kind if that is not
     *     known
     */
    void commit(long epoch, Duration patience) throws HypervisorException;

    /** An epoch that was begun will not be committed. Does nothing if that is known already. */
    void abandon(long epoch) throws HypervisorException;

    /**
     * Asks for a sign of life of everything a primary depends on.
     *
     * @throws HypervisorException if there was none in that time
     */
    void beat(Duration patience) throws HypervisorException;
}
