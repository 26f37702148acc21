package dev.holdfast.agent.cli;

import dev.holdfast.agent.config.Quantity;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** How a checkpoint or a snapshot is taken. */
final class CaptureOptions {
    @Option(names = "--description", paramLabel = "TEXT", description = "free text, kept with it")
    private @Nullable String description;

    @ArgGroup
    private @Nullable Kind kind;

    @Option(
            names = "--method",
            paramLabel = "METHOD",
            description = "how memory is captured: auto, background, live or stop")
    private @Nullable Method method;

    @Option(
            names = "--quiesce",
            paramLabel = "WHEN",
            defaultValue = "no",
            description = "let the guest flush its file systems first: no, try or require (needs its agent)")
    private Quiesce quiesce = Quiesce.no;

    @Option(
            names = "--max-pause",
            paramLabel = "TIME",
            description = "undo it if a guest stands still longer than this")
    private @Nullable Duration maxPause;

    @Option(
            names = "--deadline",
            paramLabel = "TIME",
            description = "the guard lets guests run after this (as configured)")
    private @Nullable Duration deadline;

    @Option(
            names = "--allow-degraded",
            description = "also of disks on DRBD whose other node is away, or has not all of them yet")
    private boolean allowDegraded;

    @Option(names = "--dry-run", description = "check, tell what would happen, and do nothing")
    private boolean dryRun;

    /** Memory and disks, or disks alone. */
    private static final class Kind {
        @Option(names = "--memory", description = "memory and disks (the default)")
        private boolean memory;

        @Option(names = "--disk-only", description = "disks alone: a revert boots the guest")
        private boolean diskOnly;
    }

    /** As they are typed. */
    enum Method {
        auto,
        background,
        live,
        stop
    }

    /** As they are typed. */
    enum Quiesce {
        no,
        TRY,
        require
    }

    boolean dryRun() {
        return dryRun;
    }

    boolean diskOnly() {
        return kind != null && kind.diskOnly;
    }

    /** @param command complains if the options do not fit together */
    void addTo(Map<String, @Nullable Object> arguments, RemoteCommand command) {
        if (diskOnly() && method != null) {
            throw command.usage("--method is about memory, and --disk-only keeps none");
        }
        arguments.put("description", description);
        arguments.put("method", method(diskOnly()));
        arguments.put("quiesce", quiesce.name().toLowerCase(Locale.ROOT));
        arguments.put("max_pause", maxPause == null ? null : Quantity.text(maxPause));
        arguments.put("deadline", deadline == null ? null : Quantity.text(deadline));
        arguments.put("allow_degraded", allowDegraded ? true : null);
        arguments.put("dry_run", dryRun);
    }

    private String method(boolean diskOnly) {
        if (diskOnly) {
            return "disk_only";
        }
        return method == null ? Method.auto.name() : method.name();
    }
}
