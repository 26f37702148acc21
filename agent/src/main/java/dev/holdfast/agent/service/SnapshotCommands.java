package dev.holdfast.agent.service;

import dev.holdfast.agent.control.Arguments;
import dev.holdfast.agent.control.CommandTable;
import dev.holdfast.agent.control.ControlCommand;
import dev.holdfast.agent.control.ControlException;
import dev.holdfast.agent.control.ErrorCode;
import dev.holdfast.agent.control.Progress;
import dev.holdfast.agent.control.reply.Done;
import dev.holdfast.agent.control.reply.Prediction;
import dev.holdfast.agent.control.reply.SnapshotDetails;
import dev.holdfast.agent.control.reply.SnapshotList;
import dev.holdfast.agent.control.reply.StoredFile;
import dev.holdfast.agent.journal.OperationKind;
import dev.holdfast.agent.round.NodeParts;
import dev.holdfast.agent.snapshot.Estimate;
import dev.holdfast.agent.snapshot.SnapshotException;
import dev.holdfast.agent.snapshot.SnapshotInfo;
import dev.holdfast.agent.snapshot.SnapshotRequest;
import dev.holdfast.agent.snapshot.chain.SnapshotRecord;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import dev.holdfast.coordinator.protocol.RoundOptions.Quiesce;
import java.time.Duration;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Executor;

/** {@code snapshot.*}: one machine of this node. Thread-safe. */
public final class SnapshotCommands {

    private static final DateTimeFormatter STAMP =
            DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss").withZone(ZoneOffset.UTC);

    private final Name self;
    private final NodeParts parts;
    private final Duration deadline;
    private final InstantSource clock;
    private final Executor later;

    /**
     * @param self this node
     * @param parts the chains of its machines
     * @param deadline of a freeze unless the caller says otherwise
     * @param clock names snapshots that the caller does not name
     * @param later has storages copy what a snapshot has frozen
     */
    public SnapshotCommands(Name self, NodeParts parts, Duration deadline, InstantSource clock, Executor later) {
        this.self = self;
        this.parts = parts;
        this.deadline = deadline;
        this.clock = clock;
        this.later = later;
    }

    /** Adds the handlers. */
    public void register(CommandTable table) {
        table.register(ControlCommand.SNAPSHOT_CREATE, this::create)
                .register(ControlCommand.SNAPSHOT_LIST, this::list)
                .register(ControlCommand.SNAPSHOT_SHOW, this::show)
                .register(ControlCommand.SNAPSHOT_REVERT, this::revert)
                .register(ControlCommand.SNAPSHOT_DELETE, this::delete);
    }

    private static <R> R told(Snapshotting<R> action) throws ControlException {
        try {
            return action.run();
        } catch (SnapshotException e) {
            throw ControlException.of(e.because());
        }
    }

    /** Something that is done to snapshots. */
    private interface Snapshotting<R> {
        R run() throws SnapshotException;
    }

    private Object create(Arguments arguments, Progress progress) throws ControlException {
        Name vm = arguments.name("vm");
        Name name = arguments.optionalName("name").orElseGet(() -> new Name(STAMP.format(clock.instant())));
        CaptureMethod method = arguments.choice("method", CaptureMethod.class).orElse(CaptureMethod.AUTO);
        Quiesce quiesce = arguments.choice("quiesce", Quiesce.class).orElse(Quiesce.NO);
        Duration bound = arguments.duration("deadline").orElse(deadline);
        String description = arguments.text("description").orElse("");
        boolean allowDegraded = arguments.flag("allow_degraded");
        if (arguments.flag("dry_run")) {
            return told(() -> parts.reading(
                    vm,
                    (operation, snapshots) -> predict(
                            vm,
                            snapshots.estimate(
                                    new SnapshotRequest("preflight", name, Optional.empty(), method, bound, "")
                                            .withDegraded(allowDegraded)),
                            method)));
        }
        progress.phase("prepare", vm + " preparing");
        Object made = told(() -> parts.alone(vm, OperationKind.SNAPSHOT_CREATE, (operation, snapshots) -> {
            SnapshotRequest request = new SnapshotRequest(operation, name, Optional.empty(), method, bound, description)
                    .withDegraded(allowDegraded);
            snapshots.create(request, quiesce, (done, total) -> bytes(progress, vm + " draining", done, total));
            return details(vm, snapshots.show(name));
        }));
        later.execute(() -> parts.compact(vm));
        return made;
    }

