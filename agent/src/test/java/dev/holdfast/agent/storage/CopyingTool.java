package dev.holdfast.agent.storage;

import dev.holdfast.agent.process.BoundedProcess.Ended;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/** Stands in for {@code cp --reflink} on a file system that cannot: it copies, or says why not. Thread-safe. */
public final class CopyingTool implements Commands {
    private final Predicate<String> refuses;
    private final String refusal;

    private CopyingTool(Predicate<String> refuses, String refusal) {
        this.refuses = refuses;
        this.refusal = refusal;
    }

    /** Copies whatever it is told to. */
    public static CopyingTool willing() {
        return new CopyingTool(target -> false, "");
    }

    /** Copies nothing. */
    public static CopyingTool refusing(String why) {
        return new CopyingTool(target -> true, why);
    }

    /** As on a file system that shares blocks and has room for trials only. */
    public static CopyingTool withoutRoom() {
        return new CopyingTool(target -> !target.contains(".trial-"), "No space left on device");
    }

    @Override
    public Ended run(List<String> command, Duration bound) throws IOException {
        String target = command.get(command.size() - 1);
        if (refuses.test(target)) {
            return new Ended(1, "cp: failed to clone: " + refusal);
        }
        Files.copy(Path.of(command.get(command.size() - 2)), Path.of(target), StandardCopyOption.REPLACE_EXISTING);
        return new Ended(0, "");
    }

    @Override
    public Optional<Ended> finish(List<String> command, Duration patience) {
        throw new AssertionError("nobody waits for a clone any longer");
    }
}
