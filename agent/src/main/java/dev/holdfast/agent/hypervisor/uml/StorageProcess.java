package dev.holdfast.agent.hypervisor.uml;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.ImageLink;
import dev.holdfast.agent.hypervisor.ProcessIdentity;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.block.ImageNode;
import dev.holdfast.agent.hypervisor.block.Overlays;
import dev.holdfast.agent.process.BoundedProcess;
import dev.holdfast.agent.qmp.QmpValue;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;

/** The life of the process that shows a machine its disks. It outlives the agent. Thread-safe. */
final class StorageProcess {
    private static final Path FUSE = Path.of("/dev/fuse");
    private static final Path MOUNTS = Path.of("/proc/self/mounts");
    private static final Duration START = Duration.ofSeconds(20);
    private static final Duration END = Duration.ofSeconds(5);

    private final UmlDirectory directory;
    private final LongSupplier nanoClock;

    StorageProcess(UmlDirectory directory, LongSupplier nanoClock) {
        this.directory = directory;
        this.nanoClock = nanoClock;
    }

    /** Starts it, and returns when the disks are there. */
    StorageDaemon start(UmlSettings settings, VmDefinition vm) throws HypervisorException {
        List<String> command = new ArrayList<>(UmlCommandLine.scope(settings, directory, vm, "-storage"));
        command.addAll(words(settings, vm));
        try {
            if (!Files.exists(FUSE)) {
                throw new IOException(FUSE + " is not there; load the kernel's module fuse");
            }
            for (VmDefinition.Disk disk : vm.disks()) {
                Path file = directory.disk(disk.id());
                unmount(file);
                Files.deleteIfExists(file);
                Files.createFile(file);
            }
            BoundedProcess.Ended ended = BoundedProcess.run(command, START);
            if (ended.status() != 0) {
                throw new IOException(ended.output());
            }
            ProcessIdentity identity = directory
                    .storage()
                    .orElseThrow(() -> new IOException(settings.storageDaemon() + " ended right after its start"));
            return StorageDaemon.connect(directory.storageSocket(), identity, nanoClock);
        } catch (IOException e) {
            throw new HypervisorException(
                    Kind.REFUSED, "the disks of " + vm.name() + " cannot be opened: " + e.getMessage(), e);
        }
    }

    private List<String> words(UmlSettings settings, VmDefinition vm) throws HypervisorException {
        List<String> words = new ArrayList<>(List.of(
                settings.storageDaemon(),
                "--daemonize",
                "--pidfile",
                directory.storagePidFile().toString()));
        for (VmDefinition.Disk disk : vm.disks()) {
            String node = Overlays.node(disk.id(), 0);
            words.addAll(List.of("--blockdev", QmpValue.write(ImageNode.options(node, layer(disk)))));
            Map<String, ?> export = Map.of(
                    "type",
                    "fuse",
                    "id",
                    StorageDaemon.export(disk.id()),
                    "node-name",
                    node,
                    "mountpoint",
                    directory.disk(disk.id()).toString(),
                    "writable",
                    true,
                    // The guest's driver never flushes a file that it takes for a raw image: what is written is flushed
                    // at once.
                    "writethrough",
                    true);
            words.addAll(List.of("--export", QmpValue.write(export)));
        }
        String socket = directory.storageSocket().toString().replace(",", ",,");
        words.addAll(List.of("--chardev", "socket,id=agent,path=" + socket + ",server=on,wait=off"));
        words.addAll(List.of("--monitor", "chardev=agent"));
        return words;
    }

    /** The layer's own name: the head is another one after the next cut. */
    private static Path layer(VmDefinition.Disk disk) throws HypervisorException {
        try {
            return ImageLink.follow(disk.path());
        } catch (IOException e) {
            throw new HypervisorException(
                    Kind.REFUSED,
                    "disk %s: cannot open %s (%s); check that the storage is there"
                            .formatted(disk.id(), disk.path(), e.getMessage()),
                    e);
        }
    }

    /**
     * Ends it: asks, then KILL; and takes away the files that it showed, and those that say which processes there were. The kernel of the
     * guest must be gone.
     *
     * @throws HypervisorException UNKNOWN if it does not end
     */
    void end(Optional<StorageDaemon> connection) throws HypervisorException {
        for (ProcessIdentity process : directory.storages()) {
            end(process, connection.filter(own -> own.identity().equals(process)));
        }
        unmountAll();
        directory.forgetProcesses();
    }

    private void end(ProcessIdentity process, Optional<StorageDaemon> connection) throws HypervisorException {
        askToEnd(connection, process);
        if (process.endsWithin(END, nanoClock)) {
            return;
        }
        process.signal(true);
        if (!process.endsWithin(END, nanoClock)) {
            throw new HypervisorException(
                    Kind.UNKNOWN,
                    "process %d, which has the disks of %s open, does not end although it was killed; its storage"
                                    .formatted(process.pid(), directory.path())
                            + " hangs in the kernel");
        }
    }

    private void askToEnd(Optional<StorageDaemon> connection, ProcessIdentity process) {
        if (connection.isPresent() && connection.get().isAlive()) {
            quit(connection.get());
            return;
        }
        try (StorageDaemon own = StorageDaemon.connect(directory.storageSocket(), process, nanoClock)) {
            quit(own);
        } catch (HypervisorException e) {
            // It hangs, or somebody else talks to it: the signals need no answer.
            process.signal(false);
        }
    }

    private static void quit(StorageDaemon daemon) {
        try {
            daemon.call("quit", Map.of());
        } catch (HypervisorException e) {
            daemon.identity().signal(false); // It may have ended before it answered.
        }
    }

    private void unmountAll() throws HypervisorException {
        try {
            String inside = asMounted(directory.path()) + "/";
            for (String mounted : mounted()) {
                if (mounted.startsWith(inside) && mounted.indexOf('/', inside.length()) < 0) {
                    unmount(directory.path().resolve(mounted.substring(inside.length())));
                }
            }
        } catch (IOException e) {
            throw new HypervisorException(Kind.FAILED, "cannot unmount the disks in " + directory.path() + ": " + e, e);
        }
    }

    /** One that was killed leaves its files mounted, and each use of them fails. */
    private static void unmount(Path file) throws IOException {
        if (mounted().contains(asMounted(file))) {
            BoundedProcess.Ended ended = BoundedProcess.run(List.of("umount", "--lazy", file.toString()), END);
            if (ended.status() != 0) {
                throw new IOException(ended.output());
            }
        }
    }

    /** Where something is mounted, each byte a character: what others mount may have names in any encoding. */
    private static List<String> mounted() throws IOException {
        return Files.readAllLines(MOUNTS, StandardCharsets.ISO_8859_1).stream()
                .map(line -> line.split(" ")[1])
                .toList();
    }

    private static String asMounted(Path file) {
        return new String(file.toString().getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
    }
}
