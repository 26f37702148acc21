package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.replication.EpochContent;
import dev.holdfast.agent.hypervisor.replication.Replication;
import dev.holdfast.agent.hypervisor.replication.StandbyPlace;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** The directory of a standby and the empty images in it. */
final class StandbyFiles {
    private static final int SIZE_IN_HEADER = 24;
    private static final int MAX_SECONDS = 60;
    private static final long WRITES = 32L << 20;
    private static final int OTHERS_WRITE = 0_022;
    private static final int STICKY = 0_1000;

    private StandbyFiles() {}

    /** Makes it anew, with two empty images for each disk. Refused without room for all that is to come. */
    static void create(StandbyPlace place, VmDefinition vm, EpochContent content) throws HypervisorException {
        try {
            Files.createDirectories(place.directory());
            if (!isPrivate(place.directory())) {
                throw new HypervisorException(
                        Kind.REFUSED,
                        ("%s or the directory above it belongs to another user, or others may write there, and the memory"
                                        + " of %s is nobody's business: remove it, or choose another standby_dir")
                                .formatted(place.directory(), vm.name()));
            }
            remove(place);
            Files.setPosixFilePermissions(place.directory(), PosixFilePermissions.fromString("rwx------"));
            requireRoom(place, vm, content);
            for (VmDefinition.Disk disk : vm.disks()) {
                long bytes = size(disk.path());
                for (Path image : List.of(place.active(disk.id()), place.hidden(disk.id()))) {
                    create(image, bytes);
                }
            }
        } catch (IOException e) {
            throw new HypervisorException(
                    Kind.REFUSED,
                    "cannot prepare " + place.directory() + " for the standby of " + vm.name() + ": " + e,
                    e);
        }
    }

    /** The memory of two epochs, if they have any, and of each disk what the guest writes meanwhile; how much that is nobody knows before. */
    private static void requireRoom(StandbyPlace place, VmDefinition vm, EpochContent content)
            throws IOException, HypervisorException {
        long memory = switch (content) {
            case MEMORY_AND_DISKS -> 2 * vm.ownHardware().memoryBytes();
            case DISKS -> 0;
        };
        long needed = memory + WRITES * vm.disks().size();
        long free = Files.getFileStore(place.directory()).getUsableSpace();
        if (free < needed) {
            throw new HypervisorException(
                    Kind.REFUSED,
                    ("%s has %d MiB free, and a standby of %s needs %d: %s%d for each disk; make that"
                                    + " file system larger (mount -o remount,size=), or choose another standby_dir")
                            .formatted(
                                    place.directory(),
                                    free >> 20,
                                    vm.name(),
                                    needed >> 20,
                                    memory > 0 ? "twice its memory, and " : "",
                                    WRITES >> 20));
        }
    }

    /** In a directory that everybody may write to, somebody else may have been there first. */
    private static boolean isPrivate(Path directory) throws IOException {
        Path above = directory.toAbsolutePath().getParent();
        Object self = Files.getAttribute(Path.of("/proc/self"), "unix:uid");
        Object owner = Files.getAttribute(above, "unix:uid");
        int mode = (int) Files.getAttribute(above, "unix:mode");
        return Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)
                && Files.getAttribute(directory, "unix:uid", LinkOption.NOFOLLOW_LINKS)
                        .equals(self)
                && (owner.equals(self) || owner.equals(0))
                && ((mode & OTHERS_WRITE) == 0 || (mode & STICKY) != 0);
    }

    /** The size the guest sees (docs/interop/qcow2.txt: a big-endian number). */
    private static long size(Path qcow2) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(qcow2.toFile(), "r")) {
            file.seek(SIZE_IN_HEADER);
            return file.readLong();
        }
    }

    private static void create(Path image, long bytes) throws IOException, HypervisorException {
        Process process = new ProcessBuilder(
                        "qemu-img", "create", "-q", "-f", "qcow2", image.toString(), Long.toString(bytes))
                .redirectErrorStream(true)
                .start();
        try {
            if (!process.waitFor(MAX_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new HypervisorException(Kind.UNKNOWN, "making " + image + " hangs; look at its storage");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            process.destroyForcibly();
            throw new HypervisorException(Kind.UNKNOWN, "making " + image + " was interrupted", e);
        }
        if (process.exitValue() != 0) {
            String words = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            throw new HypervisorException(Kind.REFUSED, "cannot make " + image + ": " + words);
        }
    }

    /** Removes all but the memory of an epoch that its disks have been brought back to, and what says so. */
    static void keepMemory(StandbyPlace place, VmDefinition vm, EpochRecord last) throws HypervisorException {
        try {
            if (last.slot().isPresent()) {
                Files.deleteIfExists(EpochMemory.file(place, 1 - last.slot().getAsInt()));
            }
            for (VmDefinition.Disk disk : vm.disks()) {
                Files.deleteIfExists(place.hidden(disk.id()));
                Files.deleteIfExists(place.active(disk.id()));
            }
        } catch (IOException e) {
            throw new HypervisorException(
                    Kind.FAILED, "what " + place.directory() + " need not hold cannot be removed: " + e, e);
        }
    }

    /** The epoch of which the disks are and the memory is there, if it has any. */
    static Optional<Replication.AtRest> atRest(StandbyPlace place, VmDefinition vm) throws HypervisorException {
        boolean disks = vm.disks().stream().noneMatch(disk -> Files.exists(place.active(disk.id())));
        return EpochRecord.read(place.directory())
                .filter(record -> disks && record.committed())
                .map(record -> new Replication.AtRest(record.epoch(), memory(place, record)))
                .filter(rest -> rest.memory().stream().allMatch(Files::exists));
    }

    private static Optional<Path> memory(StandbyPlace place, EpochRecord record) {
        return record.slot().isPresent()
                ? Optional.of(EpochMemory.file(place, record.slot().getAsInt()))
                : Optional.empty();
    }

    /** Removes what a standby has left. Its process is gone. */
    static void remove(StandbyPlace place) throws HypervisorException {
        if (!Files.isDirectory(place.directory())) {
            return;
        }
        try {
            if (isPrivate(place.directory())) {
                empty(place.directory());
            }
        } catch (IOException e) {
            throw new HypervisorException(
                    Kind.FAILED,
                    "cannot empty " + place.directory() + ": " + e.getMessage() + "; is it the standby's alone?",
                    e);
        }
    }

    private static void empty(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
    }
}
