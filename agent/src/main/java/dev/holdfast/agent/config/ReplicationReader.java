package dev.holdfast.agent.config;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Policy;
import dev.holdfast.coordinator.replication.Policy.OnIsolation;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Turns the table {@code [replication]} of a machine into a record. Confined to one thread. */
final class ReplicationReader {

    private static final Duration INTERVAL = Duration.ofSeconds(1);
    private static final Duration LAG = Duration.ofSeconds(3);
    private static final Duration LONGEST_LAG = Duration.ofHours(1);
    private static final long LEAST_BANDWIDTH = 16L << 10;
    private static final long MOST_BANDWIDTH = 1L << 40;
    /** The sockets in a machine's directory: {@code /memory-<epoch>.sock}, of paths that may have 100 bytes. */
    private static final int LONGEST_PLACE = 100 - "/memory-9999999999.sock".length();

    private static final Path VOLATILE = Path.of("/dev/shm/holdfast");

    private final TableReader table;

    ReplicationReader(TableReader table) {
        this.table = table;
    }

    /** @param vm the machine's name, if it has one */
    ReplicationSettings read(Optional<Name> vm) {
        ReplicationSettings.Mode mode =
                table.choice("mode", ReplicationSettings.Mode.class, ReplicationSettings.Mode.CHECKPOINT);
        List<Name> nodes = nodes();
        Duration interval = table.duration("interval", INTERVAL, Duration.ofMillis(100), Duration.ofMinutes(10));
        Duration pause = pause(mode);
        Duration lag = lag(interval, pause);
        long bandwidth = bandwidth();
        Policy policy = policy();
        Path place = table.path("standby_dir").orElse(VOLATILE);
        checkLength(place, vm);
        return new ReplicationSettings(mode, nodes, interval, pause, lag, bandwidth, policy, place);
    }

    private Duration pause(ReplicationSettings.Mode mode) {
        if (mode == ReplicationSettings.Mode.DISK && table.has("max_pause")) {
            table.problem(
                    "max_pause",
                    "\"replication.max_pause\" is for the rest of an epoch's memory, and mode = \"disk\" sends none",
                    "remove it, or use mode = \"checkpoint\"");
        }
        return table.duration("max_pause", Duration.ofMillis(500), Duration.ofMillis(10), Duration.ofMinutes(1));
    }

    private List<Name> nodes() {
        List<Name> nodes = new ArrayList<>();
        for (String text : table.texts("nodes")) {
            try {
                Name node = new Name(text);
                if (nodes.contains(node)) {
                    table.problem("nodes", "\"replication.nodes\" names " + node + " twice", "name each node once");
                }
                nodes.add(node);
            } catch (IllegalArgumentException e) {
                table.problem(
                        "nodes",
                        "\"replication.nodes\": " + e.getMessage(),
                        "name nodes as \"node\" in their holdfast.toml");
            }
        }
        if (table.has("nodes") && nodes.size() < 2) {
            table.problem(
                    "nodes",
                    "\"replication.nodes\" names fewer than two nodes, and a copy needs a second one",
                    "name two at least, or remove the key: then each node that has this file counts");
        }
        return nodes;
    }

    private Duration lag(Duration interval, Duration pause) {
        Duration thrice = interval.multipliedBy(3);
        Duration fallback = thrice.compareTo(LAG) > 0 ? thrice : LAG;
        Duration needed = interval.plus(pause);
        fallback = fallback.compareTo(needed) > 0 ? fallback : needed;
        Duration lag = table.duration("max_lag", fallback, Duration.ofMillis(100), LONGEST_LAG);
        if (lag.compareTo(needed) < 0) {
            table.problem(
                    "max_lag",
                    "\"replication.max_lag\" is %s, and an epoch takes up to %s: the guest would be held in every epoch"
                            .formatted(Quantity.text(lag), Quantity.text(needed)),
                    "use at least interval and max_pause together, better three intervals");
            return fallback;
        }
        return lag;
    }

    private long bandwidth() {
        Optional<String> text = table.text("bandwidth");
        if (text.isEmpty() || text.get().strip().equals("0")) {
            return 0;
        }
        return table.size("bandwidth", LEAST_BANDWIDTH, LEAST_BANDWIDTH, MOST_BANDWIDTH);
    }

    private Policy policy() {
        boolean outputCommit = table.flag("output_commit", false);
        OnIsolation isolation = table.choice("on_isolation", OnIsolation.class, OnIsolation.PAUSE);
        Optional<Duration> stale = table.has("max_stale")
                ? Optional.of(table.duration(
                        "max_stale", Duration.ofSeconds(30), Duration.ofSeconds(1), Duration.ofHours(24)))
                : Optional.empty();
        try {
            return new Policy(isolation, outputCommit, stale);
        } catch (IllegalArgumentException contradiction) {
            table.problem("on_isolation", String.valueOf(contradiction.getMessage()), "");
            return Policy.pause();
        }
    }

    private void checkLength(Path directory, Optional<Name> vm) {
        int length = directory.toString().length()
                + 1
                + vm.map(name -> name.value().length()).orElse(0);
        if (length > LONGEST_PLACE) {
            table.problem(
                    "standby_dir",
                    "\"replication.standby_dir\" and the machine's name have %d characters together, and the paths of sockets there would pass the limit of the system"
                            .formatted(length),
                    "use at most " + LONGEST_PLACE + ", as /dev/shm/holdfast");
        }
    }
}
