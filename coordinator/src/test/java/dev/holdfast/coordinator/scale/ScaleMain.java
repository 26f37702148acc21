package dev.holdfast.coordinator.scale;

import dev.holdfast.coordinator.engine.Engine;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.Members;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.RoundOptions;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.leader.Outcome;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;

/** {@code connect agents vms-each rounds key-file|-}: one line of JSON for each round, and one before them. */
public final class ScaleMain {
    private static final Duration QUIET = Duration.ofSeconds(6);
    private static final Duration LONGEST = Duration.ofMinutes(4);

    private ScaleMain() {}

    public static void main(String[] arguments) throws Exception {
        String connect = arguments[0];
        int agents = Integer.parseInt(arguments[1]);
        int vms = Integer.parseInt(arguments[2]);
        int rounds = Integer.parseInt(arguments[3]);
        Optional<Path> key = arguments[4].equals("-") ? Optional.empty() : Optional.of(Path.of(arguments[4]));
        Cluster cluster = new Cluster(connect, key);
        long begun = System.nanoTime();
        for (int number = 0; number < agents; number++) {
            cluster.add(number, vms);
        }
        Awaitility.await().atMost(LONGEST).pollInterval(Duration.ofMillis(100)).until(cluster::allSeeAll);
        long formed = millis(begun, System.nanoTime());
        Counts before = Counts.of(connect);
        long from = System.nanoTime();
        Awaitility.await().pollDelay(QUIET).until(() -> true);
        Counts after = Counts.of(connect);
        double seconds = (System.nanoTime() - from) / 1e9;
        double idle = (after.requests() - before.requests()) / seconds;
        System.gc();
        Runtime heap = Runtime.getRuntime();
        System.out.printf(
                "{\"agents\":%d,\"vms\":%d,\"channel\":\"%s\",\"formed_ms\":%d,\"idle_requests_per_s\":%.0f,\"heap_mb\":%d,\"threads\":%d}%n",
                agents,
                agents * vms,
                key.isPresent() ? "jgroups" : "calls",
                formed,
                idle,
                (heap.totalMemory() - heap.freeMemory()) >> 20,
                Thread.activeCount());
        for (int round = 0; round < rounds; round++) {
            System.out.println(round(cluster, connect, round, idle));
        }
        Runtime.getRuntime().halt(0);
    }

    /** A checkpoint of each group, all at the same time. */
    private static String round(Cluster cluster, String connect, int number, double idle) throws Exception {
        Engine leader = cluster.leader().engine();
        List<RoundSpec> specs = cluster.groups().stream()
                .map(members -> checkpoint(cluster.reign(), members))
                .toList();
        Counts before = Counts.of(connect);
        long begun = System.nanoTime();
        List<CompletableFuture<Outcome>> running =
                specs.stream().map(leader::run).toList();
        List<Outcome> outcomes = new ArrayList<>();
        for (CompletableFuture<Outcome> outcome : running) {
            outcomes.add(outcome.get(LONGEST.toSeconds(), TimeUnit.SECONDS));
        }
        long decided = System.nanoTime();
        for (RoundSpec spec : specs) {
            leader.closed(spec.id()).get(LONGEST.toSeconds(), TimeUnit.SECONDS);
        }
        long closed = System.nanoTime();
        Counts after = Counts.of(connect);
        long[] frozen = cluster.agents().stream()
                .mapToLong(agent -> agent.machines().frozenAt)
                .sorted()
                .toArray();
        long[] pauses = cluster.agents().stream()
                .mapToLong(agent -> agent.machines().thawedAt - agent.machines().frozenAt)
                .sorted()
                .toArray();
        long last = frozen[frozen.length - 1];
        Outcome worst = outcomes.stream()
                .filter(outcome -> outcome.because().isPresent())
                .findFirst()
                .orElse(outcomes.get(0));
        return ("{\"round\":%d,\"groups\":%d,\"outcome\":\"%s\",\"because\":\"%s\",\"ready_ms\":%d,\"skew_ms\":%d,\"pause_p50_ms\":%d,\"pause_max_ms\":%d,"
                        + "\"decided_ms\":%d,\"closed_ms\":%d,\"requests\":%d,\"packets_sent\":%d,\"writes\":%d}")
                .formatted(
                        number,
                        specs.size(),
                        worst.kind(),
                        worst.because()
                                .map(why -> why.text().replace('"', '\''))
                                .orElse(""),
                        millis(begun, frozen[0]),
                        millis(frozen[0], last),
                        TimeUnit.NANOSECONDS.toMillis(pauses[pauses.length / 2]),
                        TimeUnit.NANOSECONDS.toMillis(pauses[pauses.length - 1]),
                        millis(begun, decided),
                        millis(begun, closed),
                        after.requests() - before.requests() - Math.round(idle * (closed - begun) / 1e9),
                        after.sent() - before.sent(),
                        after.transactions() - before.transactions());
    }

    static RoundSpec checkpoint(Epoch reign, Members members) {
        String unique = Long.toString(System.nanoTime());
        return new RoundSpec(
                new RoundId("r" + unique),
                RoundKind.CHECKPOINT,
                reign,
                new Name("of-" + members.byNode().firstKey()),
                new Name("c" + unique),
                Optional.empty(),
                members,
                new RoundOptions(
                        Duration.ofMinutes(2),
                        LONGEST,
                        LONGEST,
                        Duration.ZERO,
                        RoundOptions.CaptureMethod.AUTO,
                        RoundOptions.Quiesce.NO,
                        false,
                        ""));
    }

    private static long millis(long from, long to) {
        return TimeUnit.NANOSECONDS.toMillis(to - from);
    }
}
