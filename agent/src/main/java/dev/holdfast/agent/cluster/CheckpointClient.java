package dev.holdfast.agent.cluster;

import dev.holdfast.agent.cluster.MemberParts.Checked;
import dev.holdfast.agent.cluster.MemberParts.Forecast;
import dev.holdfast.agent.cluster.PeerRequest.Kind;
import dev.holdfast.agent.control.Progress;
import dev.holdfast.agent.control.reply.Prediction;
import dev.holdfast.agent.control.reply.Verification;
import dev.holdfast.agent.control.reply.Verification.State;
import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.agent.snapshot.Room;
import dev.holdfast.coordinator.engine.Coordinator.Wish;
import dev.holdfast.coordinator.engine.Following;
import dev.holdfast.coordinator.engine.RoundListener;
import dev.holdfast.coordinator.engine.RoundRefusedException;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.CheckpointRecord;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.MemberReport;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.RoundOptions;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.VmReport;
import dev.holdfast.coordinator.protocol.leader.Outcome;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.function.Supplier;

/** What a command on any node wants of the leader and of the members. Methods block. Thread-safe. */
public final class CheckpointClient {

    private static final Duration QUICK = Duration.ofSeconds(20);
    private static final Duration LONG = Duration.ofMinutes(30);

    /** Shows the progress of a round until what it returns is closed. */
    public interface Follower {
        Following follow(RoundId round, RoundListener listener);
    }

    /** Finds out who would take part in a round, and whether they can together. Touches nothing. */
    public interface Planner {
        RoundSpec plan(Wish wish, Epoch reign)
                throws RoundRefusedException, StoreUnreachableException, InterruptedException;
    }

    private final Peers peers;
    private final Follower follower;
    private final Planner planner;
    private final Supplier<String> uniqueWords;

    /**
     * @param peers the other agents, and this one
     * @param follower shows the progress of rounds, wherever their leader is
     * @param planner finds the members of a group
     * @param uniqueWords never gives the same word twice in a cluster; letters and digits, at most 24
     */
    public CheckpointClient(Peers peers, Follower follower, Planner planner, Supplier<String> uniqueWords) {
        this.peers = peers;
        this.follower = follower;
        this.planner = planner;
        this.uniqueWords = uniqueWords;
    }

    /** A wish with an id of its own. */
    public Wish wish(RoundKind kind, Name group, Name checkpoint, RoundOptions options, Duration patience) {
        return new Wish(new RoundId("r" + uniqueWords.get()), kind, group, checkpoint, options, patience);
    }

    /**
     * Has the leader run a round, and tells how it gets on.
     *
     * @throws RoundRefusedException it did not come about
     * @throws OutcomeUnknownException it is not known whether it did
     */
    public void run(Wish wish, Progress progress)
            throws RoundRefusedException, OutcomeUnknownException, StoreUnreachableException, InterruptedException {
        Duration bound = wish.patience()
                .plus(wish.options().prepareTimeout())
                .plus(wish.options().deadline())
                .plus(wish.options().drainTimeout())
                .plus(QUICK);
        try (Following following = follower.follow(wish.id(), new ProgressLines(progress))) {
            JsonObject answer = peers.askLeader(new PeerRequest(Kind.RUN_ROUND, WishForm.write(wish)), bound);
            if (!committed(answer)) {
                throw new OutcomeUnknownException(
                        "the leader lost office during the round; the next one finishes or aborts it");
            }
        }
    }

    private static boolean committed(JsonObject answer) throws OutcomeUnknownException {
        try {
            return answer.text("outcome").orElse("").equals(Outcome.Kind.COMMITTED.name());
        } catch (JsonException e) {
            throw new OutcomeUnknownException("the leader's answer cannot be read: " + e.getMessage());
        }
    }

