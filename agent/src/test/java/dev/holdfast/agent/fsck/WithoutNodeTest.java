package dev.holdfast.agent.fsck;

import static dev.holdfast.agent.fsck.Worlds.node;
import static dev.holdfast.agent.fsck.Worlds.only;
import static dev.holdfast.agent.fsck.Worlds.world;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.fsck.MachineFacts.NotSeen;
import dev.holdfast.agent.fsck.Repair.Act;
import dev.holdfast.coordinator.protocol.Name;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Of a round in which n1 had db, n2 app and n3 web, a person says that n3 never comes back. */
class WithoutNodeTest {
    private static final Name N1 = new Name("n1");
    private static final Name N2 = new Name("n2");
    private static final Name N3 = new Name("n3");
    private static final Name WEB = new Name("web");
    private static final String ROUND = "r1";
    private static final Optional<Boolean> COMMITTED = Optional.of(true);
    private static final Optional<Boolean> ABORTED = Optional.of(false);
    private static final NotSeen ELSEWHERE = new NotSeen(true, "it runs on another node", false);

    private static StoreFacts.Round round(Optional<Boolean> committed, boolean revert, Name... waitsFor) {
        Map<Name, Set<Name>> members = Map.of(N1, Set.of(new Name("db")), N2, Set.of(new Name("app")), N3, Set.of(WEB));
        return new StoreFacts.Round(ROUND, "the round of shop@daily", committed, List.of(waitsFor), members, revert);
    }

    private static StoreFacts store(StoreFacts.Round round) {
        return new StoreFacts(List.of(), List.of(round), List.of(), new TreeMap<>(), List.of());
    }

    private static MachineFacts web(Optional<String> busy, Optional<ChainFacts> chain, Optional<NotSeen> notSeen) {
        return new MachineFacts(WEB, "stopped", false, busy, List.of(), Optional.empty(), chain, notSeen);
    }

    private static MachineFacts web(ChainFacts chain) {
        return web(Optional.empty(), Optional.of(chain), Optional.empty());
    }

    private static MachineFacts copyOfWeb(Optional<String> busy) {
        return new MachineFacts(
                WEB, "stopped", true, busy, List.of(), Optional.empty(), Optional.empty(), Optional.empty());
    }

    private static ChainFacts chain(Optional<ChainFacts.Change> change, List<ChainFacts.SnapshotPart> parts) {
        return new ChainFacts("/srv/web.holdfast", change, parts, List.of(), List.of(), List.of(), List.of());
    }

    private static final ChainFacts CLEAN = chain(Optional.empty(), List.of());

    /** What is said of n3 alone. */
    private static Finding judged(World world) {
        return only(world.findings(Set.of(N3)).stream()
                .filter(finding -> finding.subject().equals(ROUND))
                .toList());
    }

    private static Finding judged(StoreFacts.Round round, NodeFacts... nodes) {
        return judged(world(store(round), nodes));
    }

    private static void assertRefused(Finding finding, String why, String remedy) {
        assertThat(finding.repair()).isEmpty();
        assertThat(finding.text()).contains("waits for node n3", "cannot be closed without it", why);
        assertThat(finding.remedy()).contains(remedy);
    }

    private static void assertClosed(Finding finding) {
        assertThat(finding.repair()).contains(new Repair(N1, N3, Act.ACKNOWLEDGE, ROUND));
    }

    @Test
    void aDecidedRoundThatWaitsForNobodyElseIsClosed() {
        Finding finding = judged(round(COMMITTED, false, N3), node(N1, web(CLEAN)), node(N2));
        assertClosed(finding);
        assertThat(finding.kind()).isEqualTo(Finding.Kind.PROBLEM);
        assertThat(finding.text()).contains("it was committed, all other members have made that true");
        assertThat(finding.remedy()).contains("merely cut off", "is not gone", "stonith_admin --fence n3");
        assertThat(judged(round(ABORTED, false, N3), node(N1), node(N2)).text()).contains("it was aborted");
    }

