package dev.holdfast.agent.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.cluster.FixedLeader;
import dev.holdfast.agent.cluster.PeerRequest;
import dev.holdfast.agent.cluster.Peers;
import dev.holdfast.agent.journal.Operation;
import dev.holdfast.agent.journal.OperationKind;
import dev.holdfast.agent.journal.OperationState;
import dev.holdfast.agent.json.Json;
import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.snapshot.chain.ArrivingChain;
import dev.holdfast.agent.snapshot.chain.MovedChain;
import dev.holdfast.coordinator.engine.RoundRefusedException;
import dev.holdfast.coordinator.port.NodeLink;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiFunction;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Both nodes lose everything but their disks and journals at each step around the order to run a machine whose disks were
 * copied, and come back: one node at most has a chain that can be started, and it is the newer one.
 */
class CutOffMoveTest {
    private static final Name N1 = new Name("n1");
    private static final Name N2 = new Name("n2");

    @TempDir
    private Path directory;

    private DisksOfOneNode source;
    private DisksOfOneNode target;
    private Operation leaving;
    private Operation coming;
    private Departures departures;
    private Arrivals arrivals;
    private boolean reachable = true;

    /** The other agent's migration desk, if it can be reached. */
    private final class Wire implements NodeLink {
        @Override
        public CompletableFuture<byte[]> request(Name node, byte[] payload, Duration timeout) {
            if (!reachable || !node.equals(N2)) {
                return CompletableFuture.failedFuture(new AbsentException(node));
            }
            try {
                var answer = new Desk(departures, arrivals)
                        .answer(PeerRequest.parse(payload).body());
                return CompletableFuture.completedFuture(
                        Json.line(Map.of("result", answer)).getBytes(StandardCharsets.UTF_8));
            } catch (JsonException | RoundRefusedException e) {
                throw new AssertionError(e);
            }
        }

        @Override
        public void serve(BiFunction<Name, byte[], byte[]> handler) {}
    }

    @BeforeEach
    void copy() throws IOException {
        Peers peers = new Peers(N1, new Wire(), new FixedLeader(N1), (from, bytes) -> bytes);
        source = new DisksOfOneNode("n1", directory.resolve("n1"), () -> peers);
        target = new DisksOfOneNode("n2", directory.resolve("n2"), () -> {
            throw new AssertionError("it need not ask");
        });
        ArrivingChain old = source.copy(new Name("m0"));
        old.own();
        old.keep();
        target.copy(DisksOfOneNode.ID);
        leaving = source.journal(OperationKind.MIGRATE, "n2");
        coming = target.journal(OperationKind.MIGRATE_IN, "n1");
    }

    private void setAside() throws IOException {
        MovedChain.at(source.chain).setAside("m1", "n2");
    }

    private void noteOnSource() throws IOException {
        source.tools.journal().write(leaving.in(OperationState.HANDED_OVER));
    }

    private void noteOnTarget() throws IOException {
        target.tools.journal().write(coming.in(OperationState.HANDED_OVER));
    }

    /** Both agents are there again; the source's goes on with what it finds. */
    private void bothComeBack() {
        departures =
                new Departures(source.tools, new Departures.Others((vm, because) -> {}, vm -> false, () -> "word"));
        arrivals = new Arrivals(target.tools, "127.0.0.1");
        departures.recover();
        arrivals.recover();
        departures.goOn();
    }

    private static boolean canStart(DisksOfOneNode node) {
        return Files.exists(node.chain.resolve("head"), LinkOption.NOFOLLOW_LINKS);
    }

    private String refusal() {
        return new Reclaim(source.tools, departures)
                .refusal(DisksOfOneNode.WEB)
                .map(refusal -> refusal.text())
                .orElse("");
    }

    private void isTheSources() {
        assertThat(canStart(source)).isTrue();
        assertThat(target.chain).doesNotExist();
        assertThat(refusal()).isEmpty();
        assertThat(source.tools.journal().operations()).isEmpty();
        assertThat(target.tools.journal().operations()).isEmpty();
    }

    private void isTheTargets() {
        assertThat(canStart(source)).isFalse();
        assertThat(canStart(target)).isTrue();
        assertThat(refusal()).contains("n2");
        assertThat(canStart(source)).isFalse();
        assertThat(source.tools.journal().operations()).isEmpty();
        assertThat(target.tools.journal().operations()).isEmpty();
    }

