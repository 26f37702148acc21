package dev.holdfast.coordinator.replication;

/** Why something is refused; the words after it are for the administrator. */
public enum Reason {
    STORE_SILENT(
            "the store does not answer, and without it nobody knows which copy is current; bring back a majority of it"),
    STORE_OLDER("the store is older than this copy: it was restored or replaced; see 'holdfast cluster adopt-store'"),
    NO_RECORD("the store knows nothing of this machine although this copy was once part of its replication;"
            + " see 'holdfast cluster adopt-store'"),
    NO_COPY("this node has no copy of the machine; it gets one from the primary"),
    UNFINISHED("this node's copy is not complete yet: no epoch was ever committed on it"),
    COPY_REPLACED("the copy that was in sync on this node is gone, with its memory; this is another one"),
    OUT_OF_SYNC("this copy is behind: the primary has gone on without it"),
    TOO_OLD("the last epoch was committed here longer than max_stale ago"),
    NOT_PROVEN_GONE("nothing proves that the old primary is gone: its node is not fenced and has not left the cluster"),
    NO_FENCING("the old primary has not given the machine up, and without fencing nothing can prove that it is gone;"
            + " configure stonith"),
    STRAYED(
            "this copy has run on alone, unrecorded, and others have gone on from an earlier state; if what it did may be lost:"
                    + " 'holdfast vm resync --discard-node' with this node's name"),
    FOREIGN(
            "there are disks here that were never part of this machine's replication, and they would be overwritten; move them"
                    + " away, or 'holdfast vm resync --discard-node' with this node's name"),
    NEWER_COPY("this copy is newer than the primary that offers to replace it"),
    STILL_WANTED(
            "the node on which it ran last may still run it, because it is in the cluster, or nothing proves that it is gone; also if"
                    + " it was fenced and is back. Fence it ('stonith_admin --fence') and keep it off, or stop pacemaker there ('crm cluster"
                    + " stop'), then decide, and only then let it come back"),
    NOT_NAMED("a copy of another node is in sync as well; discard each of them by name, or promote it"),
    REVOKED("it was demoted or stopped meanwhile"),
    BUSY("another change of its role is under way"),
    PEER_LOST("the standby was lost on the way; the machine goes on here");

    private final String text;

    Reason(String text) {
        this.text = text;
    }

    /** What it means and what to do, for the administrator. */
    public String text() {
        return text;
    }
}
