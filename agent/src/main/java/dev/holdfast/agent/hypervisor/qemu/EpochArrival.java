package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.replication.MemoryIntake;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;

/** An epoch that was begun at a standby and is neither committed nor given up. Made by one thread, closed by any. */
sealed interface EpochArrival extends AutoCloseable permits EpochMemory, EpochOfDisks {
    long epoch();

    /** Which of the two memory files is its, if it has one. */
    OptionalInt slot();

    /** Where its memory is sent to, if it has any. */
    Optional<Path> socket();

    /** For somebody who brings its memory; nobody comes to the socket then. */
    MemoryIntake claim() throws HypervisorException;

    /**
     * Waits until all of its memory is on stable storage. What belongs to its disks was written before its sender was told so.
     *
     * @throws HypervisorException REFUSED if it is not complete; UNKNOWN if it may still be
     */
    void complete(Duration patience) throws HypervisorException;

    /** Takes no more of it. Returns when nobody writes its memory any more. */
    void stop() throws HypervisorException;

    @Override
    void close();
}
