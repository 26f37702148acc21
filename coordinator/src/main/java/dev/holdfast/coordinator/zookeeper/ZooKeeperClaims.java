package dev.holdfast.coordinator.zookeeper;

import dev.holdfast.coordinator.port.Claims;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/** Reads what rounds claim. Thread-safe. */
final class ZooKeeperClaims implements Claims {

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
}
