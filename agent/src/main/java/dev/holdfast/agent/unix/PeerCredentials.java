package dev.holdfast.agent.unix;

import java.util.List;

/**
 * Who is at the other end, as the kernel noted it when the connection was made (SO_PEERCRED, SO_PEERGROUPS).
 *
 * @param pid process id, or -1 where the kernel does not tell
 * @param uid user id
 * @param gids group ids, the primary one first
 */
public record PeerCredentials(long pid, long uid, List<Long> gids) {
    /** Copies the list. */
    public PeerCredentials {
        gids = List.copyOf(gids);
    }
}
