package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.files.OwnFile;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a standby's directory says about the last epoch, in one line: {@code committed 7 1}, or {@code committing 8 0} while its
 * disks may or may not have followed yet; {@code committed 7 -} if it has no memory.
 *
 * @param committed false while it is being committed
 * @param epoch its number
 * @param slot which of the two memory files is its; empty if it consists of disks alone
 */
record EpochRecord(boolean committed, long epoch, OptionalInt slot) {
    private static final String FILE = "epoch";
    private static final String NONE = "-";
    private static final Pattern LINE = Pattern.compile("(committed|committing) ([0-9]{1,18}) ([01-])\n");

    static Optional<EpochRecord> read(Path directory) throws HypervisorException {
        Path file = directory.resolve(FILE);
        try {
            if (!Files.exists(file)) {
                return Optional.empty();
            }
            Matcher matcher = LINE.matcher(Files.readString(file));
            if (!matcher.matches()) {
                throw new HypervisorException(
                        Kind.FAILED,
                        file + " is damaged, so the copy cannot be used; end the standby and build another");
            }
            return Optional.of(new EpochRecord(
                    matcher.group(1).equals("committed"),
                    Long.parseLong(matcher.group(2)),
                    matcher.group(3).equals(NONE)
                            ? OptionalInt.empty()
                            : OptionalInt.of(Integer.parseInt(matcher.group(3)))));
        } catch (IOException e) {
            throw new HypervisorException(Kind.UNKNOWN, "cannot read " + file + ": " + e.getMessage(), e);
        }
    }

    /** The age of an epoch is that of its memory, also when its commit is completed hours later. */
    private void keepAge(Path next, Path directory) throws IOException {
        Path before = directory.resolve(FILE);
        String committing = "committing " + epoch + " ";
        if (committed && Files.exists(before) && Files.readString(before).startsWith(committing)) {
            Files.setLastModifiedTime(next, Files.getLastModifiedTime(before));
        }
    }

    /** Replaces the one before; on stable storage when it returns. */
    void write(Path directory) throws HypervisorException {
        String memory = slot.isPresent() ? Integer.toString(slot.getAsInt()) : NONE;
        String line = (committed ? "committed " : "committing ") + epoch + " " + memory + "\n";
        Path next = directory.resolve(FILE + ".new");
        try (FileChannel file = OwnFile.replace(next);
                FileChannel entries = FileChannel.open(directory, StandardOpenOption.READ)) {
            file.write(ByteBuffer.wrap(line.getBytes(StandardCharsets.UTF_8)));
            file.force(true);
            keepAge(next, directory);
            Files.move(next, directory.resolve(FILE), StandardCopyOption.ATOMIC_MOVE);
            entries.force(true);
        } catch (IOException e) {
            throw new HypervisorException(
                    Kind.UNKNOWN, "cannot write down epoch " + epoch + " in " + directory + ": " + e, e);
        }
    }
}
