package dev.holdfast.coordinator.replication;

/**
 * How a primary parts with its guest, and what of that is left. Immutable.
 *
 * @param why decides what happens on the way
 * @param epoch the last one that the standby has committed, while one is on its way; the one that the copy here is at, if its
 *     guest has not run; else 0
 * @param last the epoch that is on its way is the last of all: after any other one the guest runs on
 * @param guest its process is still there, and stands still
 * @param strayed it had run on unrecorded
 */
record Parting(Why why, long epoch, boolean last, boolean guest, boolean strayed) {

    /** What makes it leave. */
    enum Why {
        /** Somebody wants it to go on elsewhere; without the standby it stays. */
        SWITCHOVER,
        /** Pacemaker demotes it, whatever comes. */
        DEMOTED,
        /** The guest's process has crashed. */
        CRASHED,
        /** The guest was stopped by somebody's wish. */
        STOPPED,
        /** The guest has not run in this life. */
        UNSTARTED
    }

    /** Nothing is on its way to the standby, or nothing any more. */
    static Parting of(Why why, boolean guest, boolean strayed) {
        return new Parting(why, 0, false, guest, strayed);
    }

    /** The guest stands still, and what it did last goes over to the standby first. */
    static Parting sending(Why why, long epoch, boolean last) {
        return new Parting(why, epoch, last, true, false);
    }

    /** The guest has not run: its copy is as it was. */
    Parting unstarted(long at) {
        return new Parting(Why.UNSTARTED, at, false, false, strayed);
    }

    Parting because(Why other) {
        return new Parting(other, epoch, last, guest, strayed);
    }

    Parting withLastAfter(long committed) {
        return new Parting(why, committed, true, guest, strayed);
    }

    Parting withoutGuest() {
        return new Parting(why, epoch, last, false, strayed);
    }

    /** Nothing is on its way any more; what the copy of a guest that has not run is at stays. */
    Parting sent() {
        return new Parting(why, why == Why.UNSTARTED ? epoch : 0, false, guest, strayed);
    }

    boolean isSending() {
        return epoch > 0 && why != Why.UNSTARTED;
    }
}