    @Test
    void beforeTheDisksAreSetAside() {
        bothComeBack();
        isTheSources();
    }

    @Test
    void beforeTheSourcesNote() throws IOException {
        setAside();
        bothComeBack();
        isTheSources();
    }

    @Test
    void afterTheSourcesNote() throws IOException {
        setAside();
        noteOnSource();
        bothComeBack();
        isTheSources();
    }

    @Test
    void afterTheTargetsNote() throws IOException {
        setAside();
        noteOnSource();
        noteOnTarget();
        bothComeBack();
        isTheTargets();
    }

    /** The target once was the machine's node: all that it had then is there. */
    private void comesBackToWhatItHasLeft() throws IOException {
        ArrivingChain first = ArrivingChain.find(target.chain, "m1").orElseThrow();
        first.own();
        first.keep();
        MovedChain.at(target.chain).setAside("m0", "n1");
        Files.writeString(target.chain.resolve("snapshots/large"), "memory of long ago");
        target.copy(DisksOfOneNode.ID);
    }

    @Test
    void theAnswerDoesNotWaitUntilWhatTheTargetHadBeforeIsRemoved() throws IOException {
        comesBackToWhatItHasLeft();
        setAside();
        noteOnSource();
        noteOnTarget();
        bothComeBack();
        isTheTargets();
        Path large = target.chain.resolveSibling(".web.holdfast.removing-1/snapshots/large");
        assertThat(large).exists();
        target.background.forEach(Runnable::run);
        assertThat(large.getParent().getParent()).doesNotExist();
    }

    @Test
    void whatTheTargetHadBeforeComesBackIfTheMoveDoesNotCome() throws IOException {
        comesBackToWhatItHasLeft();
        bothComeBack();
        assertThat(MovedChain.at(target.chain).note()).contains(new MovedChain.Note("m0", "n1", false));
        assertThat(target.chain.resolve("snapshots/large")).exists();
    }

    @Test
    void afterTheCopyIsTheTargets() throws IOException {
        setAside();
        noteOnSource();
        noteOnTarget();
        new CopyNotes(target.tools.stateDirectory()).taken("m1");
        ArrivingChain.find(target.chain, "m1").orElseThrow().own();
        bothComeBack();
        isTheTargets();
    }

    @Test
    void stoppedWhileItsDisksCannotBeOpenedAgainAndStartedOnceTheyCan() throws IOException {
        setAside();
        source.tools.claims().claim(DisksOfOneNode.ID, OperationKind.MIGRATE, Set.of(DisksOfOneNode.WEB));
        Path note = source.chain.resolve("moved.json");
        Path kept = Files.move(note, source.chain.resolve("kept"));
        Files.createDirectory(note);
        bothComeBack();
        assertThat(departures.destination(DisksOfOneNode.WEB)).contains(N2);
        departures.stop(DisksOfOneNode.WEB);
        assertThat(departures.destination(DisksOfOneNode.WEB)).isEmpty();
        assertThat(source.tools.claims().holder(DisksOfOneNode.WEB)).isEmpty();
        assertThat(canStart(source)).isFalse();
        Files.delete(note);
        Files.move(kept, note);
        assertThat(refusal()).isEmpty();
        isTheSources();
    }

    @Test
    void whatTheTargetOnceSaidToHaveTakenIsItsForEver() throws IOException {
        setAside();
        noteOnSource();
        noteOnTarget();
        reachable = false;
        bothComeBack();
        departures.stop(DisksOfOneNode.WEB);
        reachable = true;
        assertThat(refusal()).contains("has moved to node n2");
        assertThat(MovedChain.at(source.chain).note()).contains(new MovedChain.Note("m1", "n2", true));
        reachable = false;
        assertThat(refusal()).contains("has moved to node n2");
    }

    @Test
    void stoppedWhileTheOtherNodeCannotBeAskedAndStartedOnceItCan() throws IOException {
        setAside();
        noteOnSource();
        reachable = false;
        bothComeBack();
        assertThat(departures.destination(DisksOfOneNode.WEB)).contains(N2);
        departures.stop(DisksOfOneNode.WEB);
        assertThat(refusal()).contains("it may have run there", "cannot be asked");
        assertThat(canStart(source)).isFalse();
        assertThat(departures.destinationOfDisks(DisksOfOneNode.WEB)).contains(N2);
        reachable = true;
        assertThat(refusal()).isEmpty();
        isTheSources();
    }
}
