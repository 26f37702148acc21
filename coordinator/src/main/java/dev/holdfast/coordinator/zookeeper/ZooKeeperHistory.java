package dev.holdfast.coordinator.zookeeper;

import dev.holdfast.coordinator.codec.CodecException;
import dev.holdfast.coordinator.codec.HistoryRecord;
import dev.holdfast.coordinator.codec.RecordCodec;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.zookeeper.Op;

/**
 * How rounds ended, for people: the last {@value Schema#HISTORY_LIMIT}. A line may appear twice after a lost connection.
 * Thread-safe.
 */
public final class ZooKeeperHistory {

    private final StoreSession session;
    private final Schema schema;

    ZooKeeperHistory(StoreSession session) {
        this.session = session;
        this.schema = session.schema();
    }

    /** Adds a line and removes what is too old. */
    public void append(HistoryRecord line) throws StoreUnreachableException {
        session.append(schema.historyLine(), RecordCodec.encode(line));
        List<String> lines = lines();
        for (String old : lines.subList(0, Math.max(0, lines.size() - Schema.HISTORY_LIMIT))) {
            // Somebody else may have removed it: no matter.
            session.multi(List.of(Op.delete(schema.history() + "/" + old, -1)));
        }
    }

    /** The lines there are, oldest first. Lines of a newer version are left out. */
    public List<HistoryRecord> list() throws StoreUnreachableException {
        List<HistoryRecord> all = new ArrayList<>();
        for (String line : lines()) {
            Optional<Wire.Data> data = session.get(schema.history() + "/" + line);
            if (data.isPresent()) {
                try {
                    all.add(RecordCodec.decodeHistory(data.get().bytes()));
                } catch (CodecException newer) {
                    // Nothing depends on it.
                    continue;
                }
            }
        }
        return all;
    }

    private List<String> lines() throws StoreUnreachableException {
        return session.children(schema.history()).stream().sorted().toList();
    }
}
