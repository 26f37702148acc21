package dev.holdfast.agent.hypervisor.uml;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.ProcessIdentity;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;

/**
 * The run directory of one machine's processes: pid files, sockets, and the disks as its kernel sees them. A directory with disks mounted
 * in it cannot be moved, so that the machine itself is where the link {@code place} leads.
 *
 * @param path {@code RUN/vms/NAME/INSTANCE}
 */
record UmlDirectory(Path path) {
    /** The word for the machine that was not started beside another process of its own. */
    private static final String OWN = "own";

    /** What the kernel is told to call itself. */
    static final String KERNEL = "uml";

    private static final String PLACE = "place";
    private static final int MAX_SOCKET_PATH = 100;

    /** @param root {@code RUN/vms/NAME} */
    static UmlDirectory of(Path root, Optional<String> instance) throws HypervisorException {
        String machine = machine(root);
        if (instance.isPresent() && instance.get().equals(machine)) {
            // It is the machine by now: as an instance it is there no more.
            return new UmlDirectory(root.resolve(instance.get() + "-gone"));
        }
        return new UmlDirectory(root.resolve(instance.orElse(machine)));
    }

    private static String machine(Path root) throws HypervisorException {
        Path link = root.resolve(PLACE);
        try {
            return Files.isSymbolicLink(link) ? Files.readSymbolicLink(link).toString() : OWN;
        } catch (IOException e) {
            throw new HypervisorException(Kind.UNKNOWN, "cannot read " + link + ": " + e, e);
        }
    }

    Path root() {
        return path.getParent();
    }

    Path pidFile() {
        return path.resolve("pid");
    }

    /** Made by the kernel of the guest, and removed by it when it halts; one that crashes leaves it. */
    Path mconsole() {
        return kernels().resolve("mconsole");
    }

    /** What the kernel makes for itself. */
    private Path kernels() {
        return path.resolve(KERNEL);
    }

    Path storagePidFile() {
        return path.resolve("storage.pid");
    }

    Path storageSocket() {
        return path.resolve("storage.sock");
    }

    Path disk(String id) {
        return path.resolve(id + ".disk");
    }

    Path console() {
        return path.resolve("console");
    }

    /** What is in the command line of each process of this machine's kernel: whole arguments, which nobody has who only looks for one. */
    private String word() {
        return "\0umid=" + KERNEL + "\0uml_dir=" + path + "/\0";
    }

    /** As {@link #word()}, of what shows it its disks. */
    private String storageWord() {
        return "\0--chardev\0socket,id=agent,path=" + storageSocket() + ",";
    }

    void create() throws HypervisorException {
        if (mconsole().toString().getBytes(StandardCharsets.UTF_8).length > MAX_SOCKET_PATH) {
            throw new HypervisorException(
                    Kind.REFUSED,
                    "the socket paths in " + path + " would be longer than the kernel allows (" + MAX_SOCKET_PATH
                            + " bytes); choose a shorter run_dir or a shorter name");
        }
        if (path.toString().matches(".*[ ,].*")) {
            throw new HypervisorException(
                    Kind.REFUSED,
                    "the kernel takes no path with a comma or a space, which " + path + " has; choose another run_dir");
        }
        try {
            Files.createDirectories(path);
            Files.setPosixFilePermissions(root(), PosixFilePermissions.fromString("rwxr-x---"));
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwxr-x---"));
            Path kernels = kernels();
            // One that finds a directory of another takes another name, and would not be found.
            for (Path old : List.of(
                    pidFile(),
                    pidFile().resolveSibling(pidFile().getFileName() + ".new"),
                    storagePidFile(),
                    storageSocket(),
                    console(),
                    mconsole(),
                    kernels.resolve("pid"),
                    kernels)) {
                Files.deleteIfExists(old);
            }
        } catch (IOException e) {
            throw new HypervisorException(Kind.REFUSED, "cannot prepare " + path + ": " + e, e);
        }
    }

    /** Makes this instance the machine itself. */
    void takePlace() throws HypervisorException {
        Path made = root().resolve(PLACE + ".new");
        try {
            Files.deleteIfExists(made);
            Files.createSymbolicLink(made, path.getFileName());
            Files.move(
                    made, root().resolve(PLACE), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new HypervisorException(Kind.FAILED, "cannot make " + path + " the place of the machine: " + e, e);
        }
    }

    /** The living process of the guest's kernel. */
    Optional<ProcessIdentity> process() throws HypervisorException {
        return noted(pidFile(), word());
    }

    /**
     * Whether the pid file names a process of this machine that has ended. One that is not there, or was not written whole, says nothing
     * of what lives.
     */
    boolean hasEnded() throws HypervisorException {
        try {
            return Files.readString(pidFile(), StandardCharsets.ISO_8859_1).matches("[0-9]{1,9}\n")
                    && process().isEmpty();
        } catch (NoSuchFileException e) {
            return false;
        } catch (IOException e) {
            throw new HypervisorException(Kind.UNKNOWN, "cannot read " + pidFile() + ": " + e, e);
        }
    }

    /** The living process that has the disks open. */
    Optional<ProcessIdentity> storage() throws HypervisorException {
        return noted(storagePidFile(), storageWord());
    }

    private static Optional<ProcessIdentity> noted(Path file, String word) throws HypervisorException {
        try {
            return ProcessIdentity.noted(file, word);
        } catch (IOException e) {
            throw new HypervisorException(Kind.UNKNOWN, "cannot read " + file + ": " + e, e);
        }
    }

    /** Takes the pid files away when what they name has ended: the numbers come to mean others. */
    void forgetProcesses() throws HypervisorException {
        try {
            Files.deleteIfExists(pidFile());
            Files.deleteIfExists(storagePidFile());
        } catch (IOException e) {
            throw new HypervisorException(Kind.FAILED, "cannot tidy up " + path + ": " + e, e);
        }
    }

    /** All processes of the guest's kernel: when the first of them is killed, the others live on and hold its files. */
    List<ProcessIdentity> tree() throws HypervisorException {
        return naming(word());
    }

    /** All that have been told to show the disks here: also one that has not written its pid file yet, or wrote it and lost it. */
    List<ProcessIdentity> storages() throws HypervisorException {
        return naming(storageWord());
    }

    private List<ProcessIdentity> naming(String word) throws HypervisorException {
        try {
            return ProcessIdentity.naming(word);
        } catch (IOException e) {
            throw new HypervisorException(Kind.UNKNOWN, "what runs in " + path + " cannot be told: " + e, e);
        }
    }

    /** Whether the guest's kernel has tidied up behind itself: it halted, and did not crash. */
    boolean isTidy() {
        return !Files.exists(mconsole(), LinkOption.NOFOLLOW_LINKS);
    }
}
