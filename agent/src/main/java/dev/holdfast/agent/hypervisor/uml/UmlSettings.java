package dev.holdfast.agent.hypervisor.uml;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * Where User-Mode Linux is and where its sockets go. Immutable.
 *
 * @param kernel name or path of the program that a machine without a kernel of its own runs
 * @param storageDaemon name or path of qemu-storage-daemon
 * @param environment of the kernels, besides what they inherit
 * @param runDirectory holds {@code vms/NAME/} with sockets and pid files
 * @param scopes whether each machine gets a cgroup scope of its own by systemd-run
 */
public record UmlSettings(
        String kernel, String storageDaemon, Map<String, String> environment, Path runDirectory, boolean scopes) {
    private static final Path SYSTEMD = Path.of("/run/systemd/system");

    public UmlSettings {
        environment = Map.copyOf(environment);
    }

    /** The installed one, with scopes where systemd runs. The memory of its guests is in files of {@code /dev/shm}. */
    public static UmlSettings installed(Path runDirectory) {
        return new UmlSettings(
                "linux.uml",
                "qemu-storage-daemon",
                Map.of("TMPDIR", "/dev/shm"),
                runDirectory,
                Files.isDirectory(SYSTEMD));
    }
}
