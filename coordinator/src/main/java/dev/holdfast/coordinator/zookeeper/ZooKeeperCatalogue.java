package dev.holdfast.coordinator.zookeeper;

import dev.holdfast.coordinator.codec.CodecException;
import dev.holdfast.coordinator.codec.GroupRecord;
import dev.holdfast.coordinator.codec.RecordCodec;
import dev.holdfast.coordinator.codec.TimelineRecord;
import dev.holdfast.coordinator.port.Catalogue;
import dev.holdfast.coordinator.port.GroupBusyException;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.CheckpointRecord;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.VmReport;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import org.apache.zookeeper.KeeperException.Code;
import org.apache.zookeeper.Op;

/** Groups and checkpoints in ZooKeeper. Each change is a compare-and-set that is prepared anew when it was late. Thread-safe. */
final class ZooKeeperCatalogue implements Catalogue {

    private static final int ATTEMPTS = 20;

    private final StoreSession session;
    private final Schema schema;

    ZooKeeperCatalogue(StoreSession session) {
        this.session = session;
        this.schema = session.schema();
    }

    /** Prepares a change from what is there now; empty if there is nothing to change. */
    private interface Change {
        Optional<List<Op>> prepare() throws StoreUnreachableException;
    }

    @Override
    public List<Group> groups() throws StoreUnreachableException {
        List<Group> all = new ArrayList<>();
        for (String name : session.children(schema.groups())) {
            group(new Name(name)).ifPresent(all::add);
        }
        all.sort(Comparator.comparing(Group::name));
        return all;
    }

