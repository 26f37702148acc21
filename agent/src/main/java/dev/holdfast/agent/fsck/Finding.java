package dev.holdfast.agent.fsck;

import java.util.Optional;

/**
 * One thing that is not as it should be. Immutable.
 *
 * @param node the node it was found on; empty for what concerns the cluster
 * @param subject a machine, a group or a checkpoint
 * @param kind how bad it is
 * @param text what it is
 * @param remedy what a person does about it; empty if the repair is all there is to do
 * @param repair what {@code --repair} does
 */
public record Finding(String node, String subject, Kind kind, String text, String remedy, Optional<Repair> repair) {

    /** How bad it is. */
    public enum Kind {
        /** It has to be put right. */
        PROBLEM,
        /** Nothing needs it. */
        LEFTOVER,
        /** It could not be looked at, so nobody knows. */
        UNSEEN,
        /** What a recovery took away; no fault. */
        LOST,
        /** It was not looked at, because something is under way on it; no fault. */
        PASSED;

        /** Whether a person, or a repair, has something to do. */
        public boolean isFault() {
            return this != LOST && this != PASSED;
        }
    }

    /** Whether another look has found the same; why something could not be looked at may have another reason each time. */
    public boolean isTheSameAs(Finding other) {
        return equals(other)
                || (kind == Kind.UNSEEN || kind == Kind.PASSED)
                        && other.kind == kind
                        && node.equals(other.node)
                        && subject.equals(other.subject);
    }

    static Finding problem(String node, String subject, String text, String remedy) {
        return new Finding(node, subject, Kind.PROBLEM, text, remedy, Optional.empty());
    }

    static Finding unseen(String node, String subject, String text, String remedy) {
        return new Finding(node, subject, Kind.UNSEEN, text, remedy, Optional.empty());
    }

    static Finding passed(String node, String subject, String text, String remedy) {
        return new Finding(node, subject, Kind.PASSED, text, remedy, Optional.empty());
    }

    static Finding repairable(Kind kind, String text, Repair repair) {
        return new Finding(repair.node().value(), repair.vm().value(), kind, text, "", Optional.of(repair));
    }
}
