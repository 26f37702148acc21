package dev.holdfast.agent.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.control.ControlException;
import dev.holdfast.agent.control.ExitCode;
import dev.holdfast.agent.fsck.Finding;
import dev.holdfast.agent.fsck.NodeFacts;
import dev.holdfast.agent.fsck.StoreFacts;
import dev.holdfast.agent.fsck.World;
import dev.holdfast.coordinator.protocol.Name;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class FsckCommandsTest {
    private static final Name N1 = new Name("n1");
    private static final Name N3 = new Name("n3");

    private static World world(Optional<StoreFacts> store, Map<Name, String> silent) {
        NodeFacts n1 = new NodeFacts(N1, List.of(), List.of(), List.of(), List.of(), List.of());
        return new World(new TreeMap<>(Map.of(N1, n1)), new TreeMap<>(silent), store, "no quorum");
    }

    private static Optional<StoreFacts> waitingForN3() {
        StoreFacts.Round round = new StoreFacts.Round(
                "r1",
                "the revert of shop@daily",
                Optional.of(true),
                List.of(N3),
                Map.of(N3, Set.of(new Name("web"))),
                true);
        return Optional.of(new StoreFacts(List.of(), List.of(round), List.of(), new TreeMap<>(), List.of()));
    }

    private static void assertRefused(String gone, World world, ExitCode exit, String... words) {
        assertThatThrownBy(() -> FsckCommands.requireGone(Set.of(new Name(gone)), world))
                .isInstanceOfSatisfying(
                        ControlException.class, e -> assertThat(e.exit()).isEqualTo(exit))
                .hasMessageContainingAll(words);
    }

    @Test
    void nothingIsTouchedIfANodeIsSaidToBeGoneOfWhichThatIsNotKnown() {
        assertRefused(
                "n1", world(waitingForN3(), Map.of()), ExitCode.REFUSED, "node n1 is not gone: its agent answers");
        assertRefused("n3", world(waitingForN3(), Map.of(N3, "no answer")), ExitCode.REFUSED, "no answer", "fence it");
        assertRefused(
                "n3",
                world(Optional.empty(), Map.of()),
                ExitCode.STORE_UNREACHABLE,
                "no quorum",
                "try again when it does");
    }

    @Test
    void aNameThatNoRoundWaitsForIsASlip() {
        assertRefused("n9", world(waitingForN3(), Map.of()), ExitCode.USAGE, "no round waits for n9");
    }

    @Test
    void aNodeThatIsNotThereAndThatARoundWaitsForIsTakenForGone() {
        assertThatCode(() -> FsckCommands.requireGone(Set.of(N3), world(waitingForN3(), Map.of())))
                .doesNotThrowAnyException();
    }

    private static Finding finding(Finding.Kind kind, String subject, String text) {
        return new Finding("n1", subject, kind, text, "", Optional.empty());
    }

    @Test
    void aMachineThatWasPassedOverInOneOfTheTwoLooksIsNamed() {
        Finding web = finding(Finding.Kind.PASSED, "web", "a checkpoint is under way");
        Finding webLater = finding(Finding.Kind.PASSED, "web", "a merge is under way");
        Finding db = finding(Finding.Kind.PROBLEM, "db", "its head is missing");
        Finding dbLater = finding(Finding.Kind.PASSED, "db", "fsck is under way");
        assertThat(FsckCommands.confirmed(List.of(web, db), List.of(db))).containsExactly(web, db);
        assertThat(FsckCommands.confirmed(List.of(web), List.of(webLater))).containsExactly(web);
        assertThat(FsckCommands.confirmed(List.of(db), List.of(dbLater))).containsExactly(dbLater);
        assertThat(FsckCommands.confirmed(List.of(db), List.of())).isEmpty();
    }
}
