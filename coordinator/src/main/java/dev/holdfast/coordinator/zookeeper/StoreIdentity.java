package dev.holdfast.coordinator.zookeeper;

import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.Epoch;
import java.util.Optional;

/**
 * Which store this is and how far it had come: what a node remembers so that it can tell a store that was wiped, restored
 * from a backup, or is another one altogether. Immutable.
 *
 * @param identity random, made when the store was set up
 * @param epoch the highest epoch seen
 * @param zxid the highest transaction number seen
 */
public record StoreIdentity(String identity, Epoch epoch, long zxid) {

    /**
     * Compares what is found with what is remembered.
     *
     * @return the highest of both
     * @throws StoreUnreachableException if this is another store, or one that has lost something; nothing may be decided
     *     or deleted by what it says
     */
    public static StoreIdentity accept(Optional<StoreIdentity> remembered, StoreIdentity found)
            throws StoreUnreachableException {
        if (remembered.isEmpty()) {
            return found;
        }
        StoreIdentity known = remembered.get();
        if (!known.identity.equals(found.identity)) {
            throw unknown("it has the identity %s, this node knows %s".formatted(found.identity, known.identity));
        }
        if (found.epoch.compareTo(known.epoch) < 0) {
            throw unknown("its epoch is %s, this node has seen %s".formatted(found.epoch, known.epoch));
        }
        if (found.zxid < known.zxid) {
            throw unknown("its last transaction is 0x%x, this node has seen 0x%x".formatted(found.zxid, known.zxid));
        }
        return found;
    }

    static StoreUnreachableException unknown(String why) {
        return new StoreUnreachableException(
                ("this is not the store the cluster knows: %s. It was wiped, restored from a"
                                + " backup, or zookeeper.connect names another one. Nothing is decided or deleted by it. Correct"
                                + " zookeeper.connect, or if the old store is lost run 'holdfast cluster adopt-store'")
                        .formatted(why));
    }

    /** The same store, known to have come at least so far. */
    StoreIdentity reached(Epoch reign, long transaction) {
        return new StoreIdentity(identity, reign.compareTo(epoch) > 0 ? reign : epoch, Math.max(transaction, zxid));
    }
}
