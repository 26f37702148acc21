package dev.holdfast.agent.service;

import dev.holdfast.agent.cluster.CheckpointClient;
import dev.holdfast.agent.config.CheckpointSettings;
import dev.holdfast.agent.control.Arguments;
import dev.holdfast.agent.control.CommandTable;
import dev.holdfast.agent.control.ControlCommand;
import dev.holdfast.agent.control.ControlException;
import dev.holdfast.agent.control.ErrorCode;
import dev.holdfast.agent.control.Progress;
import dev.holdfast.agent.control.reply.Affected;
import dev.holdfast.agent.control.reply.CheckpointDetails;
import dev.holdfast.agent.control.reply.CheckpointList;
import dev.holdfast.agent.control.reply.Done;
import dev.holdfast.agent.control.reply.Verification;
import dev.holdfast.coordinator.engine.Coordinator.Wish;
import dev.holdfast.coordinator.port.Catalogue;
import dev.holdfast.coordinator.protocol.CheckpointRecord;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.RoundOptions;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import dev.holdfast.coordinator.protocol.RoundOptions.Quiesce;
import java.time.Duration;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** {@code checkpoint.*}. Thread-safe. */
public final class CheckpointCommands {

    private static final DateTimeFormatter STAMP =
            DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss").withZone(ZoneOffset.UTC);
    private static final Duration QUEUE_PATIENCE = Duration.ofMinutes(10);

    private final CheckpointSettings settings;
    private final CheckpointClient client;
    private final Catalogue catalogue;
    private final InstantSource clock;

    /**
     * @param settings durations unless the caller says otherwise
     * @param client reaches the leader and the members
     * @param catalogue the checkpoints there are
     * @param clock names checkpoints that the caller does not name
     */
    public CheckpointCommands(
            CheckpointSettings settings, CheckpointClient client, Catalogue catalogue, InstantSource clock) {
        this.settings = settings;
        this.client = client;
        this.catalogue = catalogue;
        this.clock = clock;
    }

    /** Adds the handlers. */
    public void register(CommandTable table) {
        table.register(ControlCommand.CHECKPOINT_CREATE, this::create)
                .register(ControlCommand.CHECKPOINT_LIST, this::list)
                .register(ControlCommand.CHECKPOINT_SHOW, this::show)
                .register(ControlCommand.CHECKPOINT_REVERT, this::revert)
                .register(ControlCommand.CHECKPOINT_DELETE, this::delete)
                .register(ControlCommand.CHECKPOINT_VERIFY, this::verify)
                .register(ControlCommand.CHECKPOINT_ABORT, this::abort)
                .register(ControlCommand.CHECKPOINT_PRUNE, this::prune);
    }

    Object create(Arguments arguments, Progress progress) throws ControlException, InterruptedException {
        Name name = arguments.optionalName("name").orElseGet(() -> new Name(STAMP.format(clock.instant())));
        Wish wish = wish(RoundKind.CHECKPOINT, arguments, name);
        if (arguments.flag("dry_run")) {
            return Failures.told(() -> client.predict(wish));
        }
        Failures.done(() -> client.run(wish, progress));
        try {
            return details(wish.group(), name);
        } catch (ControlException e) {
            // The checkpoint is there all the same: whoever asked must not take it again, or believe it failed.
            String why = Stream.of(String.valueOf(e.getMessage()), e.why())
                    .filter(text -> !text.isEmpty())
                    .collect(Collectors.joining(": "));
            return new Done(
                    "the checkpoint %s@%s is committed, but its record could not be read back (%s); see it later with"
                                    .formatted(wish.group(), name, why)
                            + " 'holdfast checkpoint show %s@%s'".formatted(wish.group(), name));
        }
    }

    private Object revert(Arguments arguments, Progress progress) throws ControlException, InterruptedException {
        Wish wish = wish(RoundKind.REVERT, arguments, arguments.name("name"));
        if (arguments.flag("dry_run")) {
            return Failures.told(() -> client.predict(wish));
        }
        Failures.done(() -> client.run(wish, progress));
        String how = wish.options().paused() ? "and paused there" : "and running";
        return new Done("the group %s is back at checkpoint %s %s".formatted(wish.group(), wish.checkpoint(), how));
    }

