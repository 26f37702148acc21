package dev.holdfast.agent.doctor;

/**
 * One thing that was looked at. Immutable; goes over the wire.
 *
 * @param node the node; empty for the cluster as a whole
 * @param subject what was looked at
 * @param verdict how it is
 * @param text what was found
 * @param remedy what to do about it; empty if all is well
 */
public record Check(String node, String subject, Verdict verdict, String text, String remedy) {

    /** How something is. */
    public enum Verdict {
        /** As it should be. */
        OK,
        /** It works, and will not for long, or not if something else fails. */
        WARNING,
        /** It does not work. */
        FAILED,
        /** It could not be looked at. */
        UNKNOWN
    }

    static Check ok(String node, String subject, String text) {
        return new Check(node, subject, Verdict.OK, text, "");
    }

    static Check warning(String node, String subject, String text, String remedy) {
        return new Check(node, subject, Verdict.WARNING, text, remedy);
    }

    static Check failed(String node, String subject, String text, String remedy) {
        return new Check(node, subject, Verdict.FAILED, text, remedy);
    }

    static Check unknown(String node, String subject, String text, String remedy) {
        return new Check(node, subject, Verdict.UNKNOWN, text, remedy);
    }
}
