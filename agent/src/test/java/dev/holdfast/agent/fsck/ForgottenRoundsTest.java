package dev.holdfast.agent.fsck;

import static dev.holdfast.agent.fsck.Worlds.node;
import static dev.holdfast.agent.fsck.Worlds.only;
import static dev.holdfast.agent.fsck.Worlds.world;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.fsck.NodeFacts.Doubt;
import dev.holdfast.agent.fsck.NodeFacts.Entry;
import dev.holdfast.agent.fsck.NodeFacts.Member;
import dev.holdfast.agent.fsck.Repair.Act;
import dev.holdfast.coordinator.protocol.Name;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** What can be concluded of rounds whose record is gone, and of decided ones that wait for a node which is gone. */
class ForgottenRoundsTest {
    private static final Name N1 = new Name("n1");
    private static final Name N2 = new Name("n2");
    private static final Name WEB = new Name("web");
    private static final Name DB = new Name("db");
    private static final Name SHOP = new Name("shop");
    private static final Name DAILY = new Name("daily");
    private static final String ROUND = "r1";
    private static final List<Member> MEMBERS = List.of(new Member(N1, WEB), new Member(N2, DB));
    private static final StoreFacts NOTHING = store(List.of(), List.of());

    @Test
    void isAbortedIfTheDisksOfAllMembersWereSeenAndNothingOfItCounts() {
        assertThat(world(NOTHING, inDoubt(N1, WEB), inDoubt(N2, DB)).findings())
                .extracting(finding -> finding.repair().orElseThrow())
                .containsExactly(new Repair(N1, WEB, Act.ABORT, ROUND), new Repair(N2, DB, Act.ABORT, ROUND));
        assertThat(only(world(NOTHING, inDoubt(N1, WEB), node(N2, machine(DB, chain(false)))))
                        .repair())
                .as("the other is not in doubt any more")
                .contains(new Repair(N1, WEB, Act.ABORT, ROUND));
    }

