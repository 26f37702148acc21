package dev.holdfast.agent.hypervisor.block;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.qmp.QmpValue;
import java.time.Duration;
import java.util.Map;
import java.util.function.LongSupplier;

/** Talks to the program that has the block nodes, in the errors of the driver port. No method blocks for more than seconds. */
public interface BlockMonitor {
    /** Executes a command. @throws HypervisorException REFUSED in the program's own words */
    QmpValue call(String command, Map<String, ?> arguments) throws HypervisorException;

    /** As {@link #call(String, Map)}, within a bound of its own. */
    QmpValue call(String command, Map<String, ?> arguments, Duration timeout) throws HypervisorException;

    /** Executes, and takes a refusal for an answer. */
    boolean accepts(String command, Map<String, ?> arguments) throws HypervisorException;

    /** Monotonic nanoseconds. */
    LongSupplier nanoClock();
}
