package dev.holdfast.agent.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.coordinator.engine.RoundRefusedException;
import dev.holdfast.coordinator.port.NodeLink;
import dev.holdfast.coordinator.port.NodeRegistry;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeoutException;
import java.util.function.BiFunction;
import org.junit.jupiter.api.Test;

/** What is told of a request whose answer was lost: never that it failed. */
class PeersTest {

    private static final Name SELF = new Name("n1");
    private static final Name LEADER = new Name("n2");
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private static final PeerRequest REQUEST = new PeerRequest(PeerRequest.Kind.RUN_ROUND, JsonObject.empty());

    private final Deque<CompletableFuture<byte[]>> answers = new ArrayDeque<>();

    private JsonObject ask() throws Exception {
        return peers().askLeader(REQUEST, PATIENCE);
    }

    private Peers peers() {
        return peers(new FixedLeader(LEADER));
    }

    private Peers peers(FixedLeader registry) {
        NodeLink link = new NodeLink() {
            @Override
            public CompletableFuture<byte[]> request(Name node, byte[] payload, Duration timeout) {
                return answers.remove();
            }

            @Override
            public void serve(BiFunction<Name, byte[], byte[]> handler) {}
        };
        return new Peers(SELF, link, registry, (from, bytes) -> bytes);
    }

    private void fails(Throwable how) {
        answers.add(CompletableFuture.failedFuture(how));
    }

    @Test
    void doesNotKnowWhatBecameOfARequestWhoseAnswerWasLost() {
        fails(new TimeoutException());
        assertThatThrownBy(this::ask)
                .isInstanceOf(OutcomeUnknownException.class)
                .hasMessageContaining("n2 did not answer within 5 s");
        fails(new IOException("node n2 left the group before it answered"));
        assertThatThrownBy(this::ask)
                .isInstanceOf(OutcomeUnknownException.class)
                .hasMessageContaining("n2 left the group");
        answers.add(CompletableFuture.completedFuture("?".getBytes(StandardCharsets.UTF_8)));
        assertThatThrownBy(this::ask)
                .isInstanceOf(OutcomeUnknownException.class)
                .hasMessageContaining("cannot be read");
        answers.add(CompletableFuture.completedFuture(PeerAnswer.unknown("the agent ended")));
        assertThatThrownBy(this::ask)
                .isInstanceOf(OutcomeUnknownException.class)
                .hasMessage("the agent ended");
    }

    @Test
    void knowsThatWhatWasRefusedOrNeverBegunWasNotDone() {
        fails(new NodeLink.NotServedException("the other agent is too busy"));
        assertThatThrownBy(this::ask).isInstanceOf(RoundRefusedException.class).hasMessageContaining("too busy");
        answers.add(CompletableFuture.completedFuture(PeerAnswer.refusal(Refusal.preflight("no room"))));
        assertThatThrownBy(this::ask).isInstanceOf(RoundRefusedException.class).hasMessageContaining("no room");
    }

    @Test
    void asksAgainWhenTheRequestNeverLeft() throws Exception {
        fails(new NodeLink.AbsentException(LEADER));
        answers.add(
                CompletableFuture.completedFuture(PeerAnswer.result(JsonObject.of(Map.of("outcome", "COMMITTED")))));
        assertThat(ask().text("outcome")).contains("COMMITTED");
    }

    /** Its agent has just come back; it is known to the store sooner than to the group. */
    @Test
    void waitsForANodeThatTheStoreKnows() throws Exception {
        NodeRegistry.Node node = new NodeRegistry.Node(LEADER, "id", "n2:7800", "", "0.1.0", 1, new TreeMap<>());
        fails(new NodeLink.AbsentException(LEADER));
        answers.add(CompletableFuture.completedFuture(PeerAnswer.result(JsonObject.empty())));
        peers(new FixedLeader(LEADER, List.of(node))).ask(LEADER, REQUEST, PATIENCE);
        assertThat(answers).isEmpty();

        fails(new NodeLink.AbsentException(LEADER));
        assertThatThrownBy(() -> peers().ask(LEADER, REQUEST, PATIENCE))
                .isInstanceOf(RoundRefusedException.class)
                .hasMessageContaining("not in the group channel");
    }

    /** A node that pacemaker has just seen come back. */
    @Test
    void waitsForANodeThatJoinsWhileItIsAskedTo() throws Exception {
        fails(new NodeLink.AbsentException(LEADER));
        fails(new NodeLink.AbsentException(LEADER));
        answers.add(CompletableFuture.completedFuture(PeerAnswer.result(JsonObject.empty())));
        peers().askWhenThere(LEADER, REQUEST, PATIENCE, () -> true);
        assertThat(answers).isEmpty();

        fails(new NodeLink.AbsentException(LEADER));
        assertThatThrownBy(() -> peers().askWhenThere(LEADER, REQUEST, PATIENCE, () -> false))
                .isInstanceOf(RoundRefusedException.class)
                .hasMessageContaining("not in the group channel");
    }

    /** A machine that is stopped since it moved with a copy of its disks: its old node says where they are. */
    @Test
    void followsAChainThatHasMovedAndGivesUpIfNobodyHasIt() throws Exception {
        Name vm = new Name("web1");
        Name next = new Name("n3");
        answers.add(CompletableFuture.completedFuture(PeerAnswer.result(Peers.movedTo(next))));
        answers.add(CompletableFuture.completedFuture(PeerAnswer.result(JsonObject.empty())));
        assertThat(peers().askKeeper(vm, LEADER, REQUEST, PATIENCE).node()).isEqualTo(next);

        answers.add(CompletableFuture.completedFuture(PeerAnswer.result(Peers.movedTo(next))));
        answers.add(CompletableFuture.completedFuture(PeerAnswer.result(Peers.movedTo(LEADER))));
        assertThatThrownBy(() -> peers().askKeeper(vm, LEADER, REQUEST, PATIENCE))
                .isInstanceOf(RoundRefusedException.class)
                .hasMessageContaining("n2", "n3");
    }
}