    /** What a round would cost; asks every member, touches nothing. */
    public Prediction predict(Wish wish) throws RoundRefusedException, StoreUnreachableException, InterruptedException {
        RoundSpec spec = planner.plan(wish, new Epoch(0));
        // Before a revert each memory image is read.
        Duration patience = wish.kind() == RoundKind.REVERT ? LONG : QUICK;
        List<Prediction.Row> rows = new ArrayList<>();
        List<String> problems = new ArrayList<>();
        for (Map.Entry<Name, SortedSet<Name>> node : spec.members().byNode().entrySet()) {
            List<Room.Need> needs = new ArrayList<>();
            for (Name vm : node.getValue()) {
                Map<String, Object> body = Map.of("vm", vm.value(), "wish", WishForm.write(wish));
                Forecast forecast = forecast(
                        vm, question(node.getKey(), new PeerRequest(Kind.PREFLIGHT, JsonObject.of(body)), patience));
                forecast.problems().forEach(problem -> problems.add(vm + ": " + problem));
                rows.add(new Prediction.Row(
                        vm,
                        node.getKey(),
                        forecast.method(),
                        forecast.pauseMillis() < 0 ? -1 : forecast.pauseMillis() * 1_000_000,
                        forecast.room().bytes(),
                        forecast.room().available()));
                needs.add(forecast.room());
            }
            Room.shortage(needs).ifPresent(shortage -> problems.add("node " + node.getKey() + ": " + shortage));
        }
        if (!problems.isEmpty()) {
            throw new RoundRefusedException(Refusal.preflight(String.join("; ", problems)));
        }
        return new Prediction(rows);
    }

    /** Asks what changes nothing: no answer is a failure. */
    private JsonObject question(Name node, PeerRequest request, Duration patience)
            throws RoundRefusedException, InterruptedException {
        try {
            return peers.ask(node, request, patience);
        } catch (OutcomeUnknownException e) {
            throw new RoundRefusedException(Refusal.failed(String.valueOf(e.getMessage())));
        }
    }

    /** Has the leader delete a checkpoint. */
    public void delete(Name group, Name checkpoint)
            throws RoundRefusedException, OutcomeUnknownException, StoreUnreachableException, InterruptedException {
        Map<String, Object> body = Map.of("group", group.value(), "checkpoint", checkpoint.value());
        peers.askLeader(new PeerRequest(Kind.DELETE_CHECKPOINT, JsonObject.of(body)), LONG);
    }

    /** Has the leader end a group's rounds; returns how many were open. */
    public long abort(Name group)
            throws RoundRefusedException, OutcomeUnknownException, StoreUnreachableException, InterruptedException {
        Map<String, Object> body = Map.of("group", group.value());
        JsonObject answer = peers.askLeader(new PeerRequest(Kind.ABORT_ROUND, JsonObject.of(body)), QUICK);
        try {
            return answer.number("aborted").orElse(0L);
        } catch (JsonException e) {
            throw unreadable(e);
        }
    }

    /** Verifies every part where it is. What a node that cannot be asked has is not known. */
    public List<Verification.Row> verify(CheckpointRecord record, Progress progress) throws InterruptedException {
        List<Verification.Row> rows = new ArrayList<>();
        for (MemberReport member : record.reports()) {
            for (VmReport vm : member.vms()) {
                progress.phase("verify", "verifying " + vm.vm());
                rows.addAll(verifyPart(member.node(), vm.vm(), record.name()));
            }
        }
        return rows;
    }

    private List<Verification.Row> verifyPart(Name then, Name vm, Name checkpoint) throws InterruptedException {
        Map<String, Object> body = Map.of("vm", vm.value(), "checkpoint", checkpoint.value());
        List<Verification.Row> rows = new ArrayList<>();
        try {
            Peers.Told told = peers.askKeeper(vm, then, new PeerRequest(Kind.VERIFY_PART, JsonObject.of(body)), LONG);
            for (JsonObject file : told.answer().objects("files")) {
                Checked checked = file.as(Checked.class);
                rows.add(new Verification.Row(
                        vm, told.node(), checked.role(), checked.path(), checked.state(), checked.detail()));
            }
        } catch (RoundRefusedException e) {
            rows.add(new Verification.Row(
                    vm, then, "part", "", State.UNKNOWN, e.because().text()));
        } catch (OutcomeUnknownException | JsonException e) {
            rows.add(new Verification.Row(vm, then, "part", "", State.UNKNOWN, String.valueOf(e.getMessage())));
        }
        return rows;
    }

    private static Forecast forecast(Name vm, JsonObject answer) throws RoundRefusedException {
        try {
            return ForecastForm.read(vm, answer);
        } catch (JsonException e) {
            throw unreadable(e);
        }
    }

    private static RoundRefusedException unreadable(JsonException e) {
        return new RoundRefusedException(Refusal.failed("another agent's answer cannot be read: " + e.getMessage()));
    }
}
