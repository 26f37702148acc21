package dev.holdfast.coordinator.zookeeper;

import dev.holdfast.coordinator.port.RoundGate;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.apache.zookeeper.Op;

/** The gate as a znode: rounds are held back while it is there, and it says why. Thread-safe. */
final class ZooKeeperRoundGate implements RoundGate {

    private static final int ATTEMPTS = 10;

    private final StoreSession session;
    private final String path;

    ZooKeeperRoundGate(StoreSession session) {
        this.session = session;
        this.path = session.schema().paused();
    }

    @Override
    public Optional<String> heldBack() throws StoreUnreachableException {
        return session.newest(path).map(data -> new String(data.bytes(), StandardCharsets.UTF_8));
    }

    @Override
    public void holdBack(String reason) throws StoreUnreachableException {
        byte[] text = reason.getBytes(StandardCharsets.UTF_8);
        change(found -> Optional.of(
                found.isPresent() ? Op.setData(path, text, found.get().version()) : StoreSession.create(path, text)));
    }

    @Override
    public void letBegin() throws StoreUnreachableException {
        change(found -> found.map(data -> Op.delete(path, data.version())));
    }

    /** What to do to the node, given what is there; empty if nothing. */
    private interface Change {
        Optional<Op> from(Optional<Wire.Data> found);
    }

    /** A write whose answer was lost is looked at and made again: each change is the same the second time. */
    private void change(Change change) throws StoreUnreachableException {
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            Optional<Op> operation = change.from(session.newest(path));
            if (operation.isEmpty() || session.multi(List.of(operation.get())) instanceof Wire.Outcome.Done) {
                return;
            }
        }
        throw new StoreUnreachableException("the gate for rounds could not be changed: others change it, or the answers"
                + " of the store are lost; try again");
    }
}
