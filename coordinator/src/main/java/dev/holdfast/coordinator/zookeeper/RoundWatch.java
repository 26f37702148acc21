package dev.holdfast.coordinator.zookeeper;

import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundView;
import dev.holdfast.coordinator.zookeeper.RoundReader.Watches;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.watch.PersistentWatcher;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the listener of rounds that changed. A watch only says <em>look again</em>; what is told was read afterwards. After
 * each reconnection everything is read again, because events in between are lost. One thread reads and calls.
 *
 * <p>Each node watches which rounds there are, and each round's record; only those in which it takes part are told. What members say is
 * watched by the leader alone: of a round of N nodes that is 3 N words, and telling each to each of the N would be the most that the
 * servers do.
 */
final class RoundWatch implements AutoCloseable {

    /** @param member this node */
    private record Told(Name member, Consumer<RoundView> listener) {}

    private static final Logger LOG = LoggerFactory.getLogger(RoundWatch.class);
    private static final long AGAIN_MILLIS = 250;

    private final StoreSession session;
    private final RoundReader reader;
    private final PersistentWatcher rounds;
    /** Told once for each reading that asks for it; always the same, so that a node that is read twice tells it once. */
    private final Watcher next = this::noticed;

    private final BooleanSupplier leads;
    private final ScheduledThreadPoolExecutor worker = Workers.one("watch");
    private final Object lock = new Object();

    // Guarded by lock.
    private final SortedSet<RoundId> changed = new TreeSet<>();
    private boolean allChanged;
    private boolean othersAreThere;
    private boolean scheduled;
    private boolean started;

    private volatile Optional<Told> told = Optional.empty();

    /** Those whose records were read, and so are watched. Of the worker's thread. */
    private final Set<RoundId> watched = new HashSet<>();

    RoundWatch(StoreSession session, RoundReader reader, CuratorFramework curator, BooleanSupplier leads) {
        this.session = session;
        this.reader = reader;
        this.leads = leads;
        this.rounds = new PersistentWatcher(curator, session.schema().rounds(), false);
    }

    /** @param member this node */
    void begin(Name member, Consumer<RoundView> listener) {
        synchronized (lock) {
            if (told.isPresent()) {
                throw new IllegalStateException("one listener is told of rounds, and there is one");
            }
            told = Optional.of(new Told(member, listener));
        }
        rounds.getListenable().addListener(this::noticed);
        rounds.getResetListenable().addListener(this::lookAtAll);
        session.trust().whenTrusted(this::storeIsKnown);
    }

    private void storeIsKnown() {
        boolean first;
        synchronized (lock) {
            first = !started;
            started = true;
        }
        if (first) {
            rounds.start();
        }
        lookAtAll();
    }

    private void noticed(WatchedEvent event) {
        String path = event.getPath();
        // That a round is gone is seen in the list of them.
        if (path == null || event.getType() == Watcher.Event.EventType.NodeDeleted) {
            return;
        }
        String parent = session.schema().rounds();
        synchronized (lock) {
            if (path.equals(parent)) {
                othersAreThere = true;
            } else {
                reader.id(path.substring(parent.length() + 1)).ifPresent(changed::add);
            }
        }
        lookAfter(0);
    }

    /** Reads all rounds: whoever has come into office watches what members say from then on. */
    void lookAtAll() {
        lookAtAllAfter(0);
    }

    private void lookAtAllAfter(long millis) {
        synchronized (lock) {
            allChanged = true;
        }
        lookAfter(millis);
    }

    private void lookAfter(long millis) {
        synchronized (lock) {
            if (!scheduled && !worker.isShutdown()) {
                scheduled = true;
                worker.schedule(this::look, millis, TimeUnit.MILLISECONDS);
            }
        }
    }

    private void look() {
        SortedSet<RoundId> toRead = new TreeSet<>();
        boolean all;
        boolean others;
        synchronized (lock) {
            scheduled = false;
            toRead.addAll(changed);
            changed.clear();
            all = allChanged;
            allChanged = false;
            others = othersAreThere;
            othersAreThere = false;
        }
        try {
            if (all || others) {
                SortedSet<RoundId> there = reader.ids();
                watched.retainAll(there);
                there.stream().filter(round -> all || !watched.contains(round)).forEach(toRead::add);
            }
            while (!toRead.isEmpty()) {
                read(toRead.first());
                toRead.remove(toRead.first());
            }
        } catch (StoreUnreachableException later) {
            LOG.debug("rounds not read, will be tried again: {}", later.getMessage());
            lookAtAllAfter(AGAIN_MILLIS);
        }
    }

    private void read(RoundId round) throws StoreUnreachableException {
        Told whom = told.orElseThrow();
        boolean all = leads.getAsBoolean();
        Optional<Watcher> words = all ? Optional.of(next) : Optional.empty();
        Optional<RoundView> view = reader.seen(
                round, new Watches(Optional.of(next), words), all ? Optional.empty() : Optional.of(whom.member()));
        watched.add(round);
        if (all == leads.getAsBoolean()) {
            view.ifPresent(whom.listener());
        } else {
            lookAtAll(); // Words may be missing in it that whoever has just come into office decides by.
        }
    }

    @Override
    public void close() {
        rounds.close();
        synchronized (lock) {
            worker.shutdownNow();
        }
    }
}
