package dev.holdfast.agent.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.holdfast.agent.process.BoundedProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** A real file system of 320 MiB in a file, mounted. Needs root and a kernel that knows it, or the test is left out and says so. One thread. */
public final class LoopFileSystem implements AutoCloseable {
    private static final Duration TOOL = Duration.ofSeconds(60);
    private static final String SIZE = "320M";

    private final Path point;

    /**
     * @param kind xfs, btrfs, ext4 or tmpfs
     * @param directory for the file and the place where it is mounted
     */
    public LoopFileSystem(String kind, Path directory) throws IOException {
        requireKernelWith(kind);
        point = Files.createDirectories(directory.resolve("mounted"));
        if (kind.equals("tmpfs")) {
            run("mount", "-t", kind, "-o", "size=" + SIZE, kind, point.toString());
            return;
        }
        if (tried("losetup", "--find").status() != 0) {
            skip("needs loop devices, of which this machine has none");
        }
        String image = directory.resolve(kind + ".img").toString();
        run("truncate", "-s", SIZE, image);
        run("mkfs." + kind, "-q", image);
        run("mount", "-t", kind, "-o", "loop", image, point.toString());
    }

    private static void requireKernelWith(String kind) throws IOException {
        if (!Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0)) {
            skip("only root may mount file systems");
        }
        // A kernel without modules has no such tool, either.
        boolean loaded =
                tried("sh", "-c", "modprobe --quiet \"$1\"", "modprobe", kind).status() == 0;
        boolean known =
                Files.readAllLines(Path.of("/proc/filesystems")).stream().anyMatch(line -> line.endsWith("\t" + kind));
        if (!loaded && !known) {
            skip("this kernel has no " + kind);
        }
    }

    private static void skip(String reason) {
        System.out.println("SKIPPED: " + reason);
        abort(reason);
    }

    /** Where it is mounted. */
    public Path point() {
        return point;
    }

    private static void run(String... command) throws IOException {
        BoundedProcess.Ended ended = tried(command);
        assertThat(ended.status())
                .as(String.join(" ", command) + ": " + ended.output())
                .isZero();
    }

    private static BoundedProcess.Ended tried(String... command) throws IOException {
        return BoundedProcess.run(List.of(command), TOOL);
    }

    @Override
    public void close() throws IOException {
        run("umount", point.toString());
    }
}
