package dev.holdfast.agent.migration;

import dev.holdfast.agent.control.Progress;
import dev.holdfast.agent.hypervisor.DiskCopies;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.Relocation;
import dev.holdfast.agent.hypervisor.Relocation.Limits;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.agent.migration.Departure.Event;
import dev.holdfast.agent.vm.ManagedVm;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A machine's memory on its way. One thread. */
final class Passage {
    /** Without a byte more in that time the network or the target hangs. */
    static final Duration STUCK = Duration.ofSeconds(20);

    private static final Duration STANDSTILL = Duration.ofSeconds(5);
    private static final Duration FAR = Duration.ofMillis(50);
    private static final Duration NEAR = Duration.ofMillis(5);
    private static final int NEAR_THE_END = 10;

    /** What bounds it. */
    record Bounds(Limits limits, long untilNanos) {}

    /**
     * Where it goes.
     *
     * @param listener what the target has answered: where it waits
     * @param disks that are copied; empty if they are shared
     */
    record To(JsonObject listener, Optional<OutgoingDisks> disks) {}

    /** How it has ended, and why if not well. */
    record End(Event event, String why) {}

    private final NodeTools tools;
    private final ManagedVm machine;
    private final JsonObject listener;
    private final Optional<OutgoingDisks> disks;
    private final Bounds bounds;
    private final Progress progress;
    private long last = -1;
    private long lastMoved;

    /** @param to the target, and what is copied with the memory */
    Passage(NodeTools tools, ManagedVm machine, To to, Bounds bounds, Progress progress) {
        this.tools = tools;
        this.machine = machine;
        this.listener = to.listener();
        this.disks = to.disks();
        this.bounds = bounds;
        this.progress = progress;
    }

    /** @param calledBack what else may end it; null while nothing does */
    End send(Supplier<@Nullable Event> calledBack) throws InterruptedException {
        lastMoved = now();
        try {
            Optional<End> early = disks.isPresent() ? copy(disks.get(), calledBack) : Optional.empty();
            if (early.isPresent()) {
                return early.get();
            }
            begin();
            while (true) {
                Relocation.Stream seen = use(Relocation::look);
                progress.bytes("memory", seen.sent(), Math.max(1, seen.sent() + seen.left()));
                Optional<End> end = end(seen, calledBack);
                if (end.isPresent()) {
                    return end.get();
                }
                rest(seen.left() > seen.total() / NEAR_THE_END ? FAR : NEAR);
            }
        } catch (HypervisorException e) {
            Event event = e.kind() == HypervisorException.Kind.GONE ? Event.GONE : Event.STREAM_FAILED;
            return new End(event, String.valueOf(e.getMessage()));
        } catch (JsonException | ArithmeticException e) {
            return new End(Event.STREAM_FAILED, "where the target waits cannot be read: " + e.getMessage());
        } catch (IOException e) {
            return new End(Event.STREAM_FAILED, "the disks cannot be copied: " + e.getMessage());
        }
    }

    private static void rest(Duration time) throws InterruptedException {
        LockSupport.parkNanos(time.toNanos());
        if (Thread.interrupted()) {
            throw new InterruptedException("the agent ends");
        }
    }

    private void begin() throws HypervisorException, JsonException, IOException {
        last = -1;
        lastMoved = now();
        if (disks.isPresent()) {
            Path memory = disks.get().memory();
            use(relocation -> {
                relocation.send(memory, bounds.limits());
                return true;
            });
            return;
        }
        String address = listener.text(Word.ADDRESS).orElse("");
        int port = Math.toIntExact(listener.number(Word.PORT).orElse(0L));
        use(relocation -> {
            relocation.send(address, port, bounds.limits());
            return true;
        });
    }

