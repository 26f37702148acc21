package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.replication.MemoryIntake;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;

/** An epoch without memory. */
record EpochOfDisks(long epoch) implements EpochArrival {
    @Override
    public OptionalInt slot() {
        return OptionalInt.empty();
    }

    @Override
    public Optional<Path> socket() {
        return Optional.empty();
    }

    @Override
    public MemoryIntake claim() throws HypervisorException {
        throw new HypervisorException(HypervisorException.Kind.REFUSED, "epoch " + epoch + " has no memory");
    }

    @Override
    public void complete(Duration patience) {}

    @Override
    public void stop() {}

    @Override
    public void close() {}
}
