package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.qmp.QmpEvent;
import dev.holdfast.agent.qmp.QmpEvents;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Every STOP and RESUME of one process since it was made. One thread. */
final class StopWatcher implements AutoCloseable {
    private static final String STOP = "STOP";

    private final Monitor monitor;
    private final QmpEvents events;
    private final List<QmpEvent> seen = new ArrayList<>();

    StopWatcher(Monitor monitor) {
        this.monitor = monitor;
        this.events = monitor.client().subscribe(STOP, "RESUME");
    }

    /** The first STOP, waiting for it. */
    Optional<QmpEvent> awaitStop(Duration bound) throws HypervisorException {
        long start = monitor.nanoClock().getAsLong();
        while (firstStop().isEmpty()) {
            Optional<QmpEvent> next = monitor.await(events, e -> true, monitor.left(start, bound));
            if (next.isEmpty()) {
                return next;
            }
            seen.add(next.get());
        }
        return firstStop();
    }

    /** The first RESUME after a line of the connection, waiting for it. */
    Optional<QmpEvent> awaitResume(long afterSequence, Duration bound) throws HypervisorException {
        long start = monitor.nanoClock().getAsLong();
        while (resumesAfter(afterSequence).isEmpty()) {
            Optional<QmpEvent> next = monitor.await(events, e -> true, monitor.left(start, bound));
            if (next.isEmpty()) {
                return next;
            }
            seen.add(next.get());
        }
        return Optional.of(resumesAfter(afterSequence).get(0));
    }

    boolean stopped() {
        seen.addAll(events.takeAll());
        return firstStop().isPresent();
    }

    /** Whether the last that was heard of it was a STOP. */
    boolean standsStill() {
        seen.addAll(events.takeAll());
        return !seen.isEmpty() && seen.get(seen.size() - 1).name().equals(STOP);
    }

    /** How often it was resumed between its first stop and a line of the connection. */
    int resumesBefore(long sequence) {
        seen.addAll(events.takeAll());
        long from = firstStop().map(QmpEvent::sequence).orElse(Long.MAX_VALUE);
        return (int) seen.stream()
                .filter(e -> !e.name().equals(STOP) && e.sequence() > from && e.sequence() < sequence)
                .count();
    }

    /** How often it has stopped so far. More than once in a background capture: memory is not of one moment. */
    long stops() {
        seen.addAll(events.takeAll());
        return seen.stream().filter(e -> e.name().equals(STOP)).count();
    }

    boolean complete() {
        return monitor.client().isOpen() && !events.overflowed();
    }

    private Optional<QmpEvent> firstStop() {
        return seen.stream().filter(e -> e.name().equals(STOP)).findFirst();
    }

    private List<QmpEvent> resumesAfter(long sequence) {
        return seen.stream()
                .filter(e -> !e.name().equals(STOP) && e.sequence() > sequence)
                .toList();
    }

    @Override
    public void close() {
        events.close();
    }
}
