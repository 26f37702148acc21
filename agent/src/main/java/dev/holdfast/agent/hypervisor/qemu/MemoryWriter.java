package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.MemoryFacts;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.qmp.QmpCommand;
import java.time.Duration;

/** How a capture gets memory out: the part in which the methods differ. Steps in the order of the capture; one thread. */
interface MemoryWriter {
    QmpCommand RUN = QmpCommand.of("cont");

    /** Tells whether the guest has been seen to run again. */
    interface Resumption {
        /** Waits for it. */
        boolean within(Duration patience) throws HypervisorException;
    }

    /** Gets memory out as far as can be while the guest runs. True if it stopped by itself. */
    default boolean approach(StopWatcher watcher, Progress progress) throws HypervisorException {
        return false;
    }

    /** Whether nothing has to happen between the stop and the cut of the disks. */
    default boolean cutsRightAfterStop() {
        return true;
    }

    /** At a standstill, before the disks are cut. */
    default void beforeCut(Duration bound) throws HypervisorException {}

    /** At a standstill, after the disks were cut. */
    default void afterCut(Duration bound) throws HypervisorException {}

    /** What makes the guest run again. */
    default QmpCommand orderToRun() {
        return RUN;
    }

    /** Sees to it that the guest runs after {@link #orderToRun} was sent. */
    default void ensureRunning(Resumption resumption, Duration bound) throws HypervisorException {}

    /** Waits for the end of the stream and makes it durable. */
    MemoryFacts finish(Progress progress) throws HypervisorException;

    /** Nothing that is written is wanted any more: QEMU does not wait for us because of it. Any thread. */
    default void cutOff() {}

    /** Removes the file, gives back the descriptor. */
    default void discard() throws HypervisorException {}

    /** Closes our descriptor; the file stays. */
    default void close() {}
}
