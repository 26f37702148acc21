package dev.holdfast.coordinator.replication;

/** Ways to break the rules on purpose, each of which was once a plausible reading of the design. Each must be noticed. */
enum Mutant {
    NONE,
    /** F5: with {@code continue}, a standby of any age is promoted. */
    CONTINUES_WITHOUT_MAX_STALE,
    /** How old a copy is is looked up before the old primary is proven gone, which may go on meanwhile. */
    AGE_BEFORE_PROOF,
    /** F5: nothing holds the guest while the standby is silent. */
    NOT_HELD,
    /** F5: the guest goes on as soon as the standby is lost, before that is recorded. */
    DETACHES_BEFORE_RECORDED,
    /** F6a: an agent that comes back believes the last epoch that was noted as committed. */
    FORGETS_COMMITTING,
    /** F6a: the epoch is acknowledged when its memory is there. */
    ACKNOWLEDGES_BEFORE_COMMITTED,
    /** An epoch's memory is sent although what the guest has written did not all get over. */
    SENDS_OVER_A_GAP,
    /** F6b: the set names nodes. */
    NODE_IS_COPY,
    /** F6c: a primary that crashed is booted in place, without a new generation. */
    BOOTS_WITHOUT_CLAIM,
    /** F6c: a revert leaves the record as it is. */
    REVERT_KEEPS_RECORD,
    /** F6c: after a revert the standby of before is taken for the standby of now. */
    GROWS_ACROSS_GENERATIONS,
    /** F6d: a clean stop leaves the standby in the set. */
    STOP_KEEPS_STANDBY,
    /** F6e: a read that shows no standby is taken for the end of the matter. */
    UNKNOWN_GROWTH_READ,
    /** F6e: as long as the growth of the set is not answered, nothing binds the primary. */
    UNBOUND_WHILE_GROWING,
    /** F6f: promotion without proof. */
    NEEDS_NO_PROOF,
    /** A copy that the store does not list is promoted. */
    PROMOTES_OUT_OF_SYNC,
    /** After the first epoch the guest runs without a bound until the rules hear of it. */
    RUNS_BEFORE_BOUND,
    /** The same, after an epoch of a guest that was held: its bound has passed. */
    RUNS_AFTER_BOUND,
    /** The bound is kept by the agent alone. */
    LAG_DIES_WITH_AGENT,
    /** Output of an epoch leaves when its memory is sent. */
    RELEASES_BEFORE_COMMITTED,
    /** A switchover without an answer of the store is called off. */
    CALLS_OFF_UNKNOWN_HANDOVER,
    /** A promoted copy counts as lasting before its disks are rolled back. */
    KEEPS_COPY_BEFORE_ROLLBACK,
    /** Promoted in the middle of a commit. */
    PROMOTES_MID_COMMIT,
    /** A copy that has run on unrecorded is overwritten without a person's word. */
    RESEEDS_STRAYED,
    /** A standby that is stopped throws its copy away, whoever may need it. */
    STOPPED_STANDBY_DROPS,
    /** A standby that is stopped ends where it is, in the middle of a commit, too. */
    RESTS_MID_COMMIT,
    /** A failover that comes to nothing is taken for a crash. */
    FAILED_FAILOVER_DROPS,
    /** Who is promoted while he is demoted goes on. */
    DEMOTED_GOES_ON,
    /** Whatever epoch is on its way when a primary is to leave is taken for the last one. */
    TAKES_ANY_EPOCH_FOR_THE_LAST,
    /** The agent that comes back while the machine is being given up lets it run again. */
    FORGETS_LEAVING
}
