package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.ProcessIdentity;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The run directory of one process: its pid file and sockets.
 *
 * @param path {@code RUN/vms/NAME} or, beside it, {@code RUN/vms/NAME/INSTANCE}
 * @param root {@code RUN/vms/NAME} in both cases
 */
record VmDirectory(Path path, Path root) {
    private static final int MAX_SOCKET_PATH = 100;
    private static final List<String> MOVED = List.of(
            "qmp.sock",
            "guard.sock",
            "rescue.sock",
            "qga.sock",
            "console.sock",
            "console",
            "qemu.log",
            "start.log",
            "pid");

    static VmDirectory of(Path runDirectory, Name vm, Optional<String> instance) {
        Path root = runDirectory.resolve("vms").resolve(vm.value());
        return new VmDirectory(instance.map(root::resolve).orElse(root), root);
    }

    Path pidFile() {
        return path.resolve("pid");
    }

    Path agentSocket() {
        return path.resolve("qmp.sock");
    }

    Path log() {
        return path.resolve("qemu.log");
    }

    Path file(String name) {
        return path.resolve(name);
    }

    void create() throws HypervisorException {
        if (file("console.sock").toString().getBytes(StandardCharsets.UTF_8).length > MAX_SOCKET_PATH) {
            throw new HypervisorException(
                    HypervisorException.Kind.REFUSED,
                    "the socket paths in " + path + " would be longer than the kernel allows (" + MAX_SOCKET_PATH
                            + " bytes); choose a shorter run_dir or a shorter name");
        }
        try {
            Files.createDirectories(path);
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwxr-x---"));
            for (String name : MOVED) {
                if (!name.equals("console")) {
                    Files.deleteIfExists(file(name));
                }
            }
        } catch (IOException e) {
            throw new HypervisorException(HypervisorException.Kind.REFUSED, "cannot prepare " + path + ": " + e, e);
        }
    }

    /** Lets others pass the directory of all machines; each machine's own is opened to its user alone. */
    void letPass() throws HypervisorException {
        Path all = Objects.requireNonNull(root.getParent());
        try {
            Files.setPosixFilePermissions(all, PosixFilePermissions.fromString("rwx--x--x"));
        } catch (IOException e) {
            throw new HypervisorException(HypervisorException.Kind.REFUSED, "cannot prepare " + all + ": " + e, e);
        }
    }

    /**
     * The living process of the pid file, if its command line says that it is ours. Where sockets are left and the file is not,
     * that proves nothing: then it is looked for among all processes.
     */
    Optional<ProcessIdentity> process() throws HypervisorException {
        try {
            if (Files.exists(pidFile()) || !Files.exists(agentSocket())) {
                return ProcessIdentity.noted(pidFile(), root + "/");
            }
            // What began in another instance has its place here once the directory of that one is gone.
            for (ProcessIdentity process : ProcessIdentity.naming("path=" + root + "/")) {
                if (!isOfAnother(process)) {
                    return Optional.of(process);
                }
            }
            return Optional.empty();
        } catch (IOException e) {
            throw new HypervisorException(HypervisorException.Kind.UNKNOWN, "cannot read " + pidFile() + ": " + e, e);
        }
    }

    private boolean isOfAnother(ProcessIdentity process) throws IOException {
        if (!path.equals(root)) {
            return !process.names("path=" + path + "/");
        }
        try (DirectoryStream<Path> others = Files.newDirectoryStream(root, Files::isDirectory)) {
            for (Path other : others) {
                if (process.names("path=" + other + "/")) {
                    return true;
                }
            }
        }
        return false;
    }

    /** A living process that has a socket of the machine and that no pid file names; empty if there is none. */
    OptionalLong unnoted() throws IOException {
        Set<String> noted = new HashSet<>();
        if (Files.isDirectory(root)) {
            try (Stream<Path> files = Files.walk(root, 2)) {
                for (Path file : files.filter(f -> f.endsWith("pid")).toList()) {
                    noted.add(Files.readString(file).strip());
                }
            }
        }
        return ProcessIdentity.naming("path=" + root + "/").stream()
                .mapToLong(ProcessIdentity::pid)
                .filter(pid -> !noted.contains(Long.toString(pid)))
                .findFirst();
    }

    /**
     * Moves this instance's files to the place of the machine itself. Sockets are found by their inode, so they live on. The
     * pid file comes last: until then it is this instance, and {@link #putBack} undoes a move that was cut off.
     */
    VmDirectory moveTo(VmDirectory target) throws IOException {
        for (String name : MOVED) {
            if (Files.exists(file(name))) {
                Files.move(file(name), target.file(name), StandardCopyOption.ATOMIC_MOVE);
            }
        }
        Files.deleteIfExists(path);
        return target;
    }

    /** Undoes a move to the place of the machine that came to no end: this instance has its pid file and not the socket that goes first. */
    void putBack() throws HypervisorException {
        if (path.equals(root) || !Files.exists(pidFile()) || Files.exists(agentSocket())) {
            return;
        }
        VmDirectory machine = new VmDirectory(root, root);
        try {
            for (String name : MOVED) {
                if (!Files.exists(machine.pidFile()) && Files.exists(machine.file(name)) && !Files.exists(file(name))) {
                    Files.move(machine.file(name), file(name), StandardCopyOption.ATOMIC_MOVE);
                }
            }
        } catch (IOException e) {
            throw new HypervisorException(HypervisorException.Kind.UNKNOWN, "cannot tidy " + path + ": " + e, e);
        }
    }
}
