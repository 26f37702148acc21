package dev.holdfast.agent.storage;

import dev.holdfast.agent.process.BoundedProcess;
import dev.holdfast.agent.process.BoundedProcess.Ended;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** The tools that are installed on this node. Thread-safe. */
public final class HostCommands implements Commands {
    /** A line of some 600 bytes for each volume of a node. */
    private static final int LONGEST_OUTPUT = 16 << 20;

    @Override
    public Ended run(List<String> command, Duration bound) throws IOException {
        return BoundedProcess.run(with(BoundedProcess.WITH_THE_AGENT, command), bound, LONGEST_OUTPUT);
    }

    @Override
    public Optional<Ended> finish(List<String> command, Duration patience) throws IOException {
        return BoundedProcess.runOrLeave(with(List.of("setsid", "--wait"), command), patience);
    }

    private static List<String> with(List<String> before, List<String> command) {
        return Stream.concat(before.stream(), command.stream()).toList();
    }
}
