package dev.holdfast.coordinator.zookeeper;

import dev.holdfast.coordinator.port.Claims;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.RoundId;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.zookeeper.Op;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What rounds claim. Thread-safe. */
final class ZooKeeperClaims implements Claims {

    private static final Logger LOG = LoggerFactory.getLogger(ZooKeeperClaims.class);
    private static final byte[] NOTHING = {};

    private final StoreSession session;

    ZooKeeperClaims(StoreSession session) {
        this.session = session;
    }

    @Override
    public SortedMap<String, String> claims() throws StoreUnreachableException {
        TreeMap<String, String> claims = new TreeMap<>();
        String parent = session.schema().claims();
        for (String name : session.children(parent)) {
            Optional<Wire.Data> holder = session.get(parent + "/" + name);
            holder.ifPresent(data -> claims.put(name, new String(data.bytes(), StandardCharsets.UTF_8)));
        }
        return claims;
    }

    @Override
    public boolean release(String claim, String round) throws StoreUnreachableException {
        String path = session.schema().claims() + "/" + claim;
        Optional<Wire.Data> holder =
                session.newest(path).filter(data -> new String(data.bytes(), StandardCharsets.UTF_8).equals(round));
        if (holder.isEmpty()) {
            return false;
        }
        List<Op> operations = new ArrayList<>();
        try {
            String record = session.schema().round(new RoundId(round));
            // Creating and removing it in one multi is the check that there is none.
            operations.add(StoreSession.create(record, NOTHING));
            operations.add(Op.delete(record, -1));
        } catch (IllegalArgumentException e) {
            LOG.debug("{}: no round can have the id {}", claim, round);
        }
        operations.add(Op.delete(path, holder.get().version()));
        Wire.Outcome outcome = session.multi(operations);
        if (outcome instanceof Wire.Outcome.Unknown unknown) {
            throw new StoreUnreachableException(
                    "it is not known whether the claim on " + claim + " was removed: " + unknown.why());
        }
        return outcome instanceof Wire.Outcome.Done;
    }
}
