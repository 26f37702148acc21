package dev.holdfast.agent.cli;

import dev.holdfast.agent.control.reply.ReplicaDetails;
import dev.holdfast.agent.control.reply.ReplicaDetails.Epoch;
import dev.holdfast.coordinator.protocol.Name;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.function.LongFunction;
import java.util.function.ToLongFunction;
import java.util.stream.LongStream;

/** Shows a replicated machine as one node knows it. Stateless. */
final class ReplicationView {
    private static final int BESIDE_BARS = 50;
    private static final int LEAST_BARS = 10;
    private static final int RESYNC_BAR = 30;

    private ReplicationView() {}

    static void show(Environment environment, ReplicaDetails replica) {
        View view = new View(environment)
                .property("Machine", replica.vm().value())
                .property("Role", role(replica))
                .property("State", state(replica))
                .property("Mode", mode(replica))
                .property("Last epoch", lastEpoch(replica))
                .property("Resync", replica.seed().map(ReplicationView::bar).orElse(""));
        epochs(environment, view, replica);
        view.property("Generation", replica.generation() == 0 ? "" : Long.toString(replica.generation()))
                .property("In sync", set(replica))
                .property("Copy here", replica.copy().orElse("none"))
                .property(
                        "Promotion",
                        replica.score().map(score -> "score " + score).orElse("not possible here"))
                .property("Isolated", "would " + replica.onIsolation())
                .print();
        environment.out().println();
        View history = new View(environment).row("AT", "STATE", "BECAUSE");
        for (ReplicaDetails.Change change : replica.history()) {
            history.row(CheckpointView.seconds(change.at()), change.what(), change.why());
        }
        history.printOr("Its role has not changed since the agent of %s was started.".formatted(replica.node()));
    }

    /** One line, for what changes a role. */
    static String line(ReplicaDetails replica) {
        return "%s: %s, %s.".formatted(replica.vm(), role(replica), state(replica));
    }

    private static String role(ReplicaDetails replica) {
        String peer = replica.peer().map(Name::value).orElse("");
        return switch (replica.role()) {
            case "primary" -> replica.node() + " is the primary" + (peer.isEmpty() ? "" : ", " + peer + " its standby");
            case "standby" -> replica.node() + " is the standby" + (peer.isEmpty() ? "" : " of " + peer);
            default ->
                replica.node()
                        + (replica.started() ? " has no role yet" : " takes no part")
                        + replica.running()
                                .map(node -> "; the primary is " + node)
                                .orElse("; nobody runs it");
        };
    }

    private static String state(ReplicaDetails replica) {
        if (!replica.held()) {
            return replica.state();
        }
        // A standby that was given up does not help any more.
        String awaited = replica.state().equals("protected") ? "its standby or the store" : "the store";
        return replica.state() + ", HELD: the guest stands still until " + awaited + " answers";
    }

    private static boolean isOfDisks(ReplicaDetails replica) {
        return replica.mode().equals(ReplicaDetails.DISK);
    }

    private static String mode(ReplicaDetails replica) {
        return replica.mode() + (isOfDisks(replica) ? ": the guest boots after a failover" : "");
    }

    private static String lastEpoch(ReplicaDetails replica) {
        if (replica.epoch() == 0) {
            return "";
        }
        return "%d%s"
                .formatted(
                        replica.epoch(),
                        replica.committedMsAgo() < 0
                                ? ", time unknown"
                                : ", committed " + age(replica.committedMsAgo()) + " ago");
    }

    private static void epochs(Environment environment, View view, ReplicaDetails replica) {
        List<Epoch> all = replica.epochs();
        int room = Math.max(LEAST_BARS, environment.width() - BESIDE_BARS);
        List<Epoch> last = all.subList(Math.max(0, all.size() - room), all.size());
        if (last.isEmpty()) {
            return;
        }
        row(environment, view, "Pauses", last, Epoch::pauseMs, ms -> ms + " ms");
        row(environment, view, "Lengths", last, Epoch::lengthMs, ms -> ms + " ms");
        row(environment, view, isOfDisks(replica) ? "Written" : "Memory", last, Epoch::bytes, View::size);
        long lost = last.stream().filter(epoch -> !epoch.committed()).count();
        view.property("Given up", lost == 0 ? "" : "%d of the last %d epochs (x)".formatted(lost, last.size()));
    }

    private static void row(
            Environment environment,
            View view,
            String name,
            List<Epoch> epochs,
            ToLongFunction<Epoch> what,
            LongFunction<String> unit) {
        List<OptionalLong> values = epochs.stream()
                .map(epoch -> epoch.committed()
                        ? OptionalLong.of(Math.max(0, what.applyAsLong(epoch)))
                        : OptionalLong.empty())
                .toList();
        long[] sorted = values.stream()
                .flatMapToLong(value -> value.isPresent() ? LongStream.of(value.getAsLong()) : LongStream.empty())
                .sorted()
                .toArray();
        String figures = sorted.length == 0
                ? ""
                : "  median %s, most %s"
                        .formatted(unit.apply(sorted[(sorted.length - 1) / 2]), unit.apply(sorted[sorted.length - 1]));
        view.property(name, Sparkline.draw(values, environment.unicode()) + figures);
    }

    private static String set(ReplicaDetails replica) {
        String copies = String.join(", ", replica.set());
        return replica.running()
                .map(node -> copies + "; runs on " + node)
                .orElse(copies + (copies.isEmpty() ? "" : "; nobody runs it"));
    }

    private static String bar(ReplicaDetails.Seed seed) {
        double part = seed.total() <= 0 ? 0 : Math.max(0, Math.min(1, (double) seed.done() / seed.total()));
        int filled = (int) Math.round(part * RESYNC_BAR);
        return "[%s%s] %3d %%  %s of %s"
                .formatted(
                        "#".repeat(filled),
                        ".".repeat(RESYNC_BAR - filled),
                        Math.round(part * 100),
                        View.size(seed.done()),
                        View.size(seed.total()));
    }

    /** 400 as {@code 0.4 s}. */
    static String age(long millis) {
        if (millis < 60_000) {
            return String.format(Locale.ROOT, "%.1f s", millis / 1000.0);
        }
        return millis < 3_600_000 ? millis / 60_000 + " min" : millis / 3_600_000 + " h";
    }
}
