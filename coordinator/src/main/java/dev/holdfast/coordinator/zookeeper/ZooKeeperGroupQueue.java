package dev.holdfast.coordinator.zookeeper;

import dev.holdfast.coordinator.port.GroupBusyException;
import dev.holdfast.coordinator.port.GroupQueue;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.Name;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.locks.Lease;
import org.apache.zookeeper.KeeperException;

/**
 * Callers of a group wait their turn in a Curator semaphore of one lease. Not its mutex: that belongs to a thread, and
 * forgets a lock whose release fails while leaving it in the store. A lease is released from any thread, and removed in
 * the background for as long as it takes. Thread-safe.
 */
final class ZooKeeperGroupQueue implements GroupQueue {

    private final StoreSession session;
    private final CuratorFramework curator;

    ZooKeeperGroupQueue(StoreSession session, CuratorFramework curator) {
        this.session = session;
        this.curator = curator;
    }

    @Override
    public Turn take(Name group, Duration wait)
            throws StoreUnreachableException, GroupBusyException, InterruptedException {
        // Also finds out soon, and with a better message, that the store is away.
        session.newest(session.schema().queues());
        InterProcessSemaphoreV2 queue =
                new InterProcessSemaphoreV2(curator, session.schema().queue(group), 1);
        queue.setNodeData(session.settings().node().value().getBytes(StandardCharsets.UTF_8));
        Lease lease = acquire(queue, group, wait);
        if (lease == null) {
            throw new GroupBusyException(
                    ("another operation on the group %s is under way, and it was not over within %d ms;"
                                    + " see 'holdfast cluster status', wait longer, or try again later")
                            .formatted(group, wait.toMillis()));
        }
        AtomicBoolean closed = new AtomicBoolean();
        return () -> {
            if (closed.compareAndSet(false, true)) {
                queue.returnLease(lease);
            }
        };
    }

    private @org.jspecify.annotations.Nullable Lease acquire(InterProcessSemaphoreV2 queue, Name group, Duration wait)
            throws StoreUnreachableException, InterruptedException {
        try {
            return queue.acquire(wait.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException | RuntimeException through) {
            throw through;
        } catch (KeeperException failed) {
            if (failed.code() == KeeperException.Code.NOAUTH) {
                throw session.refused(session.schema().queue(group));
            }
            throw StoreSession.unreachable(session.settings(), failed.code().toString());
        } catch (Exception other) { // the signature of Curator
            throw new StoreUnreachableException(
                    "the queue of the group %s could not be entered: %s".formatted(group, other.getMessage()), other);
        }
    }
}
