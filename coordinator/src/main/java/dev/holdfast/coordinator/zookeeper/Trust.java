package dev.holdfast.coordinator.zookeeper;

import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.Epoch;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.zookeeper.KeeperException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether the store at the other end is the one the cluster knows. Asked anew after each lost session, because another
 * store may answer at the same address; until the answer is there, operations wait. Thread-safe; one thread asks.
 *
 * <pre>
 * PENDING --identified--> TRUSTED --session lost--> PENDING
 * PENDING --another store, credentials refused--> REFUSED --asked again after a while--> TRUSTED or REFUSED
 * </pre>
 */
final class Trust implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Trust.class);
    private static final long ASK_AGAIN_MILLIS = 250;
    private static final long ASK_REFUSED_AGAIN_MILLIS = 2000;

    private final StoreSettings settings;
    private final Bootstrap bootstrap;
    private final StoreMemory memory;
    private final ScheduledThreadPoolExecutor worker = Workers.one("identify");
    private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
    private final Object lock = new Object();

    // Guarded by lock.
    private @Nullable StoreIdentity trusted;
    private @Nullable String refused;
    private TlsProbe.@Nullable Finding finding;
    private boolean asking;
    private int losses;

    Trust(StoreSettings settings, CuratorFramework curator, StoreMemory memory, Supplier<String> identities) {
        this.settings = settings;
        this.bootstrap = new Bootstrap(new Wire(curator, settings.credentials()), settings, identities);
        this.memory = memory;
        curator.getConnectionStateListenable().addListener((client, state) -> changed(state));
    }

    private void changed(ConnectionState state) {
        synchronized (lock) {
            if (state.isConnected()) {
                finding = null;
            }
            if (state == ConnectionState.LOST) {
                trusted = null;
                refused = null;
                losses++;
            } else if (state.isConnected() && trusted == null) {
                askAfter(0);
            }
        }
    }

    private void askAfter(long millis) {
        synchronized (lock) {
            if (!asking) {
                asking = true;
                worker.schedule(this::ask, millis, TimeUnit.MILLISECONDS);
            }
        }
    }

    private void ask() {
        int lossesBefore;
        synchronized (lock) {
            asking = false;
            if (trusted != null) {
                return;
            }
            lossesBefore = losses;
        }
        try {
            StoreIdentity found = bootstrap.identify(memory.recall());
            memory.keep(found);
            accepted(found, lossesBefore);
        } catch (StoreUnreachableException unknown) {
            refuse(String.valueOf(unknown.getMessage()));
        } catch (IOException forgotten) {
            refuse("this node cannot read or write what it remembers of the store: " + forgotten.getMessage()
                    + ". Repair the state directory; running machines are not affected");
        } catch (KeeperException failed) {
            if (failed.code() == KeeperException.Code.NOAUTH) {
                refuse(StoreSession.refusedText(settings, String.valueOf(failed.getPath())));
            } else {
                askAfter(ASK_AGAIN_MILLIS);
            }
        } catch (InterruptedException closed) {
            Thread.currentThread().interrupt();
        }
    }

    private void accepted(StoreIdentity found, int lossesBefore) {
        synchronized (lock) {
            if (losses != lossesBefore) {
                askAfter(0);
                return;
            }
            trusted = found;
            refused = null;
            lock.notifyAll();
        }
        LOG.info("store {} at {} accepted, epoch {}", found.identity(), settings.connect(), found.epoch());
        listeners.forEach(Runnable::run);
    }

    private void refuse(String why) {
        synchronized (lock) {
            if (trusted != null) {
                // It was adopted while the question was under way.
                return;
            }
            if (!why.equals(refused)) {
                LOG.error("{}", why);
            }
            refused = why;
            lock.notifyAll();
        }
        askAfter(ASK_REFUSED_AGAIN_MILLIS);
    }

    /** Waits until the store is trusted. */
    void await(Duration bound) throws StoreUnreachableException {
        synchronized (lock) {
            if (trusted == null && refused == null && !isHopeless()) {
                waitFor(bound);
            }
            if (refused != null) {
                throw new StoreUnreachableException(refused);
            }
            if (trusted == null && isHopeless()) {
                throw new StoreUnreachableException(found() + ". Running machines are not affected");
            }
            if (trusted == null) {
                throw StoreSession.unreachable(settings, found());
            }
        }
    }

    /** What is known of why there is no connection: nobody waits for what cannot come. */
    void explain(Optional<TlsProbe.Finding> why) {
        synchronized (lock) {
            String before = found();
            finding = why.orElse(null);
            if (isHopeless() && !before.equals(found())) {
                LOG.error("{}", found());
            }
            if (isHopeless()) {
                lock.notifyAll();
            }
        }
    }

    private boolean isHopeless() {
        return finding != null && finding.certain();
    }

    private String found() {
        return finding == null ? "no connection" : finding.problem().orElse("no connection");
    }

    private void waitFor(Duration bound) throws StoreUnreachableException {
        // One wait is enough: a spurious wake-up only makes the caller give up sooner, which it must expect anyway.
        try {
            lock.wait(Math.max(1, bound.toMillis()));
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new StoreUnreachableException("interrupted while waiting for ZooKeeper", interrupted);
        }
    }

    /** The store, if it is trusted at present. */
    Optional<StoreIdentity> identity() {
        synchronized (lock) {
            return Optional.ofNullable(trusted);
        }
    }

    /** Writes down once more what this node knows of the store: fails if it could not remember a change either. */
    void remember() throws IOException {
        Optional<StoreIdentity> known = identity();
        if (known.isPresent()) {
            memory.keep(known.get());
        }
    }

    /** Remembers how far the store has come, so that one which lost this is recognized. */
    void saw(Epoch reign, long transaction) throws IOException {
        StoreIdentity reached;
        synchronized (lock) {
            if (trusted == null) {
                return;
            }
            reached = trusted.reached(reign, transaction);
            if (reached.equals(trusted)) {
                return;
            }
            trusted = reached;
        }
        memory.keep(reached);
    }

    /** Calls back each time the store becomes trusted, and at once if it is. Must not block for long. */
    void whenTrusted(Runnable listener) {
        listeners.add(listener);
        worker.execute(() -> {
            if (identity().isPresent()) {
                listener.run();
            }
        });
    }

    /** Makes the store at hand the one that this node knows; from then on it is trusted. */
    StoreIdentity adopt() throws StoreUnreachableException {
        int lossesBefore;
        synchronized (lock) {
            lossesBefore = losses;
        }
        try {
            StoreIdentity adopted = bootstrap.adopt(memory.recall());
            memory.keep(adopted);
            accepted(adopted, lossesBefore);
            return adopted;
        } catch (KeeperException failed) {
            throw failed.code() == KeeperException.Code.NOAUTH
                    ? new StoreUnreachableException(
                            StoreSession.refusedText(settings, String.valueOf(failed.getPath())), failed)
                    : StoreSession.unreachable(settings, failed.code().toString());
        } catch (IOException forgotten) {
            throw new StoreUnreachableException(
                    "what this node remembers of the store cannot be read or written: " + forgotten.getMessage()
                            + ". Repair the state directory",
                    forgotten);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new StoreUnreachableException("interrupted while waiting for ZooKeeper", interrupted);
        }
    }

    @Override
    public void close() {
        worker.shutdownNow();
    }
}
