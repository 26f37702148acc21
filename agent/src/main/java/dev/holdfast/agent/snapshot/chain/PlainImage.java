package dev.holdfast.agent.snapshot.chain;

import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.json.DurableFile;
import dev.holdfast.agent.process.BoundedProcess;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A raw image that is not under Holdfast yet and becomes a layer as it is: a file gets another name, a block device gets a link to it.
 * Immutable; blocks for seconds.
 *
 * @param file without links, if it is a file; a device keeps the name that it was given, because others may not last
 * @param form raw or a device
 */
public record PlainImage(Path file, ImageForm form) {
    private static final Duration LOOK = Duration.ofSeconds(30);
    /** S_IFMT and S_IFBLK of stat(2). */
    private static final int FILE_TYPE = 0_170000;

    private static final int BLOCK_DEVICE = 0_060000;
    private static final int SECTOR_BYTES = 512;
    private static final Path BLOCK_DEVICES = Path.of("/sys/block");
    /** What the kernel calls devices in the order in which it finds them. */
    private static final Pattern FLEETING =
            Pattern.compile("/dev/((s|h|v|xv)d[a-z]+[0-9]*|nvme[0-9]+n[0-9]+(p[0-9]+)?|(dm-|md)[0-9]+)");

    private static final Pattern IN_TREE = Pattern.compile("NAME=\"(.*)\" TYPE=\"(.*)\" MOUNTPOINT=\"(.*)\"");

    /**
     * Looks and touches nothing.
     *
     * @throws ChainException it cannot be taken as it is, with what to do
     */
    public static PlainImage of(Path file, QemuImages images) throws IOException {
        if (FLEETING.matcher(file.toString()).matches()) {
            throw new ChainException(
                    file + " may be another device after the next boot of the host; name it by what lasts, as in"
                            + " /dev/disk/by-id, /dev/mapper or the directory of its volume group");
        }
        boolean device = (number(file, "unix:mode") & FILE_TYPE) == BLOCK_DEVICE;
        Path own = device ? file.toAbsolutePath().normalize() : file.toRealPath();
        if (device) {
            requireUnused(own);
        } else if (number(own, "unix:nlink") > 1) {
            throw new ChainException(
                    own + " has another name as well (a hard link), by which it could be used without Holdfast;"
                            + " remove that, or import a copy without --in-place");
        } else {
            requireNoLoop(own);
        }
        String format = images.format(own);
        if (!format.equals(ImageForm.RAW.format())) {
            throw new ChainException(
                    "%s is of format %s, and only raw images are taken as they are; import a copy without --in-place"
                            .formatted(own, format));
        }
        if (!device && Files.size(own) % SECTOR_BYTES != 0) {
            throw new ChainException(
                    "%s has %d bytes, and disks have whole sectors of %d; round it up: truncate -s %%%d %s"
                            .formatted(own, Files.size(own), SECTOR_BYTES, SECTOR_BYTES, own));
        }
        return new PlainImage(own, device ? ImageForm.DEVICE : ImageForm.RAW);
    }

    private static int number(Path file, String attribute) throws IOException {
        return ((Number) Files.getAttribute(file, attribute)).intValue();
    }

    /** What goes through a loop device takes no lock on the file behind it. */
    private static void requireNoLoop(Path file) throws IOException {
        if (!Files.isDirectory(BLOCK_DEVICES)) {
            return;
        }
        try (DirectoryStream<Path> loops = Files.newDirectoryStream(BLOCK_DEVICES, "loop*")) {
            for (Path loop : loops) {
                if (behind(loop).filter(file.toString()::equals).isPresent()) {
                    throw new ChainException(
                            "%s is in use: /dev/%s lies on it; unmount that and detach it (losetup --detach /dev/%2$s), or import a copy without --in-place"
                                    .formatted(file, loop.getFileName()));
                }
            }
        }
    }

    private static Optional<String> behind(Path loop) throws IOException {
        try {
            return Optional.of(
                    Files.readString(loop.resolve("loop/backing_file")).strip());
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    private static void requireUnused(Path device) throws IOException {
        List<String> tree = List.of("lsblk", "-n", "-P", "-o", "NAME,TYPE,MOUNTPOINT", device.toString());
        BoundedProcess.Ended ended = BoundedProcess.run(tree, LOOK);
        if (ended.status() != 0) {
            throw new ChainException("\"%s\" failed: %s".formatted(String.join(" ", tree), ended.output()));
        }
        Optional<String> user = ended.output()
                .lines()
                .skip(1)
                .flatMap(line -> user(line).stream())
                .findFirst();
        Optional<String> mounted =
                ended.output().lines().flatMap(line -> place(line).stream()).findFirst();
        if (user.isPresent() || mounted.isPresent()) {
            throw new ChainException("%s is in use: %s; take that away, or name another device"
                    .formatted(device, mounted.or(() -> user).orElseThrow()));
        }
    }

    /** What stands on a device. A partition is content, which nobody need use. */
    private static Optional<String> user(String line) {
        Matcher matcher = IN_TREE.matcher(line);
        return matcher.matches() && !matcher.group(2).equals("part")
                ? Optional.of("%s (%s) stands on it".formatted(matcher.group(1), matcher.group(2)))
                : Optional.empty();
    }

    private static Optional<String> place(String line) {
        Matcher matcher = IN_TREE.matcher(line);
        return matcher.matches() && !matcher.group(3).isEmpty()
                ? Optional.of("%s is mounted on %s".formatted(matcher.group(1), matcher.group(3)))
                : Optional.empty();
    }

    /** Whether a path leads to it. A device is the same one by whatever name. */
    public boolean isReachedBy(Path other) throws IOException {
        if (!Files.exists(other)) {
            return false;
        }
        if (form == ImageForm.RAW) {
            return Files.isSameFile(other, file);
        }
        return (number(other, "unix:mode") & FILE_TYPE) == BLOCK_DEVICE
                && Files.getAttribute(other, "unix:rdev").equals(Files.getAttribute(file, "unix:rdev"));
    }

    /** Whether it has been put there. */
    public boolean isAt(Path place) throws IOException {
        if (!Files.exists(place, LinkOption.NOFOLLOW_LINKS)) {
            return false;
        }
        return form == ImageForm.DEVICE
                ? Files.isSymbolicLink(place) && Files.readSymbolicLink(place).equals(file)
                : Files.isSameFile(place, file);
    }

    /**
     * Puts it there, where nothing is yet. Durable on return.
     *
     * @throws ChainException that is another file system; nothing was moved
     */
    public void put(Path place) throws IOException {
        if (form == ImageForm.DEVICE) {
            Files.createSymbolicLink(place, file);
        } else {
            if (!Files.getFileStore(place.getParent()).equals(Files.getFileStore(file))) {
                throw new ChainException(
                        ("%s and %s are on different file systems, and it is moved by a rename; copy it to that"
                                        + " one first, or import a copy without --in-place")
                                .formatted(file, place.getParent()));
            }
            Files.move(file, place, StandardCopyOption.ATOMIC_MOVE);
            DurableFile.flushDirectory(file.getParent());
        }
        DurableFile.flushDirectory(place.getParent());
    }
}
