package dev.holdfast.agent.control;

import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * The commands of the control socket and the arguments each may have; others are refused. The names on the wire have a
 * dot: {@code checkpoint.create}. Durations are texts with a unit ({@code "5s"}), names follow
 * {@link dev.holdfast.coordinator.protocol.Name}.
 */
public enum ControlCommand {
    CHECKPOINT_CREATE(
            Effect.CHANGES,
            "group",
            "name",
            "description",
            "method",
            "quiesce",
            "max_pause",
            "deadline",
            "allow_degraded",
            "dry_run",
            "wait"),
    CHECKPOINT_LIST(Effect.READS, "group"),
    CHECKPOINT_SHOW(Effect.READS, "group", "name"),
    CHECKPOINT_REVERT(Effect.CHANGES, "group", "name", "paused", "dry_run", "deadline", "wait"),
    CHECKPOINT_DELETE(Effect.CHANGES, "group", "name", "dry_run"),
    CHECKPOINT_VERIFY(Effect.CHANGES, "group", "name"),
    CHECKPOINT_ABORT(Effect.CHANGES, "group"),
    CHECKPOINT_PRUNE(Effect.CHANGES, "group", "keep_last", "dry_run"),
    SNAPSHOT_CREATE(
            Effect.CHANGES,
            "vm",
            "name",
            "description",
            "method",
            "quiesce",
            "max_pause",
            "deadline",
            "allow_degraded",
            "dry_run"),
    SNAPSHOT_LIST(Effect.READS, "vm"),
    SNAPSHOT_SHOW(Effect.READS, "vm", "name"),
    SNAPSHOT_REVERT(Effect.CHANGES, "vm", "name", "paused"),
    SNAPSHOT_DELETE(Effect.CHANGES, "vm", "name"),
    VM_LIST(Effect.READS),
    VM_SHOW(Effect.READS, "vm"),
    VM_START(Effect.CHANGES, "vm", "paused", "placed"),
    VM_STOP(Effect.CHANGES, "vm", "timeout", "force", "placed"),
    VM_FREEZE(Effect.CHANGES, "vm", "deadline"),
    VM_THAW(Effect.CHANGES, "vm"),
    /** Tells where its console is, on which one can also type. */
    VM_CONSOLE(Effect.OPENS, "vm"),
    /** The only one with an argument that is a path: {@code file}. */
    VM_IMPORT_DISK(Effect.READS_FILES, "vm", "disk", "file", "in_place"),
    /** Tells what the definition of a machine would be that somebody else has made. */
    VM_ADOPT(Effect.OPENS, "domain", "name", "group"),
    VM_MIGRATE(Effect.CHANGES, "vm", "to", "bandwidth", "downtime", "timeout", "copy_disks", "force", "placed"),
    VM_MIGRATE_FROM(Effect.CHANGES, "vm", "timeout"),
    /** This node takes part in a machine's replication from now on. */
    REPLICA_START(Effect.CHANGES, "vm"),
    /** It does not any more; a primary's guest is asked to shut down. */
    REPLICA_STOP(Effect.CHANGES, "vm", "timeout"),
    REPLICA_PROMOTE(Effect.CHANGES, "vm", "timeout"),
    REPLICA_DEMOTE(Effect.CHANGES, "vm", "timeout"),
    REPLICA_SHOW(Effect.READS, "vm"),
    REPLICA_SWITCHOVER(Effect.CHANGES, "vm", "to", "timeout", "dry_run"),
    REPLICA_RESYNC(Effect.CHANGES, "vm", "discard_node"),
    GROUP_LIST(Effect.READS),
    GROUP_SHOW(Effect.READS, "group"),
    GROUP_ADD(Effect.CHANGES, "group", "vm"),
    GROUP_REMOVE(Effect.CHANGES, "group", "vm"),
    SCHEDULE_LIST(Effect.READS, "group"),
    SCHEDULE_SET(
            Effect.CHANGES,
            "group",
            "every",
            "cron",
            "zone",
            "keep_last",
            "description",
            "method",
            "quiesce",
            "max_pause",
            "deadline",
            "allow_degraded"),
    SCHEDULE_REMOVE(Effect.CHANGES, "group"),
    CLUSTER_STATUS(Effect.READS),
    CLUSTER_PAUSE(Effect.CHANGES, "reason"),
    CLUSTER_RESUME(Effect.CHANGES),
    CLUSTER_HISTORY(Effect.READS, "limit"),
    NODE_FSCK(Effect.CHANGES, "repair", "empty_lost", "gone"),
    /** Only looks, but at every node and its disks, which may take long. */
    NODE_DOCTOR(Effect.CHANGES),
    CLUSTER_ADOPT_STORE(Effect.CHANGES),
    CLUSTER_FORGET(Effect.CHANGES, "node", "force");

    private enum Effect {
        READS(Right.STATUS),
        OPENS(Right.ADMINISTRATION),
        CHANGES(Right.ADMINISTRATION),
        READS_FILES(Right.ROOT);

        private final Right right;

        Effect(Right right) {
            this.right = right;
        }
    }

    private final Effect effect;
    private final Set<String> arguments;

    ControlCommand(Effect effect, String... arguments) {
        this.effect = effect;
        this.arguments = Set.copyOf(new TreeSet<>(Set.of(arguments)));
    }

    /** The name on the wire. */
    public String word() {
        String lower = name().toLowerCase(Locale.ROOT);
        int end = lower.indexOf('_');
        return lower.substring(0, end) + "." + lower.substring(end + 1);
    }

    /** The arguments it may have. */
    public Set<String> arguments() {
        return arguments;
    }

    /** Whether it only looks, so that an answer is due within seconds. */
    public boolean onlyReads() {
        return effect == Effect.READS || effect == Effect.OPENS;
    }

    /** What the caller has to have. */
    public Right right() {
        return effect.right;
    }

    /** The command of that name on the wire. */
    public static Optional<ControlCommand> of(String word) {
        for (ControlCommand command : values()) {
            if (command.word().equals(word)) {
                return Optional.of(command);
            }
        }
        return Optional.empty();
    }
}