    private Wish wish(RoundKind kind, Arguments arguments, Name checkpoint) throws ControlException {
        try {
            RoundOptions options = new RoundOptions(
                            arguments
                                    .duration("deadline")
                                    .orElse(kind == RoundKind.REVERT ? settings.revertDeadline() : settings.deadline()),
                            settings.prepareTimeout(),
                            settings.drainTimeout(),
                            arguments.duration("max_pause").orElse(Duration.ZERO),
                            arguments.choice("method", CaptureMethod.class).orElse(CaptureMethod.AUTO),
                            arguments.choice("quiesce", Quiesce.class).orElse(Quiesce.NO),
                            arguments.flag("paused"),
                            arguments.text("description").orElse(""))
                    .withDegraded(arguments.flag("allow_degraded"));
            Duration patience = arguments.flag("wait", true) ? QUEUE_PATIENCE : Duration.ZERO;
            return client.wish(kind, arguments.name("group"), checkpoint, options, patience);
        } catch (IllegalArgumentException e) {
            throw ControlException.of(ErrorCode.BAD_REQUEST, String.valueOf(e.getMessage()));
        }
    }

    private CheckpointDetails details(Name group, Name name) throws ControlException, InterruptedException {
        return CheckpointDetails.of(find(group, name));
    }

    private CheckpointRecord find(Name group, Name name) throws ControlException, InterruptedException {
        return Failures.told(() -> catalogue.checkpoint(group, name))
                .orElseThrow(() -> new ControlException(
                        ErrorCode.NOT_FOUND,
                        "there is no checkpoint " + group + "@" + name,
                        "",
                        "'holdfast checkpoint list " + group + "' shows what there is"));
    }

    private Object show(Arguments arguments, Progress progress) throws ControlException, InterruptedException {
        return details(arguments.name("group"), arguments.name("name"));
    }

    private Object list(Arguments arguments, Progress progress) throws ControlException, InterruptedException {
        Optional<Name> wanted = arguments.optionalName("group");
        return Failures.told(() -> {
            List<CheckpointList.Row> rows = new ArrayList<>();
            for (Catalogue.Group group : catalogue.groups()) {
                if (wanted.isEmpty() || wanted.get().equals(group.name())) {
                    catalogue.checkpoints(group.name()).stream()
                            .map(CheckpointList.Row::of)
                            .forEach(rows::add);
                }
            }
            return new CheckpointList(rows);
        });
    }

    private Object delete(Arguments arguments, Progress progress) throws ControlException, InterruptedException {
        CheckpointDetails gone = details(arguments.name("group"), arguments.name("name"));
        String name = gone.name().value();
        if (arguments.flag("dry_run")) {
            return new Affected("would delete " + gone.group() + "@" + name, List.of(name), List.of(), gone.bytes());
        }
        Failures.done(() -> client.delete(gone.group(), gone.name()));
        return new Affected("deleted " + gone.group() + "@" + name, List.of(name), List.of(), gone.bytes());
    }

    private Object prune(Arguments arguments, Progress progress) throws ControlException, InterruptedException {
        Name group = arguments.name("group");
        long keep = arguments
                .number("keep_last", 0, 1_000_000)
                .orElseThrow(() -> ControlException.of(
                        ErrorCode.BAD_REQUEST, "how many checkpoints shall stay? use --keep-last N"));
        List<CheckpointRecord> all = Failures.told(() -> catalogue.checkpoints(group));
        int going = (int) Math.max(0, all.size() - keep);
        List<String> removed = new ArrayList<>();
        long bytes = 0;
        for (CheckpointRecord record : all.subList(0, going)) {
            if (!arguments.flag("dry_run")) {
                Failures.done(() -> client.delete(group, record.name()));
                progress.phase("delete", "deleted " + group + "@" + record.name());
            }
            removed.add(record.name().value());
            bytes += CheckpointDetails.of(record).bytes();
        }
        List<String> kept = all.subList(going, all.size()).stream()
                .map(record -> record.name().value())
                .toList();
        String verb = arguments.flag("dry_run") ? "would delete " : "deleted ";
        return new Affected(verb + going + " of " + all.size() + " checkpoints of " + group, removed, kept, bytes);
    }

    private Object verify(Arguments arguments, Progress progress) throws ControlException, InterruptedException {
        CheckpointRecord record = find(arguments.name("group"), arguments.name("name"));
        List<Verification.Row> rows = Failures.told(() -> client.verify(record, progress));
        return new Verification(rows);
    }

    private Object abort(Arguments arguments, Progress progress) throws ControlException, InterruptedException {
        Name group = arguments.name("group");
        long ended = Failures.told(() -> client.abort(group));
        return new Done(ended == 0 ? "no round of " + group + " is open" : "asked " + ended + " round(s) to end");
    }
}