    /** Until the copies hold what the disks do, and follow them. */
    private Optional<End> copy(OutgoingDisks to, Supplier<@Nullable Event> calledBack)
            throws HypervisorException, IOException, InterruptedException {
        for (String disk : to.disks()) {
            Path socket = to.connect(disk);
            use(relocation -> {
                relocation.copies().begin(disk, socket, disk, bounds.limits().bytesPerSecond());
                return true;
            });
        }
        while (true) {
            DiskCopies.Look seen = use(relocation -> relocation.copies().look());
            progress.bytes("disks", seen.done(), Math.max(1, seen.total()));
            if (!seen.failure().isEmpty()) {
                return Optional.of(new End(Event.STREAM_FAILED, seen.failure()));
            }
            if (seen.whole()) {
                return flush(to, calledBack);
            }
            Optional<End> end = patience(new Moved("disks", seen.done(), seen.total() - seen.done()), calledBack.get());
            if (end.isPresent()) {
                return end;
            }
            rest(FAR);
        }
    }

    private Optional<End> flush(OutgoingDisks to, Supplier<@Nullable Event> calledBack) throws IOException {
        Optional<End> end = Optional.empty();
        while (end.isEmpty() && !to.flush()) {
            // The target answers; its storage is slow.
            lastMoved = now();
            end = patience(new Moved("disks", last, 0), calledBack.get());
        }
        return end;
    }

    private Optional<End> end(Relocation.Stream seen, Supplier<@Nullable Event> calledBack) throws HypervisorException {
        Moved moved = new Moved("memory", seen.sent(), seen.left());
        return switch (seen.phase()) {
            case AT_THE_END -> {
                // The guest stands still: what the copies hold is what the disks will be found to hold.
                use(relocation -> {
                    relocation.copies().end(standstill());
                    relocation.finish();
                    return true;
                });
                yield Optional.empty();
            }
            case COMPLETED -> Optional.of(new End(Event.STREAM_COMPLETED, ""));
            case FAILED, NONE -> Optional.of(new End(Event.STREAM_FAILED, seen.failure()));
            case ACTIVE -> {
                Optional<End> broken = broken();
                yield broken.isPresent() ? broken : patience(moved, calledBack.get());
            }
        };
    }

    /** The guest waits for the last of its disks no longer than for an answer, or as long as it may stand still anyway. */
    private Duration standstill() {
        Duration allowed = bounds.limits().downtime();
        return allowed.compareTo(STANDSTILL) > 0 ? allowed : STANDSTILL;
    }

    /** A copy that has failed meanwhile: the guest need not be stopped to find that out. */
    private Optional<End> broken() throws HypervisorException {
        String failure = disks.isEmpty()
                ? ""
                : use(relocation -> relocation.copies().look()).failure();
        return failure.isEmpty() ? Optional.empty() : Optional.of(new End(Event.STREAM_FAILED, failure));
    }

    private record Moved(String what, long sent, long left) {}

    private Optional<End> patience(Moved seen, @Nullable Event called) {
        if (called != null) {
            return Optional.of(new End(called, "it was called back: the machine or the agent is being stopped"));
        }
        if (seen.sent() != last) {
            last = seen.sent();
            lastMoved = now();
        }
        if (now() - lastMoved > STUCK.toNanos()) {
            return Optional.of(new End(
                    Event.STREAM_FAILED, "no %s has gone over for %d s".formatted(seen.what(), STUCK.toSeconds())));
        }
        if (now() - bounds.untilNanos() > 0) {
            return Optional.of(new End(
                    Event.STREAM_FAILED,
                    "it has not come to an end in time, %d MiB of its %s are left; allow more time, bandwidth or downtime"
                            .formatted(seen.left() >> 20, seen.what())));
        }
        return Optional.empty();
    }

    private long now() {
        return tools.nanoClock().getAsLong();
    }

    private interface Use<R> {
        R of(Relocation relocation) throws HypervisorException;
    }

    private <R> R use(Use<R> use) throws HypervisorException {
        RunningVm process = machine.process()
                .orElseThrow(() -> new HypervisorException(
                        HypervisorException.Kind.GONE, "the process of " + machine.name() + " has ended"));
        machine.lock().lock();
        try {
            return use.of(process.relocation());
        } finally {
            machine.lock().unlock();
        }
    }
}
