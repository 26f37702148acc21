package dev.holdfast.coordinator.zookeeper;

import dev.holdfast.coordinator.port.ReplicaStore.Watch;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.ReplicationRecord.Stored;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.watch.PersistentWatcher;
import org.apache.zookeeper.WatchedEvent;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells listeners of replicated machines whose record changed, in the way of {@link RoundWatch}: a watch says <em>look again</em>,
 * what is told was read afterwards, and each reconnection is a change of everything. One thread reads and calls.
 */
final class ReplicaWatch implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(ReplicaWatch.class);
    private static final long AGAIN_MILLIS = 250;

    private record Listener(Name vm, Consumer<Optional<Stored>> changed) {}

    private final ZooKeeperReplicaStore store;
    private final StoreSession session;
    private final PersistentWatcher watcher;
    private final ScheduledThreadPoolExecutor worker = Workers.one("replica-watch");
    private final List<Listener> listeners = new CopyOnWriteArrayList<>();
    private final Object lock = new Object();

    // Guarded by lock.
    private final SortedSet<Name> changed = new TreeSet<>();
    private boolean scheduled;
    private boolean listening;
    private boolean started;

    ReplicaWatch(ZooKeeperReplicaStore store, StoreSession session, CuratorFramework curator) {
        this.store = store;
        this.session = session;
        this.watcher = new PersistentWatcher(curator, session.schema().replicas(), true);
    }

    Watch add(Name vm, Consumer<Optional<Stored>> consumer) {
        Listener listener = new Listener(vm, consumer);
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
            look(List.of(vm));
        }
        return () -> listeners.remove(listener);
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
        String parent = session.schema().replicas() + "/";
        if (path != null && path.startsWith(parent)) {
            String vm = path.substring(parent.length());
            look(listeners.stream()
                    .map(Listener::vm)
                    .filter(name -> name.value().equals(vm))
                    .toList());
        }
    }

    private void lookAtAll() {
        look(listeners.stream().map(Listener::vm).toList());
    }

    private void look(List<Name> vms) {
        synchronized (lock) {
            changed.addAll(vms);
            lookAfter(0);
        }
    }

    private void lookAfter(long millis) {
        synchronized (lock) {
            if (!scheduled && !changed.isEmpty()) {
                scheduled = true;
                worker.schedule(this::lookNow, millis, TimeUnit.MILLISECONDS);
            }
        }
    }

    private void lookNow() {
        SortedSet<Name> vms = new TreeSet<>();
        synchronized (lock) {
            scheduled = false;
            vms.addAll(changed);
            changed.clear();
        }
        try {
            while (!vms.isEmpty()) {
                Name vm = vms.first();
                Optional<Stored> stored = store.seen(vm);
                listeners.stream()
                        .filter(listener -> listener.vm().equals(vm))
                        .forEach(listener -> listener.changed().accept(stored));
                vms.remove(vm);
            }
        } catch (StoreUnreachableException later) {
            LOG.debug("records of replicated machines not read, will be tried again: {}", later.getMessage());
            synchronized (lock) {
                changed.addAll(vms);
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
