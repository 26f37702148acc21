package dev.holdfast.coordinator.zookeeper;

import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundView;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.watch.PersistentWatcher;
import org.apache.zookeeper.WatchedEvent;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells listeners of rounds that changed. A watch only says <em>look again</em>; what is told was read afterwards. After
 * each reconnection everything is read again, because events in between are lost. One thread reads and calls.
 *
 * <p>What members say is looked at by the leader alone. If each of N nodes looked at each of the 3 N words of a round, a round of a
 * hundred nodes would cost as many requests as a thousand rounds of three.
 */
final class RoundWatch implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(RoundWatch.class);
    private static final long AGAIN_MILLIS = 250;

    private final StoreSession session;
    private final RoundReader reader;
    private final PersistentWatcher watcher;
    private final BooleanSupplier leads;
    private final ScheduledThreadPoolExecutor worker = Workers.one("watch");
    private final List<Consumer<RoundView>> listeners = new CopyOnWriteArrayList<>();
    private final Object lock = new Object();

    // Guarded by lock.
    private final SortedSet<RoundId> changed = new TreeSet<>();
    private boolean allChanged;
    private boolean scheduled;
    private boolean listening;
    private boolean started;

    RoundWatch(StoreSession session, RoundReader reader, CuratorFramework curator, BooleanSupplier leads) {
        this.session = session;
        this.reader = reader;
        this.leads = leads;
        this.watcher = new PersistentWatcher(curator, session.schema().rounds(), true);
    }

    void add(Consumer<RoundView> listener) {
        listeners.add(listener);
        boolean first;
        synchronized (lock) {
            first = !listening;
            listening = true;
        }
        if (first) {
            watcher.getListenable().addListener(this::noticed);
            watcher.getResetListenable().addListener(this::lookAtAll);
            session.trust().whenTrusted(this::storeIsKnown);
        } else {
            lookAtAll();
        }
    }

    private void storeIsKnown() {
        boolean first;
        synchronized (lock) {
            first = !started;
            started = true;
        }
        if (first) {
            watcher.start();
        }
        lookAtAll();
    }

    private void noticed(WatchedEvent event) {
        String path = event.getPath();
        String parent = session.schema().rounds() + "/";
        if (path == null || !path.startsWith(parent)) {
            return;
        }
        String below = path.substring(parent.length());
        int slash = below.indexOf('/');
        if (slash >= 0 && !leads.getAsBoolean()) {
            return;
        }
        synchronized (lock) {
            reader.id(slash < 0 ? below : below.substring(0, slash)).ifPresent(changed::add);
        }
        lookAfter(0);
    }

    private void lookAtAll() {
        synchronized (lock) {
            allChanged = true;
        }
        lookAfter(0);
    }

    private void lookAfter(long millis) {
        synchronized (lock) {
            if (!scheduled) {
                scheduled = true;
                worker.schedule(this::look, millis, TimeUnit.MILLISECONDS);
            }
        }
    }

    private void look() {
        SortedSet<RoundId> rounds = new TreeSet<>();
        boolean all;
        synchronized (lock) {
            scheduled = false;
            rounds.addAll(changed);
            changed.clear();
            all = allChanged;
            allChanged = false;
        }
        try {
            if (all) {
                rounds.addAll(reader.ids());
                all = false;
            }
            while (!rounds.isEmpty()) {
                Optional<RoundView> view = reader.seen(rounds.first());
                view.ifPresent(seen -> listeners.forEach(listener -> listener.accept(seen)));
                rounds.remove(rounds.first());
            }
        } catch (StoreUnreachableException later) {
            LOG.debug("rounds not read, will be tried again: {}", later.getMessage());
            synchronized (lock) {
                changed.addAll(rounds);
                allChanged |= all;
            }
            lookAfter(AGAIN_MILLIS);
        }
    }

    @Override
    public void close() {
        watcher.close();
        worker.shutdownNow();
    }
}
