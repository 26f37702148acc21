package dev.holdfast.agent.hypervisor.block;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.qmp.QmpClient;
import dev.holdfast.agent.qmp.QmpException;
import dev.holdfast.agent.qmp.QmpValue;
import java.time.Duration;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

/**
 * A program that has the disks of a machine open and is not the machine, over QMP. Thread-safe.
 *
 * @param client our connection
 * @param who it is, for messages
 * @param isAlive whether it still is
 * @param nanoClock monotonic nanoseconds
 */
public record QmpMonitor(QmpClient client, String who, BooleanSupplier isAlive, LongSupplier nanoClock)
        implements BlockMonitor {
    private static final Duration QUICK = Duration.ofSeconds(3);

    @Override
    public QmpValue call(String command, Map<String, ?> arguments) throws HypervisorException {
        return call(command, arguments, QUICK);
    }

    @Override
    public QmpValue call(String command, Map<String, ?> arguments, Duration timeout) throws HypervisorException {
        try {
            return client.execute(command, arguments, timeout);
        } catch (QmpException e) {
            Kind kind = switch (e.kind()) {
                case REJECTED -> Kind.REFUSED;
                case TIMED_OUT -> Kind.UNKNOWN;
                case CLOSED -> isAlive.getAsBoolean() ? Kind.UNKNOWN : Kind.GONE;
            };
            throw new HypervisorException(kind, who + ": " + e.getMessage(), e);
        }
    }

    @Override
    public boolean accepts(String command, Map<String, ?> arguments) throws HypervisorException {
        try {
            call(command, arguments);
            return true;
        } catch (HypervisorException e) {
            if (e.kind() == Kind.REFUSED) {
                return false;
            }
            throw e;
        }
    }
}
