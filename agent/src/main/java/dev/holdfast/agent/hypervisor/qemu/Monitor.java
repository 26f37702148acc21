package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.ProcessIdentity;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.hypervisor.block.BlockMonitor;
import dev.holdfast.agent.qmp.QmpClient;
import dev.holdfast.agent.qmp.QmpEvent;
import dev.holdfast.agent.qmp.QmpEvents;
import dev.holdfast.agent.qmp.QmpException;
import dev.holdfast.agent.qmp.QmpFuture;
import dev.holdfast.agent.qmp.QmpReply;
import dev.holdfast.agent.qmp.QmpValue;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.function.Predicate;

/**
 * One connection to one QEMU process. Speaks in the errors of the driver port. Thread-safe.
 *
 * @param client the connection
 * @param identity the process
 * @param nanoClock monotonic nanoseconds
 */
record Monitor(QmpClient client, ProcessIdentity identity, LongSupplier nanoClock) implements BlockMonitor {
    /** For commands that only look or set something. A busy host answers in milliseconds; a hung QEMU never. */
    static final Duration QUICK = Duration.ofSeconds(3);

    private static final Duration STALLED = Duration.ofMillis(300);

    @Override
    public QmpValue call(String command, Map<String, ?> arguments, Duration timeout) throws HypervisorException {
        try {
            return client.execute(command, arguments, patience(timeout));
        } catch (QmpException e) {
            throw translate(e);
        }
    }

    @Override
    public QmpValue call(String command, Map<String, ?> arguments) throws HypervisorException {
        return call(command, arguments, QUICK);
    }

    QmpValue call(String command) throws HypervisorException {
        return call(command, Map.of(), QUICK);
    }

    @Override
    public boolean accepts(String command, Map<String, ?> arguments) throws HypervisorException {
        try {
            client.execute(command, arguments, patience(QUICK));
            return true;
        } catch (QmpException e) {
            if (e.kind() == QmpException.Kind.REJECTED) {
                return false;
            }
            throw translate(e);
        }
    }

    QmpReply await(QmpFuture future, Duration timeout) throws HypervisorException {
        try {
            return future.await(timeout);
        } catch (QmpException e) {
            throw translate(e);
        }
    }

    Optional<QmpEvent> await(QmpEvents events, Predicate<QmpEvent> fits, Duration timeout) throws HypervisorException {
        try {
            return events.await(fits, timeout);
        } catch (QmpException e) {
            throw translate(e);
        }
    }

    /** A QEMU that hangs shall not cost the full time for each of many commands of a clean-up. */
    private Duration patience(Duration timeout) {
        return client.isStalled() && timeout.compareTo(STALLED) > 0 ? STALLED : timeout;
    }

    /** Whom the process runs as, which it says anew each time: it is another one at its start than afterwards. */
    ProcessOwner owner() throws HypervisorException {
        return ProcessOwner.of(identity.pid());
    }

    VmStatus status() throws HypervisorException {
        return status(call("query-status"));
    }

    /** Whether the guest has shut down and QEMU was told to stay. */
    boolean isShutDown() throws HypervisorException {
        return call("query-status").path("status").asText().equals("shutdown");
    }

    /** Maps QEMU's RunState (qapi/run-state.json). */
    static VmStatus status(QmpValue reply) {
        return switch (reply.path("status").asText()) {
            case "running" -> VmStatus.RUNNING;
            case "postmigrate" -> VmStatus.CAPTURED;
            case "finish-migrate", "save-vm", "colo" -> VmStatus.CAPTURING;
            case "inmigrate" -> VmStatus.LOADING;
            case "io-error", "internal-error" -> VmStatus.IO_ERROR;
            case "guest-panicked", "shutdown" -> VmStatus.GUEST_ENDED;
            default -> VmStatus.PAUSED; // paused, prelaunch, restore-vm, suspended, watchdog, debug
        };
    }

    HypervisorException translate(QmpException e) {
        return new HypervisorException(kind(e), e.getMessage(), e);
    }

    private Kind kind(QmpException e) {
        return switch (e.kind()) {
            case REJECTED -> Kind.REFUSED;
            case TIMED_OUT -> Kind.UNKNOWN;
            case CLOSED -> endsSoon(identity, nanoClock) ? Kind.GONE : Kind.UNKNOWN;
        };
    }

    /** A process that dies closes its sockets some milliseconds before it is gone. */
    static boolean endsSoon(ProcessIdentity identity, LongSupplier nanoClock) {
        return identity.endsWithin(STALLED, nanoClock);
    }

    /** What is left of a bound that began at {@code startNanos}; at least zero. */
    Duration left(long startNanos, Duration bound) {
        Duration left = bound.minusNanos(nanoClock.getAsLong() - startNanos);
        return left.isNegative() ? Duration.ZERO : left;
    }
}