    @Override
    public Optional<Group> group(Name group) throws StoreUnreachableException {
        Optional<Wire.Data> data = session.newest(schema.group(group));
        if (data.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(new Group(group, machines(group, data.get()), current(group)));
    }

    private SortedSet<Name> machines(Name group, Wire.Data data) throws StoreUnreachableException {
        try {
            return RecordCodec.decodeGroup(data.bytes()).vms();
        } catch (CodecException unreadable) {
            throw RoundReader.unreadable(schema.group(group), unreadable);
        }
    }

    private Optional<Name> current(Name group) throws StoreUnreachableException {
        Optional<Wire.Data> data = session.get(schema.timeline(group));
        if (data.isEmpty()) {
            return Optional.empty();
        }
        try {
            return RecordCodec.decodeTimeline(data.get().bytes()).current();
        } catch (CodecException unreadable) {
            throw RoundReader.unreadable(schema.timeline(group), unreadable);
        }
    }

    @Override
    public void addToGroup(Name group, Name vm) throws StoreUnreachableException {
        change("add " + vm + " to " + group, () -> {
            Optional<Wire.Data> found = session.newest(schema.group(group));
            if (found.isEmpty()) {
                SortedSet<Name> alone = new TreeSet<>(List.of(vm));
                return Optional.of(List.of(StoreSession.create(schema.group(group), record(group, alone))));
            }
            SortedSet<Name> vms = new TreeSet<>(machines(group, found.get()));
            if (!vms.add(vm)) {
                return Optional.empty();
            }
            return Optional.of(List.of(Op.setData(
                    schema.group(group), record(group, vms), found.get().version())));
        });
    }

    @Override
    public void removeFromGroup(Name group, Name vm) throws StoreUnreachableException {
        change("remove " + vm + " from " + group, () -> {
            Optional<Wire.Data> found = session.newest(schema.group(group));
            if (found.isEmpty() || !machines(group, found.get()).contains(vm)) {
                return Optional.empty();
            }
            SortedSet<Name> vms = new TreeSet<>(machines(group, found.get()));
            vms.remove(vm);
            return Optional.of(List.of(Op.setData(
                    schema.group(group), record(group, vms), found.get().version())));
        });
        dropIfEmpty(group);
    }

    private static byte[] record(Name group, SortedSet<Name> vms) {
        return RecordCodec.encode(new GroupRecord(group, vms));
    }

    private void dropIfEmpty(Name group) throws StoreUnreachableException {
        change("drop group " + group, () -> {
            Optional<Wire.Data> found = session.newest(schema.group(group));
            if (found.isEmpty()
                    || !machines(group, found.get()).isEmpty()
                    || !session.children(schema.timeline(group)).isEmpty()) {
                return Optional.empty();
            }
            return Optional.of(
                    List.of(Op.delete(schema.group(group), found.get().version())));
        });
    }

    @Override
    public List<CheckpointRecord> checkpoints(Name group) throws StoreUnreachableException {
        List<CheckpointRecord> all = new ArrayList<>();
        for (String name : session.children(schema.timeline(group))) {
            checkpoint(group, new Name(name)).ifPresent(all::add);
        }
        all.sort(Comparator.comparingLong(ZooKeeperCatalogue::cutAt).thenComparing(CheckpointRecord::name));
        return all;
    }

    private static long cutAt(CheckpointRecord checkpoint) {
        return checkpoint.vms().stream()
                .mapToLong(VmReport::frozenAtNanos)
                .max()
                .orElse(0);
    }

    @Override
    public Optional<CheckpointRecord> checkpoint(Name group, Name checkpoint) throws StoreUnreachableException {
        Optional<Wire.Data> data = session.newest(schema.checkpoint(group, checkpoint));
        return data.isEmpty() ? Optional.empty() : Optional.of(decode(group, checkpoint, data.get()));
    }

    private CheckpointRecord decode(Name group, Name checkpoint, Wire.Data data) throws StoreUnreachableException {
        try {
            return RecordCodec.decodeCheckpoint(data.bytes());
        } catch (CodecException unreadable) {
            throw RoundReader.unreadable(schema.checkpoint(group, checkpoint), unreadable);
        }
    }

    @Override
    public boolean beginDelete(Name group, Name checkpoint, Epoch reign)
            throws StoreUnreachableException, GroupBusyException {
        if (checkpoint(group, checkpoint).isEmpty()) {
            return false;
        }
        String path = schema.checkpoint(group, checkpoint);
        String claim = schema.nameClaim(group, checkpoint);
        requireFree(claim, group, checkpoint);
        change("delete " + group + "@" + checkpoint, () -> {
            Optional<Wire.Data> found = session.newest(path);
            if (found.isEmpty() || decode(group, checkpoint, found.get()).state() == CheckpointRecord.State.DELETING) {
                return Optional.empty();
            }
            CheckpointRecord deleting = with(
                    decode(group, checkpoint, found.get()),
                    decode(group, checkpoint, found.get()).parent(),
                    CheckpointRecord.State.DELETING);
            return Optional.of(List.of(
                    session.checkEpoch(reign),
                    // Creating and removing the claim in one multi is the check that no round holds it.
                    StoreSession.create(claim, new byte[0]),
                    Op.delete(claim, -1),
                    Op.setData(path, RecordCodec.encode(deleting), found.get().version())));
        });
        return true;
    }

    private void requireFree(String claim, Name group, Name checkpoint)
            throws StoreUnreachableException, GroupBusyException {
        Optional<Wire.Data> holder = session.newest(claim);
        if (holder.isPresent()) {
            throw new GroupBusyException("the checkpoint %s@%s is in use by round %s; wait until it is over"
                    .formatted(group, checkpoint, new String(holder.get().bytes(), StandardCharsets.UTF_8)));
        }
    }

    @Override
    public void finishDelete(Name group, Name checkpoint, Epoch reign) throws StoreUnreachableException {
        change("delete " + group + "@" + checkpoint, () -> {
            Optional<Wire.Data> found = session.newest(schema.checkpoint(group, checkpoint));
            if (found.isEmpty()) {
                return Optional.empty();
            }
            Optional<Name> parent = decode(group, checkpoint, found.get()).parent();
            List<Op> operations = new ArrayList<>();
            operations.add(session.checkEpoch(reign));
            operations.add(
                    Op.delete(schema.checkpoint(group, checkpoint), found.get().version()));
            if (current(group).equals(Optional.of(checkpoint))) {
                Optional<Wire.Data> timeline = session.get(schema.timeline(group));
                operations.add(Op.setData(
                        schema.timeline(group),
                        RecordCodec.encode(new TimelineRecord(parent)),
                        timeline.map(Wire.Data::version).orElse(-1)));
            }
            adopt(group, checkpoint, parent, operations);
            return Optional.of(operations);
        });
        dropIfEmpty(group);
    }

    /** The children of a checkpoint that goes become its parent's. */
    private void adopt(Name group, Name checkpoint, Optional<Name> parent, List<Op> operations)
            throws StoreUnreachableException {
        for (String name : session.children(schema.timeline(group))) {
            Name child = new Name(name);
            Optional<Wire.Data> data = session.get(schema.checkpoint(group, child));
            if (data.isPresent()) {
                CheckpointRecord record = decode(group, child, data.get());
                if (record.parent().equals(Optional.of(checkpoint))) {
                    operations.add(Op.setData(
                            schema.checkpoint(group, child),
                            RecordCodec.encode(with(record, parent, record.state())),
                            data.get().version()));
                }
            }
        }
    }

    private static CheckpointRecord with(CheckpointRecord record, Optional<Name> parent, CheckpointRecord.State state) {
        return new CheckpointRecord(
                record.group(),
                record.name(),
                record.round(),
                record.epoch(),
                parent,
                record.description(),
                state,
                record.reports());
    }

    /** Repeats until there is nothing left to change; each write names the versions it was prepared from. */
    private void change(String what, Change change) throws StoreUnreachableException {
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            Optional<List<Op>> operations = change.prepare();
            if (operations.isEmpty()) {
                return;
            }
            Wire.Outcome outcome = session.multi(operations.get());
            if (outcome instanceof Wire.Outcome.Done) {
                return;
            }
            if (outcome instanceof Wire.Outcome.Failed failed) {
                requireCurrent(what, operations.get(), failed);
            }
        }
        throw StoreSession.unreachable(session.settings(), what);
    }

    private void requireCurrent(String what, List<Op> operations, Wire.Outcome.Failed failed)
            throws StoreUnreachableException {
        if (failed.code() == Code.NOAUTH) {
            throw session.refused(schema.base());
        }
        if (failed.code() == Code.BADVERSION
                && operations.get(failed.index()).getPath().equals(schema.epoch())) {
            throw new StoreUnreachableException(
                    "%s: another node has become leader meanwhile; nothing was changed, try again".formatted(what));
        }
    }
}