    @Test
    void nobodyIsGoneUnlessAPersonSaysSo() {
        Finding finding = only(world(store(round(COMMITTED, false, N3)), node(N1), node(N2)));
        assertThat(finding.repair()).isEmpty();
        assertThat(finding.remedy()).contains("start its agent", "fsck --repair --gone n3");
    }

    @Test
    void aNodeThatAnswersOrIsSilentIsNotGone() {
        StoreFacts store = store(round(COMMITTED, false, N3));
        World there = world(store, node(N1), node(N3));
        assertThat(there.notGone(N3)).get().asString().contains("node n3 is not gone: its agent answers");
        assertRefused(judged(there), "its agent answers", "by itself");
        World silent = new World(
                new TreeMap<>(Map.of(N1, node(N1))),
                new TreeMap<>(Map.of(N3, "no answer for 120 s")),
                Optional.of(store),
                "");
        assertThat(silent.notGone(N3)).get().asString().contains("no answer for 120 s", "stonith_admin --fence n3");
        assertRefused(judged(silent), "no answer for 120 s", "by itself");
        assertThat(world(store, node(N1)).notGone(N3)).isEmpty();
    }

    @Test
    void aNodeIsWaitedForByRoundsThatItsWordIsMissingFrom() {
        assertThat(world(store(round(COMMITTED, false, N3)), node(N1)).isWaitedFor(N3))
                .isTrue();
        assertThat(world(store(round(COMMITTED, false, N2)), node(N1)).isWaitedFor(N3))
                .as("it has acknowledged")
                .isFalse();
        assertThat(world(store(round(Optional.empty(), false, N2)), node(N1)).isWaitedFor(N3))
                .as("it will have to")
                .isTrue();
        assertThat(world(store(round(COMMITTED, false, N3)), node(N1)).isWaitedFor(new Name("n9")))
                .isFalse();
        assertThat(new World(new TreeMap<>(), new TreeMap<>(), Optional.empty(), "no quorum").isWaitedFor(N3))
                .isFalse();
    }

    @Test
    void aRoundThatIsNotDecidedIsNot() {
        assertRefused(
                judged(round(Optional.empty(), false, N3), node(N1), node(N2)), "not decided", "checkpoint abort");
        assertRefused(
                judged(round(Optional.empty(), false, N2), node(N1), node(N2)), "not decided", "checkpoint abort");
    }

    @Test
    void noneIsClosedWhileAnotherMemberHasToMakeItTrueUnlessThatIsGoneToo() {
        StoreFacts.Round round = round(ABORTED, false, N2, N3);
        assertRefused(
                judged(round, node(N1), node(N2)), "node n2 has still to make the decision true", "--gone NODE,NODE");
        assertThat(world(store(round), node(N1)).findings(Set.of(N2, N3)))
                .extracting(finding -> finding.repair().orElseThrow())
                .containsExactlyInAnyOrder(
                        new Repair(N1, N2, Act.ACKNOWLEDGE, ROUND), new Repair(N1, N3, Act.ACKNOWLEDGE, ROUND));
    }

    @Test
    void noneIsClosedWhileANodeIsSilent() {
        World world = new World(
                new TreeMap<>(Map.of(N1, node(N1))),
                new TreeMap<>(Map.of(N2, "no answer")),
                Optional.of(store(round(COMMITTED, false, N3))),
                "");
        assertRefused(judged(world), "node n2 was not looked at, so nobody knows", "its agent answers");
    }

    @Test
    void noneIsClosedWhileSomethingOfItWaitsInAChain() {
        ChainFacts intent = chain(Optional.of(new ChainFacts.Change(ROUND, "cut", false, false)), List.of());
        assertRefused(
                judged(round(ABORTED, false, N3), node(N1, web(intent)), node(N2)),
                "waits for the decision in the chain of web, which n1 sees",
                "'holdfast fsck --repair' brings it to its end");
        ChainFacts part = chain(
                Optional.empty(),
                List.of(new ChainFacts.SnapshotPart(new Name("daily"), ROUND, Optional.of(new Name("shop")), true)));
        assertRefused(judged(round(ABORTED, false, N3), node(N1, web(part))), "in the chain of web", "--repair");
        ChainFacts other = chain(Optional.of(new ChainFacts.Change("r2", "cut", false, false)), List.of());
        assertClosed(judged(round(ABORTED, false, N3), node(N1, web(other))));
    }

