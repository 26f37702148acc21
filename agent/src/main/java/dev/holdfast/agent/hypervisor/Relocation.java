package dev.holdfast.agent.hypervisor;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * Sends a running machine's memory and devices to a second process of the same machine, which then stands still until it is
 * told to run. Neither side lets a guest run because of the other: after the stream has ended well the sender stands still
 * too, and whoever decides which of the two is the machine tells just that one. One thread at a time, as for {@link RunningVm}.
 */
public interface Relocation {
    /**
     * How it is sent.
     *
     * @param bytesPerSecond most that goes over the network
     * @param downtime the guest is stopped when what is left fits into that time
     */
    record Limits(long bytesPerSecond, Duration downtime) {}

    /** How far a stream has come. */
    enum Phase {
        /** There was none. */
        NONE,
        /** Under way. */
        ACTIVE,
        /** The guest stands still, and the rest waits for {@link Relocation#finish()}. */
        AT_THE_END,
        /** All of it is over, and the process stands still. */
        COMPLETED,
        /** It has ended otherwise. A sender's guest runs, or is about to. */
        FAILED
    }

    /**
     * A look at a stream.
     *
     * @param phase how far it has come
     * @param sent bytes that have gone out
     * @param left bytes of memory that are still to go; the guest makes more
     * @param total bytes of memory
     * @param failure why it has failed, in the hypervisor's words; empty if it has not
     */
    record Stream(Phase phase, long sent, long left, long total, String failure) {}

    /**
     * Waits for a stream in the background, in a process that was started with {@link StartMode#incoming}.
     *
     * @param address of this host
     * @param ports of which to take one that is free; empty for any
     * @return the TCP port
     */
    int listen(String address, Optional<PortRange> ports) throws HypervisorException;

    /** Begins to send; the guest runs on. Slows it down if it writes faster than the network carries away. */
    void send(String address, int port, Limits limits) throws HypervisorException;

    /** The same at a UNIX socket that QEMU makes; one connection. */
    void listen(Path socket) throws HypervisorException;

    /** The same to a UNIX socket. Stops {@link Phase#AT_THE_END}. */
    void send(Path socket, Limits limits) throws HypervisorException;

    /** Sends the rest, after {@link Phase#AT_THE_END}. */
    void finish() throws HypervisorException;

    /** Copies of the disks to another node, which follow what the guest writes. */
    DiskCopies copies();

    /** How the stream does, on either side. */
    Stream look() throws HypervisorException;

    /**
     * Ends a stream that is under way, and lets a guest run that stands still because of one, even if all of it was sent; then
     * nothing of what was sent may ever run. A guest that stands still for another reason is left so.
     *
     * @param bound how long to try
     */
    void takeBack(Duration bound) throws HypervisorException;

    /** Tells the network where the machine's cards are now. Once it runs in its new place. */
    void announce() throws HypervisorException;
}
