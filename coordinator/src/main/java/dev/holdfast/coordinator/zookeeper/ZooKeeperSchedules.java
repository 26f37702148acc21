package dev.holdfast.coordinator.zookeeper;

import dev.holdfast.coordinator.codec.CodecException;
import dev.holdfast.coordinator.codec.ScheduleCodec;
import dev.holdfast.coordinator.port.Schedules;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.Name;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.zookeeper.KeeperException.Code;
import org.apache.zookeeper.Op;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A znode for each schedule, changed by compare-and-set alone. Thread-safe. */
final class ZooKeeperSchedules implements Schedules {

    private static final Logger LOG = LoggerFactory.getLogger(ZooKeeperSchedules.class);
    private static final int ATTEMPTS = 10;

    private final StoreSession session;
    private final Schema schema;

    ZooKeeperSchedules(StoreSession session) {
        this.session = session;
        this.schema = session.schema();
    }

    @Override
    public List<Entry> entries() throws StoreUnreachableException {
        List<Entry> all = new ArrayList<>();
        for (String group :
                session.children(schema.schedules()).stream().sorted().toList()) {
            Optional<Wire.Data> data = session.newest(schema.schedule(new Name(group)));
            if (data.isPresent()) {
                decode(group, data.get()).ifPresent(all::add);
            }
        }
        return all;
    }

    private static Optional<Entry> decode(String group, Wire.Data data) {
        try {
            return Optional.of(ScheduleCodec.decode(data.bytes(), data.version()));
        } catch (CodecException e) {
            LOG.warn("the schedule of {} is not kept: {}", group, e.getMessage());
            return Optional.empty();
        }
    }

    @Override
    public void set(Schedule schedule, Instant now) throws StoreUnreachableException {
        String path = schema.schedule(schedule.group());
        byte[] data = ScheduleCodec.encode(schedule, Progress.from(now));
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            Optional<Wire.Data> found = session.newest(path);
            Op operation =
                    found.isPresent() ? Op.setData(path, data, found.get().version()) : StoreSession.create(path, data);
            if (session.multi(List.of(operation)) instanceof Wire.Outcome.Done) {
                return;
            }
        }
        throw busy(schedule.group());
    }

    @Override
    public boolean remove(Name group) throws StoreUnreachableException {
        String path = schema.schedule(group);
        boolean wasThere = session.newest(path).isPresent();
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            Wire.Outcome outcome = session.multi(List.of(Op.delete(path, -1)));
            boolean gone = outcome instanceof Wire.Outcome.Failed failed && failed.code() == Code.NONODE;
            if (gone || outcome instanceof Wire.Outcome.Done) {
                return wasThere;
            }
        }
        throw busy(group);
    }

    private static StoreUnreachableException busy(Name group) {
        return new StoreUnreachableException("the schedule of " + group
                + " could not be changed: others change it, or the answers of the store are lost; try again");
    }

    @Override
    public Optional<Entry> note(Entry read, Progress progress, Epoch reign) throws StoreUnreachableException {
        Name group = read.schedule().group();
        Wire.Outcome outcome = session.multi(List.of(
                session.checkEpoch(reign),
                Op.setData(schema.schedule(group), ScheduleCodec.encode(read.schedule(), progress), read.version())));
        return outcome instanceof Wire.Outcome.Done
                ? Optional.of(new Entry(read.schedule(), progress, read.version() + 1))
                : Optional.empty();
    }
}
