package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.hypervisor.block.Advance;
import dev.holdfast.agent.qmp.QmpEvent;
import dev.holdfast.agent.qmp.QmpEvents;
import dev.holdfast.agent.qmp.QmpValue;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The memory stream of a QEMU, of which there is one at a time. */
record Migration(Monitor monitor) {
    private static final String EVENTS = "events";
    static final String BACKGROUND = "background-snapshot";
    static final String HOLD = "pause-before-switchover";
    static final String CONVERGE = "auto-converge";
    static final String LATE = "late-block-activate";
    /** What a move to another node leaves on, and QEMU does not do a background capture with. */
    private static final Set<String> OF_A_MOVE = Set.of(CONVERGE, LATE);

    private static final Set<String> BUSY =
            Set.of("setup", "active", "device", "cancelling", "pre-switchover", "wait-unplug", "postcopy-active");
    private static final Set<String> ENDS = Set.of("completed", "failed", "cancelled");
    /** Far above any disk: the default of 128 MiB/s throttles even a stopped guest. */
    private static final long UNLIMITED = 1L << 40;

    private static final int DOWNTIME_MILLIS = 100;
    /** Without a byte more in that time the storage hangs. */
    private static final Duration STUCK = Duration.ofMinutes(1);

    /** An idle guest is at the switch-over in some 20 ms. */
    private static final Duration CONVERGED = Duration.ofSeconds(1);

    private static final Duration LOOK = Duration.ofMillis(50);

    static String eventStatus(QmpEvent event) {
        return event.data().path("status").asText();
    }

    QmpValue query() throws HypervisorException {
        return monitor.call("query-migrate");
    }

    static boolean isBusy(QmpValue info) {
        return BUSY.contains(info.path("status").asText());
    }

    static boolean isEnd(QmpValue info) {
        return ENDS.contains(info.path("status").asText());
    }

    /**
     * Ends a stream that holds the guest or is about to. One of a background capture is left alone: to cancel it freezes the
     * guest for good on QEMU 7.2.
     *
     * <p>A stream that is to wait before the switch-over is cancelled only once it waits. QEMU (seen on 7.2) checks for a
     * cancel just before it begins to wait; one that comes between the two is never noticed, and neither {@code cont} nor a
     * second cancel frees the guest then. A guest too busy to get there is far from that window.
     */
    void cancel(Duration bound) throws HypervisorException {
        QmpValue info = query();
        if (!isBusy(info) || isOn(BACKGROUND)) {
            return;
        }
        boolean waits = isOn(HOLD);
        boolean asked = false;
        long start = monitor.nanoClock().getAsLong();
        while (isBusy(info)) {
            boolean safe = !waits || info.path("status").asText().equals("pre-switchover");
            boolean far = monitor.left(start, CONVERGED).isZero();
            if (!asked && (safe || far)) {
                asked = true;
                monitor.accepts("migrate_cancel", Map.of());
            }
            if (asked && monitor.left(start, bound.plus(CONVERGED)).isZero()) {
                throw new HypervisorException(
                        Kind.UNKNOWN,
                        "QEMU does not end its memory stream, which is '"
                                + info.path("status").asText()
                                + "'; if the guest does not run, kill the process and restore the machine");
            }
            Pause.millis(1);
            info = query();
        }
    }

    private boolean isOn(String capability) throws HypervisorException {
        for (QmpValue known : monitor.call("query-migrate-capabilities")) {
            if (known.path("capability").asText().equals(capability)) {
                return known.path("state").asText().equals("true");
            }
        }
        return false;
    }

    /** Waits until a stream that has completed has let go of the machine, so that an order to run is not refused. */
    void awaitFinalized(Duration bound) throws HypervisorException {
        long start = monitor.nanoClock().getAsLong();
        while (monitor.status() == VmStatus.CAPTURING
                && !monitor.left(start, bound).isZero()) {
            Pause.millis(1);
        }
    }

    /** Sets exactly the capabilities wanted, of those a capture uses. False if QEMU, kernel or rights do not offer them. */
    boolean configure(Set<String> wanted) throws HypervisorException {
        return configure(wanted, UNLIMITED, DOWNTIME_MILLIS);
    }

    /** The same, with these limits. Sets nothing that is set already: epochs follow each other. */
    boolean configure(Set<String> wanted, long bytesPerSecond, long downtimeMillis) throws HypervisorException {
        List<Map<String, Object>> off = new ArrayList<>();
        List<Map<String, Object>> on = new ArrayList<>();
        int offered = 0;
        for (QmpValue known : monitor.call("query-migrate-capabilities")) {
            String name = known.path("capability").asText();
            boolean isOn = known.path("state").asText().equals("true");
            boolean wish = wanted.contains(name) || name.equals(EVENTS);
            if (name.equals(EVENTS) || name.equals(BACKGROUND) || name.equals(HOLD) || OF_A_MOVE.contains(name)) {
                offered += wanted.contains(name) ? 1 : 0;
                if (wish != isOn) {
                    (wish ? on : off).add(Map.of("capability", name, "state", wish));
                }
            }
        }
        if (offered != wanted.size()) {
            return false;
        }
        if (!off.isEmpty()) {
            monitor.call("migrate-set-capabilities", Map.of("capabilities", off));
        }
        if (!on.isEmpty() && !monitor.accepts("migrate-set-capabilities", Map.of("capabilities", on))) {
            return false;
        }
        monitor.call(
                "migrate-set-parameters", Map.of("max-bandwidth", bytesPerSecond, "downtime-limit", downtimeMillis));
        return true;
    }

    /** Waits for one of these states by its event, or for the end. */
    String awaitStatus(QmpEvents events, String status, Duration timeout) throws HypervisorException {
        Optional<QmpEvent> event =
                monitor.await(events, e -> eventStatus(e).equals(status) || ENDS.contains(eventStatus(e)), timeout);
        if (event.isEmpty()) {
            throw new HypervisorException(
                    Kind.UNKNOWN,
                    "the memory stream did not get to '" + status + "' within " + timeout.toMillis()
                            + " ms; the storage of the memory image is slow or QEMU hangs");
        }
        return eventStatus(event.get());
    }

    /** Waits for the end, as long as bytes go out. Returns the final answer of query-migrate. */
    QmpValue awaitEnd(QmpEvents events, Progress progress) throws HypervisorException {
        Advance advance = new Advance(monitor, STUCK);
        while (true) {
            QmpValue info = query();
            QmpValue ram = info.path("ram");
            long sent = ram.path("transferred").asLong();
            progress.at(sent, Math.max(sent, sent + ram.path("remaining").asLong()));
            if (!isBusy(info)) {
                return info;
            }
            if (advance.isStuck(sent)) {
                throw new HypervisorException(
                        Kind.UNKNOWN,
                        "the memory image has not grown for " + STUCK.toSeconds() + " s; look at the storage under it");
            }
            monitor.await(events, e -> ENDS.contains(eventStatus(e)), LOOK);
        }
    }

    /** Why the stream failed, in QEMU's words. */
    static String failure(QmpValue info) {
        String words = info.path("error-desc").asText();
        return "the memory stream ended as '" + info.path("status").asText() + "'"
                + (words.isEmpty() ? "" : " (" + words + ")");
    }
}
