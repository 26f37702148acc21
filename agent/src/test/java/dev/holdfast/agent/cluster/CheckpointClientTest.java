package dev.holdfast.agent.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import dev.holdfast.agent.Answers;
import dev.holdfast.agent.cluster.MemberParts.Forecast;
import dev.holdfast.agent.control.reply.Prediction;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.agent.snapshot.Room;
import dev.holdfast.coordinator.engine.Coordinator.Wish;
import dev.holdfast.coordinator.engine.RoundRefusedException;
import dev.holdfast.coordinator.port.NodeLink;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.Members;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.RoundOptions;
import dev.holdfast.coordinator.protocol.RoundSpec;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** A dry run over two nodes, as far as the caller adds up what the members' agents answer. */
class CheckpointClientTest {
    private static final Name N1 = new Name("n1");
    private static final Name N2 = new Name("n2");
    private static final Name N3 = new Name("n3");
    private static final RoundOptions OPTIONS = new RoundOptions(
            Duration.ofSeconds(5),
            Duration.ofSeconds(60),
            Duration.ofSeconds(60),
            Duration.ZERO,
            RoundOptions.CaptureMethod.AUTO,
            RoundOptions.Quiesce.NO,
            false,
            "");

    private final Deque<JsonObject> forecasts = new ArrayDeque<>();

    private void answer(String vm, long mebibytes, long available) {
        Room.Need need = new Room.Need(vm, "RAM", mebibytes << 20, available << 20, "shut one down");
        forecasts.add(ForecastForm.write(new Forecast(new Name(vm), List.of(), need, -1, "stop")));
    }

    private static SortedSet<Name> names(String... names) {
        return new TreeSet<>(List.of(names).stream().map(Name::new).toList());
    }

    private Prediction predict() throws Exception {
        NodeLink link = Answers.of(
                NodeLink.class,
                Map.of("request", () -> CompletableFuture.completedFuture(PeerAnswer.result(forecasts.remove()))));
        Peers peers = new Peers(N1, link, new FixedLeader(N1), (from, bytes) -> bytes);
        TreeMap<Name, SortedSet<Name>> members = new TreeMap<>(Map.of(N2, names("db", "web"), N3, names("app")));
        CheckpointClient client = new CheckpointClient(
                peers,
                (round, listener) -> {
                    throw new AssertionError("nothing is run");
                },
                (wish, reign) -> new RoundSpec(
                        wish.id(),
                        wish.kind(),
                        new Epoch(0),
                        wish.group(),
                        wish.checkpoint(),
                        Optional.empty(),
                        new Members(members),
                        OPTIONS),
                () -> "1");
        Wish wish = client.wish(RoundKind.REVERT, new Name("shop"), new Name("c1"), OPTIONS, Duration.ZERO);
        return client.predict(wish);
    }

    @Test
    void membersOfOneNodeNeedItsMemoryTogether() {
        answer("db", 600, 1000);
        answer("web", 600, 900);
        answer("app", 600, 900);
        assertThatThrownBy(this::predict)
                .isInstanceOf(RoundRefusedException.class)
                .hasMessage("node n2: db, web together need 1200 MiB of RAM and 900 MiB are free; shut one down");
    }

    @Test
    void whatFitsOnEachNodeIsPredictedForEachMember() throws Exception {
        answer("db", 600, 1300);
        answer("web", 600, 1300);
        answer("app", 900, 1000);
        assertThat(predict().vms())
                .extracting(Prediction.Row::node, Prediction.Row::bytes, Prediction.Row::freeBytes)
                .containsExactly(
                        tuple(N2, 600L << 20, 1300L << 20),
                        tuple(N2, 600L << 20, 1300L << 20),
                        tuple(N3, 900L << 20, 1000L << 20));
    }

    @Test
    void whatSpeaksAgainstOneMemberIsSaidWithItsName() {
        answer("db", 600, 1300);
        forecasts.add(ForecastForm.write(new Forecast(
                new Name("web"), List.of("it is paused"), Room.Need.nothing(new Name("web")), -1, "stop")));
        answer("app", 900, 1000);
        assertThatThrownBy(this::predict).hasMessage("web: it is paused");
    }

    /** The form of the day before rooms were added up, and one that knows more than is known here. */
    @Test
    void agentsOfOtherVersionsAreUnderstood() throws Exception {
        forecasts.add(older("db", 600, 700));
        forecasts.add(JsonObject.of(Map.of(
                "problems",
                List.of(),
                "room",
                Map.of("of", "RAM", "bytes", 600L << 20, "available", 1300L << 20, "numa_node", 1),
                "warmth",
                "high")));
        answer("app", 900, 1000);
        assertThat(predict().vms())
                .extracting(
                        row -> row.vm().value(),
                        Prediction.Row::method,
                        Prediction.Row::pauseNanos,
                        Prediction.Row::bytes,
                        Prediction.Row::freeBytes)
                .contains(
                        tuple("db", "stop", 2_000_000L, 600L << 20, 700L << 20),
                        tuple("web", "", -1L, 600L << 20, 1300L << 20));
    }

    @Test
    void whatAnOlderAgentSaysOfOneMachineIsAddedToNoOther() throws Exception {
        forecasts.add(older("db", 600, 700));
        forecasts.add(older("web", 600, 700));
        answer("app", 900, 1000);
        assertThat(predict().vms()).hasSize(3);

        forecasts.add(older("db", 600, 500));
        forecasts.add(older("web", 600, 700));
        answer("app", 900, 1000);
        assertThatThrownBy(this::predict)
                .hasMessage("node n2: db together need 600 MiB of room for db and 500 MiB are free; make room there");
    }

    private static JsonObject older(String vm, long mebibytes, long available) {
        return JsonObject.of(Map.of(
                "vm",
                vm,
                "problems",
                List.of(),
                "bytes",
                mebibytes << 20,
                "free_bytes",
                available << 20,
                "pause_millis",
                2,
                "method",
                "stop"));
    }

    @Test
    void anAnswerThatForeseesNothingIsNoGoodNews() {
        forecasts.add(JsonObject.of(Map.of("vm", "db", "method", "stop")));
        assertThatThrownBy(this::predict)
                .isInstanceOf(RoundRefusedException.class)
                .hasMessageContaining("cannot be read: \"problems\" is missing");
    }
}
