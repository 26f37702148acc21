package dev.holdfast.coordinator.zookeeper;

import dev.holdfast.coordinator.port.Leadership;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.Epoch;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderLatchListener;
import org.apache.curator.framework.recipes.watch.PersistentWatcher;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.zookeeper.Op;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Office by Curator's latch, reigns by the version of {@code /epoch}. The latch says whose turn it is to try; only the
 * compare-and-set that raised the epoch makes a leader, and only the check of the epoch in each write keeps an old one out.
 * Thread-safe; one thread takes office, and the listener is called under one lock, so that it hears things in order.
 */
final class ZooKeeperLeadership implements Leadership, AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(ZooKeeperLeadership.class);
    private static final long AGAIN_MILLIS = 250;
    private static final long STAND_BACK_MILLIS = 10_000;

    private final StoreSession session;
    private final CuratorFramework curator;
    private volatile LeaderLatch latch;
    private final PersistentWatcher epochWatch;
    private final ScheduledThreadPoolExecutor worker = Workers.one("leader");
    private final Object lock = new Object();

    // Guarded by lock.
    private @Nullable Listener listener;
    private boolean latched;
    private volatile boolean inOffice;
    private Runnable whenInOffice = () -> {};
    private @Nullable Epoch reign;
    private long falls;

    ZooKeeperLeadership(StoreSession session, CuratorFramework curator) {
        this.session = session;
        this.curator = curator;
        this.latch = newLatch();
        this.epochWatch = new PersistentWatcher(curator, session.schema().epoch(), false);
    }

    private LeaderLatch newLatch() {
        LeaderLatch fresh = new LeaderLatch(
                curator, session.schema().leader(), session.settings().node().value());
        fresh.addListener(
                new LeaderLatchListener() {
                    @Override
                    public void isLeader() {
                        takeOffice();
                    }

                    @Override
                    public void notLeader() {
                        fall("the latch was lost");
                    }
                },
                worker);
        return fresh;
    }

    /** @param told before the listener is; must not block */
    void whenInOffice(Runnable told) {
        synchronized (lock) {
            whenInOffice = told;
        }
    }

    /** Returns at once; the node stands for election as soon as the store answers and is known. */
    @Override
    public void start(Listener told) {
        synchronized (lock) {
            if (listener != null) {
                throw new IllegalStateException("leadership was started before");
            }
            listener = told;
        }
        curator.getConnectionStateListenable().addListener((client, state) -> connectionIs(state));
        epochWatch.getListenable().addListener(event -> worker.execute(this::epochMoved));
        session.trust().whenTrusted(() -> worker.execute(this::storeIsKnown));
    }

    private void storeIsKnown() {
        synchronized (lock) {
            if (!latched) {
                latched = true;
                epochWatch.start();
                startLatch();
            }
        }
        tellStoreBack();
    }

    private void startLatch() {
        try {
            latch.start();
        } catch (Exception impossible) { // the signature of Curator; thrown only if it was started before
            throw new IllegalStateException(impossible);
        }
    }

    private void connectionIs(ConnectionState state) {
        if (!state.isConnected()) {
            fall("the connection to ZooKeeper is " + state);
        } else if (state == ConnectionState.RECONNECTED
                && session.trust().identity().isPresent()) {
            // The same session; after a new one the store must be identified first.
            worker.execute(this::tellStoreBack);
        }
    }

    private void tellStoreBack() {
        synchronized (lock) {
            if (listener != null) {
                listener.onStoreBack();
            }
        }
        takeOffice();
    }

    /** True from before the listener is told of its office until before it is told of the end. */
    boolean holdsOffice() {
        return inOffice;
    }

    private void fall(String why) {
        synchronized (lock) {
            falls++;
            if (reign != null && listener != null) {
                reign = null;
                inOffice = false;
                LOG.info("out of office: {}", why);
                listener.onDeposed();
            }
        }
    }

    private void takeOffice() {
        long before;
        synchronized (lock) {
            if (reign != null) {
                // Raising the epoch once more would end this reign.
                return;
            }
            before = falls;
        }
        if (!latch.hasLeadership()) {
            return;
        }
        try {
            // A reign that this node cannot remember must not begin: it would be raised again and again.
            session.trust().remember();
            Optional<Epoch> raised = raise();
            if (raised.isPresent()) {
                session.trust().saw(raised.get(), 0);
                elected(raised.get(), before);
                return;
            }
            LOG.info("the epoch was raised by somebody else, or the answer was lost; trying again");
        } catch (StoreUnreachableException later) {
            LOG.warn("first in the election, but not in office yet: {}", later.getMessage());
        } catch (IOException forgotten) {
            LOG.error(
                    "first in the election, but this node cannot remember its epoch; another node goes first. Repair the state directory",
                    forgotten);
            worker.execute(this::standBack);
            return;
        }
        worker.schedule(this::takeOffice, AGAIN_MILLIS, TimeUnit.MILLISECONDS);
    }

    /** Lets another node be elected, and stands again after a while. */
    private void standBack() {
        synchronized (lock) {
            if (listener == null) {
                return;
            }
            closeLatch();
            latch = newLatch();
        }
        worker.schedule(
                () -> {
                    synchronized (lock) {
                        if (listener != null) {
                            startLatch();
                        }
                    }
                },
                STAND_BACK_MILLIS,
                TimeUnit.MILLISECONDS);
    }

    private Optional<Epoch> raise() throws StoreUnreachableException {
        String path = session.schema().epoch();
        int version = session.newest(path)
                .orElseThrow(() -> new StoreUnreachableException(
                        "the store has no %s: it was damaged, or restored in part; docs/operations.md tells how to restore a store"
                                .formatted(path)))
                .version();
        byte[] name = session.settings().node().value().getBytes(StandardCharsets.UTF_8);
        Wire.Outcome outcome = session.multi(List.of(Op.setData(path, name, version)));
        return outcome instanceof Wire.Outcome.Done ? Optional.of(new Epoch(version + 1L)) : Optional.empty();
    }

    private void elected(Epoch raised, long fallsBefore) {
        synchronized (lock) {
            if (falls != fallsBefore || reign != null || listener == null || !latch.hasLeadership()) {
                return;
            }
            reign = raised;
            inOffice = true;
            LOG.info("in office, epoch {}", raised);
            whenInOffice.run();
            listener.onElected(raised);
        }
    }

    /** Somebody may have ended this reign without taking the latch: a person who had a store adopted. */
    private void epochMoved() {
        Epoch mine;
        synchronized (lock) {
            mine = reign;
        }
        if (mine == null) {
            return;
        }
        try {
            Optional<Wire.Data> now = session.newest(session.schema().epoch());
            if (now.isPresent() && now.get().version() > mine.value()) {
                fall("epoch %s has begun".formatted(now.get().version()));
                takeOffice();
            }
        } catch (StoreUnreachableException lost) {
            LOG.debug("the epoch is not known: {}", lost.getMessage());
            worker.schedule(this::epochMoved, AGAIN_MILLIS, TimeUnit.MILLISECONDS);
        }
    }

    /** Leaves office and the election. */
    @Override
    public void close() {
        fall("this agent ends");
        boolean started;
        synchronized (lock) {
            started = latched;
            listener = null;
        }
        worker.shutdownNow();
        epochWatch.close();
        if (started) {
            closeLatch();
        }
    }

    private void closeLatch() {
        try {
            latch.close(LeaderLatch.CloseMode.SILENT);
        } catch (IOException | IllegalStateException gone) {
            LOG.debug("the latch was gone already", gone);
        }
    }
}
