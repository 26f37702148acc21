package dev.holdfast.agent.cluster;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.coordinator.engine.RoundRefusedException;
import dev.holdfast.coordinator.port.NodeLink;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.Members;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.RoundOptions;
import dev.holdfast.coordinator.protocol.RoundSpec;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeoutException;
import java.util.function.BiFunction;
import org.junit.jupiter.api.Test;

/** What a member does not tell may be shared. */
class TiesCheckTest {

    private static final Name N1 = new Name("n1");
    private static final Name N2 = new Name("n2");

    private static RoundSpec spec() {
        return new RoundSpec(
                new RoundId("r1"),
                RoundKind.CHECKPOINT,
                new Epoch(1),
                new Name("shop"),
                new Name("x"),
                Optional.empty(),
                new Members(new TreeMap<>(Map.of(
                        N1, new TreeSet<>(List.of(new Name("web"))), N2, new TreeSet<>(List.of(new Name("db")))))),
                new RoundOptions(
                        Duration.ofSeconds(5),
                        Duration.ofSeconds(60),
                        Duration.ofMinutes(1),
                        Duration.ZERO,
                        RoundOptions.CaptureMethod.AUTO,
                        RoundOptions.Quiesce.NO,
                        false,
                        ""));
    }

    private static byte[] ties(String... ties) {
        return PeerAnswer.result(JsonObject.of(Map.of("ties", List.of(ties))));
    }

    private static TiesCheck check(CompletableFuture<byte[]> otherNode) {
        return check(List.of(otherNode));
    }

    /** @param otherNode what it answers, one after the other, and the last one from then on */
    private static TiesCheck check(List<CompletableFuture<byte[]>> otherNode) {
        Deque<CompletableFuture<byte[]>> answers = new ArrayDeque<>(otherNode);
        NodeLink link = new NodeLink() {
            @Override
            public CompletableFuture<byte[]> request(Name node, byte[] payload, Duration timeout) {
                return answers.size() > 1 ? answers.remove() : answers.element();
            }

            @Override
            public void serve(BiFunction<Name, byte[], byte[]> handler) {}
        };
        return new TiesCheck(new Peers(N1, link, new FixedLeader(N1), (from, bytes) -> ties("disk /srv/shared")));
    }

    @Test
    void letsPassWhatSharesNothing() {
        assertThatCode(() -> check(CompletableFuture.completedFuture(ties("disk /srv/db")))
                        .check(spec()))
                .doesNotThrowAnyException();
    }

    @Test
    void refusesWhatSharesADisk() {
        TiesCheck check = check(CompletableFuture.completedFuture(ties("disk /srv/shared")));
        assertThatThrownBy(() -> check.check(spec()))
                .isInstanceOf(RoundRefusedException.class)
                .hasMessageContaining("web and db share the disk /srv/shared");
    }

    @Test
    void refusesWhatItCannotRead() {
        TiesCheck odd = check(CompletableFuture.completedFuture(PeerAnswer.result(JsonObject.of(Map.of("ties", 7)))));
        assertThatThrownBy(() -> odd.check(spec()))
                .isInstanceOf(RoundRefusedException.class)
                .hasMessageContaining("what db on n2 shares with other machines cannot be read");
    }

    @Test
    void refusesWhatCanNeverTakePartAndLeavesToTheRoundWhatOnlyFailed() {
        TiesCheck never =
                check(CompletableFuture.completedFuture(PeerAnswer.refusal(Refusal.preflight("db is no member"))));
        assertThatThrownBy(() -> never.check(spec()))
                .isInstanceOf(RoundRefusedException.class)
                .hasMessageContaining("db is no member");
        TiesCheck now = check(CompletableFuture.completedFuture(PeerAnswer.refusal(Refusal.failed("db hangs"))));
        assertThatCode(() -> now.check(spec())).doesNotThrowAnyException();
    }

    @Test
    void refusesAMemberWhoseAgentIsSilent() {
        TiesCheck silent = check(CompletableFuture.failedFuture(new TimeoutException()));
        assertThatThrownBy(() -> silent.check(spec()))
                .isInstanceOf(RoundRefusedException.class)
                .hasMessageContaining("what db on n2 shares with other machines is not known, so nothing was begun");
    }

    @Test
    void asksAnAgentAnewThatWasKilledAndHasComeBack() {
        CompletableFuture<byte[]> silent = CompletableFuture.failedFuture(new TimeoutException());
        TiesCheck check = check(List.of(silent, CompletableFuture.completedFuture(ties("disk /srv/shared"))));
        assertThatThrownBy(() -> check.check(spec())).hasMessageContaining("web and db share the disk /srv/shared");
    }
}