    @Test
    void isLeftAloneAsLongAsTheDisksOfAMemberWereNotSeen() {
        assertRefused(world(NOTHING, inDoubt(N1, WEB)), "n2, which has db, did not answer");
        assertRefused(world(NOTHING, inDoubt(N1, WEB), node(N2)), "db on n2");
        MachineFacts dark = new MachineFacts(
                DB,
                "running",
                false,
                Optional.of("another round"),
                List.of(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
        assertRefused(world(NOTHING, inDoubt(N1, WEB), node(N2, dark)), "db on n2");
        assertRefused(
                world(NOTHING, entry(N1, Optional.of(new Doubt(MEMBERS, List.of(), List.of(WEB)))), inDoubt(N2, DB)),
                "web on n1");
        assertRefused(world(NOTHING, entry(N1, Optional.empty())), "does not say who else takes part");
    }

    @Test
    void aRecordThatCannotBeReadMayBeItsOwn() {
        StoreFacts torn = new StoreFacts(List.of(), List.of(), List.of(), new TreeMap<>(), List.of("r1 is torn"));
        assertThat(world(torn, inDoubt(N1, WEB), inDoubt(N2, DB)).findings())
                .hasSize(3)
                .allMatch(finding -> finding.repair().isEmpty());
    }

    @Test
    void disksOfWhichEachNodeHasItsOwnProveNothingForAnother() {
        MachineFacts copy = new MachineFacts(
                DB,
                "running",
                true,
                Optional.empty(),
                List.of(),
                Optional.empty(),
                Optional.of(chain(false)),
                Optional.empty());
        Name n3 = new Name("n3");
        assertRefused(world(NOTHING, inDoubt(N1, WEB), node(N2), node(n3, copy)), "db on n2");
        assertThat(only(world(NOTHING, inDoubt(N1, WEB), node(N2), node(n3, machine(DB, chain(false)))))
                        .repair())
                .as("shared disks do, wherever they are seen")
                .isPresent();
        assertRefused(
                world(NOTHING, inDoubt(N1, WEB), node(n3, machine(DB, chain(false)))), "n2, which has db, did not");
    }

    @Test
    void isCommittedIfTheDisksOfAMemberProveIt() {
        Finding seen = world(NOTHING, inDoubt(N1, WEB), node(N2, machine(DB, chain(true)))).findings().stream()
                .filter(finding -> finding.subject().equals("web"))
                .findFirst()
                .orElseThrow();
        assertThat(seen.repair()).contains(new Repair(N1, WEB, Act.COMMIT, ROUND));
        assertThat(seen.text()).contains("counts on the disks of db on n2");
        NodeFacts half = entry(N1, Optional.of(new Doubt(MEMBERS, List.of(WEB), List.of())));
        assertThat(only(world(NOTHING, half)).repair())
                .as("by its own, and n2 need not be asked")
                .contains(new Repair(N1, WEB, Act.COMMIT, ROUND));
        NodeFacts gaveUp = new NodeFacts(
                N2,
                List.of(),
                List.of(),
                List.of(),
                List.of(new Entry(ROUND, "checkpoint", true, false, List.of(DB))),
                List.of());
        assertRefused(world(NOTHING, half, gaveUp), "gave it up");
    }

    @Test
    void whoHasReadADecisionDoesNotHaveItOnItsDisksYet() {
        assertThat(world(NOTHING, making(true), inDoubt(N2, DB)).findings())
                .extracting(finding -> finding.repair().orElseThrow().act())
                .containsOnly(Act.COMMIT);
        assertThat(world(NOTHING, making(false), inDoubt(N2, DB)).findings())
                .hasSize(2)
                .allMatch(finding -> finding.repair().isEmpty())
                .allMatch(finding -> finding.remedy().contains("n1 has read a decision"));
    }

    /** The first node is making a decision true that its journal and its disks do not show. */
    private static NodeFacts making(boolean committed) {
        NodeFacts doubt = inDoubt(N1, WEB);
        return new NodeFacts(
                N1,
                doubt.machines(),
                doubt.undefined(),
                doubt.unreadable(),
                doubt.journal(),
                doubt.unreadableEntries(),
                List.of(new NodeFacts.Making(ROUND, committed)));
    }

    @Test
    void aHeadThatHasMovedIsAProofWhereverItIsSeen() {
        ChainFacts moved = changing(new ChainFacts.Change(ROUND, "revert", false, false, true));
        Finding seen = world(NOTHING, inDoubt(N1, WEB), node(new Name("n3"), machine(DB, moved))).findings().stream()
                .filter(finding -> finding.subject().equals("web"))
                .findFirst()
                .orElseThrow();
        assertThat(seen.repair()).contains(new Repair(N1, WEB, Act.COMMIT, ROUND));
    }

    @Test
    void aNodeThatIsHereOrSilentIsNotGone() {
        World silent = new World(
                new TreeMap<>(Map.of(N1, inDoubt(N1, WEB))),
                new TreeMap<>(Map.of(N2, "no answer")),
                Optional.of(NOTHING),
                "");
        assertThat(silent.findings(Set.of(N2)))
                .hasSize(2)
                .allMatch(finding -> finding.repair().isEmpty());
    }

    @Test
    void whatNobodysJournalKnowsIsLeftAloneIfANodeIsAbsent() {
        NodeFacts left = node(N1, machine(WEB, changing()));
        StoreFacts group = new StoreFacts(
                List.of(),
                List.of(),
                List.of(new StoreFacts.Group(SHOP, new TreeSet<>(Set.of(WEB, DB)))),
                new TreeMap<>(),
                List.of());
        assertThat(world(group, left).findings())
                .filteredOn(finding -> finding.subject().equals("web"))
                .singleElement()
                .satisfies(finding -> assertThat(finding.repair()).isEmpty())
                .satisfies(finding -> assertThat(finding.remedy()).contains("the disks of db, of group shop"));
        StoreFacts.Checkpoint older =
                new StoreFacts.Checkpoint(SHOP, DAILY, "r0", false, List.of(new StoreFacts.Part(DB, N2, Set.of())));
        assertThat(world(store(List.of(older), List.of()), left).findings())
                .filteredOn(finding -> finding.subject().equals("web"))
                .singleElement()
                .satisfies(finding -> assertThat(finding.repair()).isEmpty())
                .satisfies(finding -> assertThat(finding.remedy()).contains("n2, which has parts of checkpoints"));
        StoreFacts lost = new StoreFacts(List.of(older), List.of(), group.groups(), new TreeMap<>(), List.of());
        assertThat(world(lost, left).findings(Set.of(N2)))
                .as("it was on the node that is gone for good")
                .anyMatch(finding -> finding.repair().equals(Optional.of(new Repair(N1, WEB, Act.TAKE_BACK, ROUND))));
    }

    @Test
    void whatTheCatalogueHasNeedsNobody() {
        StoreFacts.Checkpoint made = new StoreFacts.Checkpoint(SHOP, DAILY, ROUND, true, List.of());
        assertThat(world(store(List.of(made), List.of()), inDoubt(N1, WEB), inDoubt(N2, DB))
                        .findings())
                .isEmpty();
    }

    @Test
    void aNodeThatIsGoneForGoodNeedNotBeSeen() {
        World world = world(NOTHING, inDoubt(N1, WEB));
        assertThat(world.findings(Set.of(N2)))
                .singleElement()
                .satisfies(finding -> assertThat(finding.repair()).contains(new Repair(N1, WEB, Act.ABORT, ROUND)));
        assertThat(world.findings(Set.of(new Name("n3"))))
                .singleElement()
                .satisfies(finding -> assertThat(finding.repair()).isEmpty());
        assertThat(world.speaksOf(N2)).isTrue();
        assertThat(world.speaksOf(new Name("n3"))).as("a name that is mistyped").isFalse();
        assertThat(world(store(List.of(), List.of(round(Optional.of(true), N2))), node(N1))
                        .speaksOf(N2))
                .isTrue();
    }

    @Test
    void whatNobodysJournalKnowsIsTakenBackWhereItWasLeft() {
        NodeFacts left = node(N1, machine(WEB, changing()));
        assertThat(only(world(NOTHING, left, node(N2, machine(DB, chain(false)))))
                        .repair())
                .contains(new Repair(N1, WEB, Act.TAKE_BACK, ROUND));
        assertThat(world(NOTHING, left, node(N2, machine(DB, chain(true)))).findings())
                .anyMatch(finding -> finding.repair().equals(Optional.of(new Repair(N1, WEB, Act.MAKE_TRUE, ROUND))));
        StoreFacts.Checkpoint made = new StoreFacts.Checkpoint(SHOP, DAILY, ROUND, true, List.of());
        assertThat(only(world(store(List.of(made), List.of()), left)).repair())
                .contains(new Repair(N1, WEB, Act.MAKE_TRUE, ROUND));
    }

    @Test
    void whatNobodysJournalKnowsIsLeftAloneIfNotAllIsSeen() {
        NodeFacts left = node(N1, machine(WEB, changing()));
        World silent = new World(
                new TreeMap<>(Map.of(N1, left)), new TreeMap<>(Map.of(N2, "no answer")), Optional.of(NOTHING), "");
        assertThat(silent.findings())
                .hasSize(2)
                .allMatch(finding -> finding.repair().isEmpty());
        NodeFacts torn = new NodeFacts(N2, List.of(), List.of(), List.of(), List.of(), List.of("r1.json is torn"));
        assertThat(world(NOTHING, left, torn).findings())
                .hasSize(2)
                .allMatch(finding -> finding.repair().isEmpty());
        assertThat(world(NOTHING, left, inDoubt(N2, DB)).findings())
                .as("n2's journal knows it")
                .extracting(finding -> finding.repair().map(Repair::act))
                .containsExactlyInAnyOrder(Optional.empty(), Optional.of(Act.ABORT));
    }

    @Test
    void aDecidedRoundIsClosedWithoutANodeThatIsGoneWhenAllElseIsDone() {
        World world = world(store(List.of(), List.of(round(Optional.of(false), N2))), node(N1));
        assertThat(only(world).repair()).as("nobody has said so").isEmpty();
        assertThat(world.findings(Set.of(N2)))
                .singleElement()
                .satisfies(
                        finding -> assertThat(finding.repair()).contains(new Repair(N1, N2, Act.ACKNOWLEDGE, ROUND)));
    }

    @Test
    void aRoundIsNotClosedWhileAnythingOfItIsLeft() {
        assertNotClosed(world(store(List.of(), List.of(round(Optional.empty(), N2))), node(N1)), "start its agent");
        assertNotClosed(
                world(store(List.of(), List.of(round(Optional.of(true), N1, N2))), node(N1)),
                "n1 has still to make it");
        StoreFacts decided = store(List.of(), List.of(round(Optional.of(true), N2)));
        assertNotClosed(world(decided, node(N1, machine(DB, changing()))), "n1 has still to make it true for db");
        MachineFacts busy = new MachineFacts(
                DB,
                "running",
                false,
                Optional.of("a move"),
                List.of(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
        assertNotClosed(world(decided, node(N1, busy)), "a move");
    }

    private static void assertNotClosed(World world, String because) {
        assertThat(world.findings(Set.of(N2)))
                .filteredOn(finding -> finding.subject().equals(ROUND))
                .singleElement()
                .satisfies(finding -> assertThat(finding.remedy()).contains(because))
                .satisfies(finding -> assertThat(finding.repair()).isEmpty());
    }

    private static void assertRefused(World world, String because) {
        assertThat(world.findings())
                .filteredOn(finding -> finding.subject().equals("web"))
                .singleElement()
                .satisfies(finding -> assertThat(finding.text()).contains("bound to checkpoint r1", "no record"))
                .satisfies(finding -> assertThat(finding.remedy()).contains(because, "docs/operations.md"))
                .satisfies(finding -> assertThat(finding.repair()).isEmpty());
    }

    private static NodeFacts inDoubt(Name node, Name vm) {
        return new NodeFacts(
                node,
                List.of(),
                List.of(),
                List.of(),
                List.of(new Entry(
                        ROUND,
                        "checkpoint",
                        true,
                        true,
                        List.of(vm),
                        Optional.of(new Doubt(MEMBERS, List.of(), List.of())))),
                List.of());
    }

    private static NodeFacts entry(Name node, Optional<Doubt> doubt) {
        Entry entry = new Entry(ROUND, "checkpoint", true, true, List.of(WEB), doubt);
        return new NodeFacts(node, List.of(), List.of(), List.of(), List.of(entry), List.of());
    }

    private static MachineFacts machine(Name vm, ChainFacts chain) {
        return new MachineFacts(
                vm,
                "running",
                false,
                Optional.empty(),
                List.of(),
                Optional.empty(),
                Optional.of(chain),
                Optional.empty());
    }

    private static ChainFacts changing() {
        return changing(new ChainFacts.Change(ROUND, "cut", false, false, false));
    }

    private static ChainFacts changing(ChainFacts.Change change) {
        return new ChainFacts(
                "/srv/web.holdfast", Optional.of(change), List.of(), List.of(), List.of(), List.of(), List.of());
    }

    /** @param counts whether the round was made true in it, by a part that is no part of a checkpoint, as after a revert */
    private static ChainFacts chain(boolean counts) {
        return new ChainFacts(
                "/srv/web.holdfast",
                Optional.empty(),
                counts ? List.of(new ChainFacts.SnapshotPart(DAILY, ROUND, Optional.empty(), false)) : List.of(),
                List.of(),
                List.of(),
                List.of(),
                List.of());
    }

    private static StoreFacts.Round round(Optional<Boolean> committed, Name... waitsFor) {
        return new StoreFacts.Round(ROUND, "the checkpoint of shop@daily", committed, List.of(waitsFor));
    }

    private static StoreFacts store(List<StoreFacts.Checkpoint> checkpoints, List<StoreFacts.Round> rounds) {
        return new StoreFacts(checkpoints, rounds, List.of(), new TreeMap<>(), List.of());
    }
}
