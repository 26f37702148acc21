package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.ImageForm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The user that a QEMU has become, and what it may open because of that. It opened what its command line names before; what it
 * is told to open later is lent to it: the file becomes its own, and it may pass the directories above, not write there. So it
 * cannot put a link where the agent will write. Immutable.
 *
 * @param uid user id
 * @param gid its primary group
 * @param groups all its groups
 * @param self the agent's user id; of the same user nothing has to be lent
 */
record ProcessOwner(int uid, int gid, Set<Integer> groups, int self) {
    private static final String LAYERS = "layers";
    private static final int EFFECTIVE = 1;
    private static final int GROUP = 0_070;
    private static final int GROUP_PASSES = 0_010;
    private static final int OWNER_PASSES = 0_100;
    private static final int OTHERS_PASS = 0_001;
    private static final int OWNER_USES = 0_600;
    private static final int GROUP_USES = 0_060;
    private static final int PERMISSIONS = 0_7777;
    /** Where a socket is made that the process itself binds: shorter than the name of any. */
    private static final String DOORWAY = ".d";

    /** What binds a socket. */
    @FunctionalInterface
    interface Binding {
        void bind(Path socket) throws HypervisorException;
    }

    static ProcessOwner of(long pid) throws HypervisorException {
        try {
            Path process = Path.of("/proc", Long.toString(pid), "status");
            int gid = numbers(process, "Gid:").get(EFFECTIVE);
            Set<Integer> groups = Stream.concat(Stream.of(gid), numbers(process, "Groups:").stream())
                    .collect(Collectors.toSet());
            return new ProcessOwner(
                    numbers(process, "Uid:").get(EFFECTIVE),
                    gid,
                    groups,
                    numbers(Path.of("/proc/self/status"), "Uid:").get(EFFECTIVE));
        } catch (IOException e) {
            throw new HypervisorException(Kind.UNKNOWN, "the user of process " + pid + " cannot be told: " + e, e);
        }
    }

    private static List<Integer> numbers(Path status, String key) throws IOException {
        Optional<String> found = Files.readAllLines(status).stream()
                .filter(line -> line.startsWith(key))
                .findFirst();
        String[] words = found.orElseThrow(() -> new IOException(status + " has no " + key))
                .substring(key.length())
                .strip()
                .split("\\s+");
        return Arrays.stream(words)
                .filter(word -> !word.isEmpty())
                .map(Integer::valueOf)
                .toList();
    }

    boolean isSelf() {
        return uid == self;
    }

    /** Whether it may use what belongs to this user and group, where -1 is everybody. */
    boolean mayUse(int owner, int group) {
        return (owner == -1 || owner == uid) && (group == -1 || groups.contains(group));
    }

    /** Lends the layers of chains among these files; what is not in a chain is left as it is. */
    void lendLayers(List<Path> files) throws HypervisorException {
        for (Path file : files) {
            if (!isSelf() && isLayer(file)) {
                lend(file, 2);
            }
        }
    }

    /** Lends a file, or a socket that it is to connect to. */
    void lend(Path file) throws HypervisorException {
        lend(file, 1);
    }

    /** @param directories how many of those above are the machine's, or the agent's for all machines */
    void lend(Path file, int directories) throws HypervisorException {
        if (isSelf()) {
            return;
        }
        try {
            openWay(file.toAbsolutePath(), directories);
            if (ImageForm.of(file).isDevice()) {
                requireDevice(file);
                return;
            }
            if (attribute(file, "unix:uid") != uid) {
                if (Files.isSymbolicLink(file)) {
                    throw new IOException("it is a symbolic link, and not one of ours");
                }
                Files.setAttribute(file, "unix:uid", uid, LinkOption.NOFOLLOW_LINKS);
            }
        } catch (IOException e) {
            throw new HypervisorException(
                    Kind.REFUSED,
                    "%s cannot be given to user %d, whom its QEMU runs as: %s".formatted(file, uid, e),
                    e);
        }
    }

    /** A device belongs to the host, whose udev would take it back. */
    private void requireDevice(Path link) throws IOException {
        int mode = number(Files.getAttribute(link, "unix:mode"));
        boolean owner = number(Files.getAttribute(link, "unix:uid")) == uid && (mode & OWNER_USES) == OWNER_USES;
        boolean group =
                groups.contains(number(Files.getAttribute(link, "unix:gid"))) && (mode & GROUP_USES) == GROUP_USES;
        if (!owner && !group) {
            throw new IOException("that user may not read and write " + link.toRealPath()
                    + "; give the device to it by a rule of udev, or have QEMU run as root");
        }
    }

    /**
     * Has the process bind a socket in a directory that it may not write to: it binds it in one that is its own for that
     * moment, and the socket is moved from there, by which it stays bound.
     */
    void bind(Path socket, Binding binding) throws HypervisorException {
        if (isSelf()) {
            binding.bind(socket);
            return;
        }
        Path doorway = socket.resolveSibling(DOORWAY);
        Path made = doorway.resolve("s");
        try {
            remove(doorway);
            Files.createDirectory(
                    doorway, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            lend(doorway);
            binding.bind(made);
            Files.move(made, socket, StandardCopyOption.ATOMIC_MOVE);
            remove(doorway);
            if (!Files.readAttributes(socket, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                    .isOther()) {
                Files.delete(socket);
                throw new IOException("what its QEMU made there is no socket");
            }
        } catch (IOException e) {
            throw new HypervisorException(Kind.REFUSED, "the socket " + socket + " cannot be made: " + e, e);
        }
    }

    private static void remove(Path doorway) throws IOException {
        if (Files.isDirectory(doorway, LinkOption.NOFOLLOW_LINKS)) {
            try (Stream<Path> left = Files.list(doorway)) {
                for (Path file : left.toList()) {
                    Files.delete(file);
                }
            }
        }
        Files.deleteIfExists(doorway);
    }

    private static boolean isLayer(Path file) {
        Path directory = file.getParent();
        return directory != null && directory.endsWith(LAYERS);
    }

    /** The directories of the machine let it pass; those above are the administrator's. */
    private void openWay(Path file, int directories) throws IOException {
        int level = 0;
        for (Path way = file.getParent(); way != null; way = way.getParent()) {
            if (level < directories) {
                letPass(way);
            }
            level++;
        }
        for (Path way = file.getParent(); way != null; way = way.getParent()) {
            if (!passes(way)) {
                throw new IOException("that user may not pass " + way + "; allow it: chmod o+x " + way);
            }
        }
    }

    private void letPass(Path directory) throws IOException {
        if (!passes(directory) && attribute(directory, "unix:uid") == self) {
            int mode = attribute(directory, "unix:mode") & PERMISSIONS;
            Files.setAttribute(directory, "unix:gid", gid, LinkOption.NOFOLLOW_LINKS);
            Files.setAttribute(directory, "unix:mode", mode & ~GROUP | GROUP_PASSES);
        }
    }

    private boolean passes(Path directory) throws IOException {
        int mode = attribute(directory, "unix:mode");
        if (attribute(directory, "unix:uid") == uid) {
            return (mode & OWNER_PASSES) != 0;
        }
        return (mode & (groups.contains(attribute(directory, "unix:gid")) ? GROUP_PASSES : OTHERS_PASS)) != 0;
    }

    private static int attribute(Path file, String name) throws IOException {
        return number(Files.getAttribute(file, name, LinkOption.NOFOLLOW_LINKS));
    }

    private static int number(Object attribute) {
        return ((Number) attribute).intValue();
    }
}
