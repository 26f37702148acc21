package dev.holdfast.agent.hypervisor.qemu;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Where QEMU is and where its sockets go. Immutable.
 *
 * @param emulator name or path of the program
 * @param firmwareDirectories given as {@code -L}, for a QEMU that is not installed in the usual place
 * @param moduleDirectory {@code QEMU_MODULE_DIR} for such a QEMU
 * @param runDirectory holds {@code vms/NAME/} with sockets and pid files
 * @param scopes whether each machine gets a cgroup scope of its own by systemd-run
 * @param user what QEMU becomes once it has opened what its command line names; empty: it stays what the agent is
 * @param sandbox whether it is kept from system calls that no machine needs
 */
public record QemuSettings(
        String emulator,
        List<Path> firmwareDirectories,
        Optional<Path> moduleDirectory,
        Path runDirectory,
        boolean scopes,
        Optional<String> user,
        boolean sandbox) {
    private static final Path SYSTEMD = Path.of("/run/systemd/system");

    /** The installed QEMU, with scopes where systemd runs. */
    public static QemuSettings installed(Path runDirectory) {
        return of("qemu-system-x86_64", runDirectory);
    }

    /** An emulator by its name or path, with scopes where systemd runs. */
    public static QemuSettings of(String emulator, Path runDirectory) {
        return new QemuSettings(
                emulator,
                List.of(),
                Optional.empty(),
                runDirectory,
                Files.isDirectory(SYSTEMD),
                Optional.empty(),
                true);
    }

    /**
     * A QEMU unpacked from its packages into a directory, without installing it.
     *
     * @param root holds {@code usr/bin/qemu-system-x86_64}
     */
    public static QemuSettings unpacked(Path root, Path runDirectory) {
        return new QemuSettings(
                root.resolve("usr/bin/qemu-system-x86_64").toString(),
                List.of(
                        root.resolve("usr/share/qemu"),
                        root.resolve("usr/share/seabios"),
                        Path.of("/usr/lib/ipxe/qemu")),
                Optional.of(root.resolve("usr/lib/x86_64-linux-gnu/qemu")),
                runDirectory,
                Files.isDirectory(SYSTEMD),
                Optional.empty(),
                true);
    }

    /** The same with firmware and modules of its own. */
    public QemuSettings with(List<Path> firmware, Optional<Path> modules) {
        return new QemuSettings(emulator, firmware, modules, runDirectory, scopes, user, sandbox);
    }

    /** The same with other rights. */
    public QemuSettings with(Optional<String> becomes, boolean sandboxed) {
        return new QemuSettings(
                emulator, firmwareDirectories, moduleDirectory, runDirectory, scopes, becomes, sandboxed);
    }

    public QemuSettings {
        firmwareDirectories = List.copyOf(firmwareDirectories);
    }

    Map<String, String> environment() {
        return moduleDirectory.map(d -> Map.of("QEMU_MODULE_DIR", d.toString())).orElse(Map.of());
    }
}
