package dev.holdfast.coordinator.zookeeper;

import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.Epoch;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.data.ACL;

/**
 * Finds out which store this is, and sets it up if it is empty and this node has never known another. Any number of nodes
 * may do so at once, any number of times. Not thread-safe; used by one thread.
 */
final class Bootstrap {

    private static final byte[] NOTHING = {};

    private final Wire wire;
    private final Schema schema;
    private final Duration bound;
    private final boolean lockRoot;
    private final Supplier<String> identities;

    Bootstrap(Wire wire, StoreSettings settings, Supplier<String> identities) {
        this.wire = wire;
        this.schema = new Schema(settings.cluster());
        this.bound = settings.operationTimeout();
        this.lockRoot = settings.lockRoot();
        this.identities = identities;
    }

    /**
     * Identifies the store, creating its tree if it has none.
     *
     * @param remembered what this node knows; if it knows a store, nothing is created in another one
     * @throws StoreUnreachableException if it is not the store this node knows
     * @throws KeeperException if the store did not answer, or refuses this node's credentials
     */
    StoreIdentity identify(Optional<StoreIdentity> remembered)
            throws StoreUnreachableException, KeeperException, InterruptedException {
        // A server that lags behind would look like a store that has lost something.
        wire.sync("/", bound);
        if (wire.get(schema.id(), bound).isEmpty()) {
            if (remembered.isPresent()) {
                throw StoreIdentity.unknown("there is no %s in it".formatted(schema.id()));
            }
            create();
        }
        StoreIdentity claimed = new StoreIdentity(identity(), new Epoch(version(schema.epoch())), Long.MAX_VALUE);
        StoreIdentity.accept(remembered, claimed);
        long newest = wire.set(schema.pulse(), NOTHING, -1, bound).getMzxid();
        Epoch epoch = new Epoch(version(schema.epoch()));
        return StoreIdentity.accept(remembered, new StoreIdentity(claimed.identity(), epoch, newest));
    }

    /**
     * Accepts the store after a person said that the one the cluster knew is lost. A store that this node knows stays as
     * it is. One that has gone back gets a new identity, so that no other node mistakes it for the old one; one of another
     * identity keeps it, because another node may have adopted it. In both, the epoch is raised above all that this node
     * has seen.
     */
    StoreIdentity adopt(Optional<StoreIdentity> remembered) throws KeeperException, InterruptedException {
        wire.sync("/", bound);
        create();
        Wire.Data id = present(schema.id());
        Optional<String> known = remembered.map(StoreIdentity::identity);
        if (known.equals(Optional.of(text(id)))) {
            try {
                return identify(remembered);
            } catch (StoreUnreachableException wentBack) {
                rename(id);
            }
        }
        long above = remembered.map(seen -> seen.epoch().value()).orElse(-1L);
        int version = version(schema.epoch());
        while (version <= above) {
            version = wire.set(schema.epoch(), NOTHING, -1, bound).getVersion();
        }
        long newest = wire.set(schema.pulse(), NOTHING, -1, bound).getMzxid();
        return new StoreIdentity(identity(), new Epoch(version), newest);
    }

    private void rename(Wire.Data id) throws KeeperException, InterruptedException {
        try {
            byte[] another = identities.get().getBytes(StandardCharsets.UTF_8);
            wire.set(schema.id(), another, id.version(), bound);
        } catch (KeeperException.BadVersionException before) {
            // Another node was told the same at the same time; its identity counts.
        }
    }

    private void create() throws KeeperException, InterruptedException {
        if (lockRoot) {
            for (String path : Schema.OPEN_BY_DEFAULT) {
                lock(path);
            }
        }
        ensure(Schema.TOP);
        ensure(schema.base());
        for (String directory : schema.directories()) {
            ensure(directory);
        }
        ensure(schema.epoch());
        ensure(schema.pulse());
        createId();
    }

    /** Last, so that whoever finds it finds everything. */
    private void createId() throws KeeperException, InterruptedException {
        byte[] id = identities.get().getBytes(StandardCharsets.UTF_8);
        wire.multi(List.of(Op.create(schema.id(), id, ZooDefs.Ids.CREATOR_ALL_ACL, CreateMode.PERSISTENT)), bound);
        // Whatever came of it: another node's may have been first, and what is read counts.
    }

    private void lock(String path) throws KeeperException, InterruptedException {
        Optional<List<ACL>> acl = wire.acl(path, bound);
        if (acl.isPresent() && acl.get().stream().anyMatch(Bootstrap::forAnyone)) {
            wire.close(path, bound);
        }
    }

    private static boolean forAnyone(ACL acl) {
        return acl.getId().getScheme().equals("world");
    }

    private void ensure(String path) throws KeeperException, InterruptedException {
        try {
            wire.create(path, NOTHING, CreateMode.PERSISTENT, bound);
        } catch (KeeperException.NodeExistsException already) {
            // Another node, or this one before, was here.
        }
    }

    private String identity() throws KeeperException, InterruptedException {
        return text(present(schema.id()));
    }

    private static String text(Wire.Data data) {
        return new String(data.bytes(), StandardCharsets.UTF_8);
    }

    private int version(String path) throws KeeperException, InterruptedException {
        return present(path).version();
    }

    private Wire.Data present(String path) throws KeeperException, InterruptedException {
        return wire.get(path, bound).orElseThrow(() -> new KeeperException.NoNodeException(path));
    }
}
