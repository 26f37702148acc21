package dev.holdfast.agent.hypervisor.qemu;

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
    public void complete(Duration patience) {}

    @Override
    public void end() {}

    @Override
    public void close() {}
}
