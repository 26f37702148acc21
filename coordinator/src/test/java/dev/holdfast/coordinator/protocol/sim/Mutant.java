package dev.holdfast.coordinator.protocol.sim;

/** Ways to break the protocol on purpose, each of which was once a plausible reading of the design. Each must be noticed. */
public enum Mutant {
    /** The protocol as it is. */
    NONE,
    /** The window of stillness ends when the capture answers, not when the last FROZEN was processed. */
    STILLNESS_ENDS_AT_CAPTURE,
    /** Nobody asks whether the machine stood still. */
    NO_STILLNESS_CHECK,
    /** A member thaws when its own capture is done. */
    THAW_BEFORE_ALL_FROZEN,
    /** DURABLE is sent while VOTED is still on its way to the journal. */
    VOTE_BEFORE_JOURNAL,
    /** The decision does not name the record's version, and a leader in doubt about ABORT goes on gathering votes. */
    DECISION_WITHOUT_VERSION,
    /** The decision does not check the epoch: only the ghost of I4 sees it. */
    DECISION_WITHOUT_EPOCH,
    /** Aborting takes the head back to the frozen layer. */
    ABORT_MOVES_HEAD_BACK,
    /** A journal is replayed on a node that has lost the machine to another one. */
    REPLAY_WITHOUT_VM,
    /** A reverted member runs its new side before the decision was read. */
    REVERT_THAWS_BEFORE_DECISION,
    /** A member in doubt takes "no record" or a timeout for ABORTED. */
    GIVES_UP_AFTER_VOTED,
    /** A member that finds no record throws its part away. */
    NO_RECORD_IS_ABORTED,
    /** FREEZE is accepted again by a member that has thawed. */
    FREEZE_ACCEPTED_TWICE,
    /** Nobody looks at the lease or the deadline: the agent's timer and the guard's are ignored. */
    DEADLINE_IGNORED,
    /** Neither the start of an agent nor the recovery of INTENT lets run what was left frozen. */
    RECOVERY_FORGETS_TO_THAW,
    /** Recovery of INTENT votes DURABLE. */
    RECOVERY_VOTES_DURABLE_ON_INTENT,
    /** The leader removes the record before all members have carried the decision out. */
    CLOSES_BEFORE_ALL_ACKNOWLEDGED,
    /** A new leader commits with votes missing. */
    NEW_LEADER_COMMITS_WITHOUT_ALL,
    /** The leader commits when all are ready. */
    COMMITS_ON_READY,
    /** FROZEN counts by number, so that one that comes twice counts twice. */
    FROZEN_COUNTED_TWICE,
    /** Claims stay when the round is closed. */
    CLAIMS_NOT_RELEASED,
    /** Claims vanish when the leader changes. */
    EPHEMERAL_CLAIMS,
    /** Revert: the guard is released before LOADED is in the journal. */
    GUARD_RELEASED_BEFORE_JOURNAL,
    /** Revert: nobody asks whether the guard had fired. */
    FIRED_GUARD_IGNORED,
    /** A member without a journal entry acknowledges a decision that it has not made true. */
    ACKNOWLEDGES_WITHOUT_CARRYING_OUT,
    /** A member acknowledges while its journal entry is still there. */
    ACKNOWLEDGES_BEFORE_JOURNAL_CLOSED,
    /** The leader looks for open rounds only when it takes office. */
    FINDS_ROUNDS_ONLY_ON_ELECTION,
    /** What the journal shows after a restart is taken for durable, although its write had failed. */
    RECOVERY_TRUSTS_UNFLUSHED,
    /** A member whose VOTED may or may not be in the journal throws its part away. */
    BINDING_GIVES_UP,
    /** A member whose journal cannot be read throws its part away, although it may be bound. */
    UNREADABLE_GIVES_UP,
    /** A member in doubt whose record is gone forgets the round, whatever is on its disks. */
    FORGETS_WITHOUT_LOOKING,
    /** A member in doubt whose record is gone does not look into the catalogue. */
    CATALOGUE_NOT_ASKED,
    /** A member in doubt whose record is gone takes that for ABORTED. */
    GONE_IS_ABORTED,
    /** A round is concluded from journals and disks: a member that has read the decision and not made it true yet is not asked. */
    CONCLUDES_BY_JOURNAL,
    /** A round is concluded although a member did not answer. */
    CONCLUDES_WITHOUT_ALL,
    /** A round is concluded in the same reign: what was sent before may land on the new record. */
    CONCLUDES_WITHOUT_EPOCH,
    /** A concluded record, which begins anew, is taken for an old view of the one before it. */
    CONCLUDED_IS_NOT_LATER,
    /** VOID does not let the machine run. */
    VOID_DOES_NOT_THAW,
    /** A freeze that was under way when the thaw was ordered is not noticed. */
    LATE_FREEZE_UNNOTICED,
    /** The machine is stopped without a guard that is armed. */
    UNARMED_FREEZE,
    /** The vote is sent before the part is on stable storage. */
    VOTES_BEFORE_DRAINED
}
