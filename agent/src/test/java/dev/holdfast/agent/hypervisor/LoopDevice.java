package dev.holdfast.agent.hypervisor;

import static org.junit.jupiter.api.Assumptions.abort;

import dev.holdfast.agent.process.BoundedProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * A block device that a file lies behind. Closing it detaches the file; who has it open keeps it until then.
 *
 * @param path of the device
 */
public record LoopDevice(Path path) implements AutoCloseable {
    private static final Duration TOOL = Duration.ofSeconds(30);

    /** Aborts the test, with the reason, where a process may not attach one. */
    public static LoopDevice of(Path file) throws IOException {
        if (!Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0)) {
            skip("only root may attach a file to a loop device");
        }
        BoundedProcess.Ended ended = BoundedProcess.run(List.of("losetup", "--find", "--show", file.toString()), TOOL);
        if (ended.status() != 0) {
            skip("no loop device can be had here: " + ended.output());
        }
        return new LoopDevice(Path.of(ended.output().strip()));
    }

    private static void skip(String reason) {
        System.out.println("SKIPPED: " + reason);
        abort(reason);
    }

    @Override
    public void close() throws IOException {
        BoundedProcess.Ended ended = BoundedProcess.run(List.of("losetup", "--detach", path.toString()), TOOL);
        if (ended.status() != 0) {
            throw new IOException(path + " stays attached: " + ended.output());
        }
    }
}
