package dev.holdfast.agent.control;

import dev.holdfast.agent.unix.PeerCredentials;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Who may use the control socket. Called for each connection; must not block. */
@FunctionalInterface
public interface AccessPolicy {

    /** What this peer may do at most; empty if it may not even connect. */
    Optional<Right> rightOf(PeerCredentials peer);

    /**
     * Everything for root and the user the agent runs as, administration for members of the group that owns the socket. The
     * socket's mode says the same; this holds too when somebody has changed the mode.
     */
    static AccessPolicy administrators(Path socket) throws IOException {
        return of(socket, Right.ROOT, Right.ADMINISTRATION);
    }

    /** Nobody may do more than look on this socket: root, the user the agent runs as, and members of its group. */
    static AccessPolicy readers(Path socket) throws IOException {
        return of(socket, Right.STATUS, Right.STATUS);
    }

    private static AccessPolicy of(Path socket, Right owners, Right members) throws IOException {
        long group = ((Number) Files.getAttribute(socket, "unix:gid")).longValue();
        long self = ((Number) Files.getAttribute(Path.of("/proc/self"), "unix:uid")).longValue();
        return peer -> {
            if (peer.uid() == 0 || peer.uid() == self) {
                return Optional.of(owners);
            }
            boolean member =
                    peer.gids().contains(group) || supplementaryGroups(peer).contains(Long.toString(group));
            return member ? Optional.of(members) : Optional.empty();
        };
    }

    /**
     * SO_PEERCRED, which is all the library asks for, tells the primary group only, and an administrator usually has the
     * admin group as another one. The process table tells the others; its entry counts only if the user is the same, so
     * that a number taken over by another process does not help.
     */
    private static Set<String> supplementaryGroups(PeerCredentials peer) {
        try {
            List<String> status = Files.readAllLines(Path.of("/proc/" + peer.pid() + "/status"));
            boolean sameUser = words(status, "Uid:").contains(Long.toString(peer.uid()));
            return sameUser ? words(status, "Groups:") : Set.of();
        } catch (IOException e) {
            return Set.of(); // It has ended already, and needs no answer.
        }
    }

    private static Set<String> words(List<String> status, String key) {
        return status.stream()
                .filter(line -> line.startsWith(key))
                .flatMap(line -> Stream.of(line.substring(key.length()).strip().split("\\s+")))
                .collect(Collectors.toSet());
    }
}
