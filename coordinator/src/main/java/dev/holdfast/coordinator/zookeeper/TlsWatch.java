package dev.holdfast.coordinator.zookeeper;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/** Finds out why there is no connection by TLS, as long as there is none. Thread-safe. */
final class TlsWatch implements AutoCloseable {

    private static final long FIRST_MILLIS = 300;
    private static final long AGAIN_MILLIS = 2000;

    private final ScheduledThreadPoolExecutor worker = Workers.one("tls");

    /**
     * Begins.
     *
     * @param connected whether there is a connection
     * @param told what was found at the first server that has a problem, empty if one is in order
     */
    TlsWatch(String connect, StoreTls tls, BooleanSupplier connected, Consumer<Optional<TlsProbe.Finding>> told) {
        TlsProbe probe = new TlsProbe(tls);
        worker.scheduleWithFixedDelay(
                () -> told.accept(connected.getAsBoolean() ? Optional.empty() : why(connect, probe)),
                FIRST_MILLIS,
                AGAIN_MILLIS,
                TimeUnit.MILLISECONDS);
    }

    /** One server that is in order is enough: the client finds it. */
    private static Optional<TlsProbe.Finding> why(String connect, TlsProbe probe) {
        List<TlsProbe.Finding> problems = new ArrayList<>();
        for (String server : connect.split(",")) {
            TlsProbe.Finding finding = probe.look(server);
            if (finding.answers() && finding.problem().isEmpty()) {
                return Optional.empty();
            }
            if (finding.answers()) {
                problems.add(finding);
            }
        }
        // One is told: they have one configuration, and a terminal's line is short.
        return problems.stream().findFirst();
    }

    @Override
    public void close() {
        worker.shutdownNow();
    }
}
