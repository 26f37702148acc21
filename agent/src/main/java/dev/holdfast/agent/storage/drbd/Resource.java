package dev.holdfast.agent.storage.drbd;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A resource of DRBD as {@code drbdsetup status --verbose --statistics} tells of it, with the one device of it that was asked for. Versions 8.4
 * and 9 print the same. Immutable.
 *
 * @param role on this node
 * @param disk how the disk of this node is
 * @param bytes of the device, which are fewer than those of the disk if DRBD's own notes are on that, too
 */
record Resource(String name, String role, String disk, long bytes, List<Peer> peers) {
    private static final String UP_TO_DATE = "UpToDate";
    private static final String PRIMARY = "Primary";
    private static final Pattern OWN = Pattern.compile("(\\S+) .*?\\brole:(\\w+)");
    private static final Pattern SIZE = Pattern.compile(" size:(\\d+) ");
    private static final Pattern PEER = Pattern.compile(" {2}(\\S+) .*?\\bconnection:(\\w+)(?:.*?\\brole:(\\w+))?.*");

    /**
     * The other node, or one of them.
     *
     * @param connection Connected, or what is being done about it
     * @param replication Established, or what is being done for it
     * @param isClient whether it is meant to have no disk
     */
    record Peer(String name, String connection, String role, String replication, String disk, boolean isClient) {
        boolean isCurrent() {
            boolean whole = isClient || replication.equals("Established") && disk.equals(UP_TO_DATE);
            return connection.equals("Connected") && whole;
        }
    }

    Resource {
        peers = List.copyOf(peers);
    }

    /**
     * Understands what was printed.
     *
     * @throws IllegalArgumentException if it does not tell of this device
     */
    static Resource parse(String printed, int minor) {
        List<String> lines = printed.lines().toList();
        Matcher own = OWN.matcher(lines.isEmpty() ? "" : lines.get(0));
        Matcher device = Pattern.compile("(?m)^ {2}volume:(\\d+) minor:%d disk:(\\w+).*\\n(.*)$".formatted(minor))
                .matcher(printed);
        if (!own.lookingAt() || !device.find()) {
            throw new IllegalArgumentException("no device with number " + minor);
        }
        Matcher size = SIZE.matcher(device.group(3));
        if (!size.find()) {
            throw new IllegalArgumentException("no size of device " + minor);
        }
        List<Peer> peers = new ArrayList<>();
        for (int line = 1; line < lines.size(); line++) {
            Matcher peer = PEER.matcher(lines.get(line));
            if (peer.matches()) {
                peers.add(peer(peer, lines.subList(line + 1, lines.size()), device.group(1)));
            }
        }
        return new Resource(own.group(1), own.group(2), device.group(2), Long.parseLong(size.group(1)) << 10, peers);
    }

    /** @param rest lines after the peer's, of which the first about this volume is meant */
    private static Peer peer(Matcher peer, List<String> rest, String volume) {
        Pattern about = Pattern.compile(" {4}volume:%s replication:(\\w+) peer-disk:(\\w+)(.*)".formatted(volume));
        String replication = "Off";
        String disk = "DUnknown";
        boolean isClient = false;
        for (String line : rest) {
            Matcher found = about.matcher(line);
            if (found.matches()) {
                replication = found.group(1);
                disk = found.group(2);
                isClient = found.group(3).contains(" peer-client:yes");
            }
            if (found.matches() || PEER.matcher(line).matches()) {
                break;
            }
        }
        String role = peer.group(3) == null ? "Unknown" : peer.group(3);
        return new Peer(peer.group(1), peer.group(2), role, replication, disk, isClient);
    }

    boolean isPrimary() {
        return role.equals(PRIMARY);
    }

    /** Why its disk is not to be copied here. */
    List<String> obstacles() {
        List<String> obstacles = new ArrayList<>();
        if (!isPrimary()) {
            obstacles.add(
                    "DRBD resource %s is %s on this node; it is copied where it is Primary".formatted(name, role));
        }
        if (!disk.equals(UP_TO_DATE)) {
            obstacles.add(
                    "the disk of DRBD resource %s is %s on this node; wait until it is UpToDate: drbdadm status %s"
                            .formatted(name, disk, name));
        }
        for (Peer peer : peers) {
            if (peer.role().equals(PRIMARY)) {
                obstacles.add(
                        "DRBD resource %s is Primary on another node (%s), too; let one give it up: drbdadm secondary %s"
                                .formatted(name, peer.name(), name));
            }
        }
        return obstacles;
    }

    /** What is not as it should be with the others. */
    List<String> degraded() {
        return peers.stream()
                .filter(peer -> !peer.isCurrent())
                .map(peer -> "DRBD resource %s: %s is %s, replication %s, its disk %s"
                        .formatted(name, peer.name(), peer.connection(), peer.replication(), peer.disk()))
                .toList();
    }
}