    private Prediction predict(Name vm, Estimate estimate, CaptureMethod method) {
        return new Prediction(List.of(new Prediction.Row(
                vm, self, method.name().toLowerCase(Locale.ROOT), -1, estimate.bytes(), estimate.usableBytes())));
    }

    private static void bytes(Progress progress, String phase, long done, long total) {
        if (total > 0) {
            progress.bytes(phase, Math.min(done, total), total);
        }
    }

    private Object list(Arguments arguments, Progress progress) throws ControlException {
        Name vm = arguments.name("vm");
        return told(() -> parts.reading(
                vm,
                (operation, snapshots) -> new SnapshotList(
                        snapshots.list().stream().map(info -> details(vm, info)).toList())));
    }

    private Object show(Arguments arguments, Progress progress) throws ControlException {
        Name vm = arguments.name("vm");
        Name name = arguments.name("name");
        return told(() -> parts.reading(vm, (operation, snapshots) -> details(vm, snapshots.show(name))));
    }

    private Object revert(Arguments arguments, Progress progress) throws ControlException {
        Name vm = arguments.name("vm");
        Name name = arguments.name("name");
        boolean run = !arguments.flag("paused");
        return told(() -> parts.alone(vm, OperationKind.SNAPSHOT_REVERT, (operation, snapshots) -> {
            snapshots.revert(operation, name, run, (done, total) -> bytes(progress, vm + " checking", done, total));
            return new Done(
                    "%s is back at snapshot %s %s".formatted(vm, name, run ? "and running" : "and paused there"));
        }));
    }

    private Object delete(Arguments arguments, Progress progress) throws ControlException {
        Name vm = arguments.name("vm");
        Name name = arguments.name("name");
        SnapshotInfo info = told(() -> parts.reading(vm, (operation, snapshots) -> snapshots.show(name)));
        Optional<Name> group = info.snapshot().group();
        if (group.isPresent()) {
            throw new ControlException(
                    ErrorCode.REFUSED,
                    "snapshot " + name + " of " + vm + " is a part of checkpoint " + group.get() + "@" + name,
                    "a checkpoint has all its parts or none",
                    "'holdfast checkpoint delete " + group.get() + "@" + name + "'");
        }
        return told(() -> parts.alone(vm, OperationKind.SNAPSHOT_DELETE, (operation, snapshots) -> {
            snapshots.delete(operation, name, (done, total) -> bytes(progress, vm + " merging", done, total));
            return new Done("deleted snapshot " + name + " of " + vm);
        }));
    }

    private static SnapshotDetails details(Name vm, SnapshotInfo info) {
        SnapshotRecord record = info.snapshot();
        List<StoredFile> files = new ArrayList<>();
        record.memory()
                .ifPresent(memory -> files.add(
                        new StoredFile("memory", memory.file(), memory.bytes(), memory.sha256(), info.encrypted())));
        record.disks()
                .forEach(disk ->
                        files.add(new StoredFile("disk:" + disk.disk(), disk.layer(), 0, disk.sha256(), false)));
        return new SnapshotDetails(
                vm,
                record.name(),
                record.createdAt().toString(),
                "complete",
                info.parent().map(Name::value),
                info.current(),
                record.description(),
                record.capture()
                        .map(facts -> facts.method().name().toLowerCase(Locale.ROOT))
                        .orElse(record.kind().name().toLowerCase(Locale.ROOT)),
                record.capture().map(SnapshotRecord.CaptureFacts::quiesce).orElse("no"),
                record.capture().map(SnapshotRecord.CaptureFacts::pauseNanos).orElse(0L),
                info.memoryBytes() + info.diskBytes(),
                files);
    }
}