    @Test
    void noneIsClosedWhileAChainOfItsMachinesCannotBeSeen() {
        StoreFacts.Round round = round(ABORTED, false, N3);
        assertRefused(
                judged(round, node(N1, web(Optional.of("a merge"), Optional.empty(), Optional.empty()))),
                "the chain of web was not looked at on n1: a merge",
                "wait until it is over");
        NotSeen unreadable = new NotSeen(false, "its head is torn", false);
        assertRefused(
                judged(round, node(N1, web(Optional.empty(), Optional.empty(), Optional.of(unreadable)))),
                "web was not looked at on n1: its head is torn",
                "put that right");
        ChainFacts torn = new ChainFacts(
                "/srv", Optional.empty(), List.of(), List.of("intent.json is torn"), List.of(), List.of(), List.of());
        assertRefused(judged(round, node(N1, web(torn))), "intent.json is torn", "put that right");
    }

    @Test
    void noneIsClosedWhileAMachineOfItHasNoDefinitionThatCanBeRead() {
        StoreFacts.Round round = round(ABORTED, false, N3);
        NodeFacts undefined = new NodeFacts(N1, List.of(), List.of(WEB), List.of(), List.of(), List.of());
        assertRefused(judged(round, undefined), "web runs on n1 and has no definition there", "put that right");
        for (Optional<Name> vm : List.of(Optional.of(WEB), Optional.<Name>empty())) {
            NodeFacts torn = new NodeFacts(
                    N1, List.of(), List.of(), List.of(new NodeFacts.Unreadable(vm, "line 3")), List.of(), List.of());
            assertRefused(
                    judged(round, torn),
                    "a definition on n1, which may be of a machine of the round, cannot be read: line 3",
                    "put that right");
        }
        NodeFacts stranger = new NodeFacts(
                N1,
                List.of(),
                List.of(new Name("x")),
                List.of(new NodeFacts.Unreadable(Optional.of(new Name("y")), "line 3")),
                List.of(),
                List.of());
        assertClosed(judged(round, stranger));
    }

    @Test
    void whatRunsElsewhereHasToBeSeenThere() {
        StoreFacts.Round round = round(COMMITTED, true, N3);
        MachineFacts elsewhere = web(Optional.empty(), Optional.empty(), Optional.of(ELSEWHERE));
        assertRefused(
                judged(round, node(N1, elsewhere), node(N2)),
                "the chain of web was looked at by no node: it runs on another node",
                "put that right");
        assertClosed(judged(round, node(N1, elsewhere), node(N2, web(CLEAN))));
    }

    @Test
    void aCommittedRevertIsClosedOnlyIfTheDisksOfTheGoneNodesMachinesAreSeenOrWereItsOwn() {
        StoreFacts.Round round = round(COMMITTED, true, N3);
        assertRefused(
                judged(round, node(N1), node(N2)),
                "web was on n3, and no node that answers has a definition of it",
                "define it on a node that sees its disks; if they were lost with n3");
        assertClosed(judged(round, node(N1), node(N2, web(CLEAN))));
        assertClosed(judged(round, node(N1, copyOfWeb(Optional.empty())), node(N2)));
        assertClosed(judged(round(ABORTED, true, N3), node(N1), node(N2)));
        assertClosed(judged(round(COMMITTED, false, N3), node(N1), node(N2)));
    }

    @Test
    void anothersOwnDisksSayNothingAboutThoseOfTheGoneNode() {
        assertClosed(judged(round(COMMITTED, true, N3), node(N1, copyOfWeb(Optional.of("a start")))));
    }
}
