package dev.holdfast.agent.fsck;

import dev.holdfast.coordinator.protocol.Name;

/**
 * One thing to be done about a finding, on one node. Idempotent: who carries it out looks first whether there is still a reason.
 * Immutable.
 *
 * @param node where
 * @param vm whose chain or process it is about; of an {@link Act#ACKNOWLEDGE} the node that is gone
 * @param act what is done
 * @param subject what it is done to: a path, a snapshot, an operation or the token of a mark; says which with {@code act}
 */
public record Repair(Name node, Name vm, Act act, String subject) {

    /** What can be done. Declared in the order in which repairs are carried out. */
    public enum Act {
        /** A freeze is past its bound: let the guest run, if we had stopped it, and take the mark away. */
        THAW("let it run and take the mark of the freeze away"),
        /** A mark of a freeze without a process: take it away. */
        UNMARK("take the mark of the freeze away"),
        /** The head of the chain leads nowhere, and it is certain where it has to. */
        MEND_HEAD("make the head lead to the newest data again"),
        /** Files that the chain needs lie in {@code lost/}. */
        PUT_BACK("put it back from lost/"),
        /** A change of the chain that was cut short, and whose end is known. */
        FINISH("bring the change of the chain to its end"),
        /** The catalogue has the checkpoint, and the sidecar of the part is missing or cannot be read. */
        RESTORE("write its sidecar anew from the catalogue, if its layers and its memory are certainly what they were"),
        /** The catalogue has the checkpoint, the part still waits for the decision. */
        PUBLISH("make it count, as was decided"),
        /** The catalogue has no such checkpoint: the part becomes a snapshot of its machine alone, which a person can delete. */
        RELEASE("make it a snapshot of this machine alone"),
        /** A decided round waits for a node that a person says is gone for good: done in the store, by whoever looks. */
        ACKNOWLEDGE("close it without the node that is gone"),
        /** Nothing needs a file. */
        QUARANTINE("move it to lost/"),
        /** A machine or a name is claimed by a round that is gone: done in the store, by whoever looks. */
        FREE("take the claim away"),
        /** Remove for good what is in {@code lost/}. Only if a person asks. */
        EMPTY_LOST("remove it for good");

        private final String text;

        Act(String text) {
            this.text = text;
        }

        /** For people: what would be done. */
        public String text() {
            return text;
        }
    }
}
