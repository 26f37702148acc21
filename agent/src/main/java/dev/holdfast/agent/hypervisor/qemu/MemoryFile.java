package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.files.OwnFile;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import java.io.FileDescriptor;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * The memory image: created by us with its space reserved, written by QEMU through a descriptor we hand over. A disk that
 * fills up while a background capture writes would freeze the guest for good on QEMU 7.2, hence the reservation.
 */
final class MemoryFile implements MemorySink {
    private static final long SLACK = 64L << 20;
    private static final int SLACK_PERCENT = 5;
    private static final int MAX_SECONDS = 60;

    private final Path path;
    private final RandomAccessFile file;
    private final Flush flush;

    private MemoryFile(Path path, RandomAccessFile file, Durability durability) {
        this.path = path;
        this.file = file;
        this.flush = new Flush(path, () -> {
            // QEMU writes through a duplicate of this descriptor, so they share one position: the end of its output.
            long size = file.getFilePointer();
            file.setLength(size);
            durability.force(file.getChannel());
            return size;
        });
    }

    /** Makes what was written durable; blocks for as long as the storage takes. */
    interface Durability {
        void force(FileChannel channel) throws IOException;
    }

    /** Bytes to reserve for a machine: its RAM, the page headers, and the state of its devices. */
    static long reservation(long memoryBytes) {
        return memoryBytes + memoryBytes / 100 * SLACK_PERCENT + SLACK;
    }

    static MemoryFile create(Path path, long memoryBytes) throws HypervisorException {
        return create(path, memoryBytes, channel -> channel.force(true));
    }

    static MemoryFile create(Path path, long memoryBytes, Durability durability) throws HypervisorException {
        if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            throw new HypervisorException(Kind.REFUSED, "the memory image " + path + " exists already");
        }
        Optional<Path> hanging = Flush.hangingBeside(path);
        if (hanging.isPresent()) {
            // Each would reserve the size of the machine's memory, until nothing is left for the disks.
            throw new HypervisorException(
                    Kind.REFUSED,
                    "the storage has not made " + hanging.get()
                            + " durable yet, whose capture was given up: no other memory image"
                            + " is begun beside it; look at that storage, and capture the disks only until it answers");
        }
        long bytes = reservation(memoryBytes);
        try {
            // Guest memory holds secrets.
            OwnFile.requirePrivate(path.toAbsolutePath().getParent());
            OwnFile.create(path).close();
            RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw");
            try {
                reserve(path, bytes);
                return new MemoryFile(path, file, durability);
            } catch (IOException | HypervisorException e) {
                file.close();
                Files.deleteIfExists(path);
                throw e;
            }
        } catch (IOException e) {
            throw new HypervisorException(Kind.REFUSED, "cannot create the memory image " + path + ": " + e, e);
        }
    }

    /** The JDK has no fallocate. Keeping the size lets the file's length tell what QEMU wrote. */
    private static void reserve(Path path, long bytes) throws IOException, HypervisorException {
        ProcessBuilder builder =
                new ProcessBuilder("fallocate", "--keep-size", "--length", Long.toString(bytes), path.toString());
        builder.environment().put("LC_ALL", "C");
        Process process = builder.redirectErrorStream(true).start();
        try {
            if (!process.waitFor(MAX_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new HypervisorException(
                        Kind.UNKNOWN, "reserving " + bytes + " bytes for " + path + " hangs; look at its storage");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            process.destroyForcibly();
            throw new HypervisorException(Kind.UNKNOWN, "reserving space was interrupted", e);
        }
        if (process.exitValue() == 0) {
            return;
        }
        String words = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        if (words.contains("No space left") || words.contains("quota") || words.contains("File too large")) {
            throw new HypervisorException(
                    Kind.NO_SPACE,
                    "the memory image " + path + " needs " + (bytes >> 20) + " MiB and only "
                            + (path.toFile().getUsableSpace() >> 20)
                            + " MiB are free; make room or capture the disks only");
        }
        throw new HypervisorException(
                Kind.REFUSED,
                "cannot reserve space for " + path + ": " + words
                        + "; put checkpoints on a file system that has fallocate (ext4, xfs, btrfs, tmpfs)");
    }

    @Override
    public FileDescriptor descriptor() throws IOException {
        return file.getFD();
    }

    /** Shares its position with {@link #descriptor}. */
    FileChannel channel() {
        return file.getChannel();
    }

    @Override
    public long seal() throws HypervisorException {
        try {
            return flush.run()
                    .orElseThrow(
                            () -> new HypervisorException(
                                    Kind.UNKNOWN,
                                    path
                                            + " was not on stable storage when its capture was given up; look at the storage under it"));
        } catch (IOException e) {
            throw new HypervisorException(Kind.FAILED, "cannot make " + path + " durable: " + e.getMessage(), e);
        }
    }

    @Override
    public void cutOff() {
        flush.giveUp();
    }

    @Override
    public void remove() throws HypervisorException {
        cutOff();
        close();
        removeName();
    }

    /** The bytes stay until the file is closed. */
    void removeName() throws HypervisorException {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            throw new HypervisorException(Kind.FAILED, "cannot remove " + path + ": " + e.getMessage(), e);
        }
    }

    /** Does not wait for a thread that hangs in the flush: then the file is closed when that goes on. */
    @Override
    public void close() {
        flush.afterwards(this::closeFile);
    }

    private void closeFile() {
        try {
            file.close();
        } catch (IOException e) {
            // Everything that matters was forced before.
        }
    }

    @Override
    public String toString() {
        return path.toString();
    }
}
