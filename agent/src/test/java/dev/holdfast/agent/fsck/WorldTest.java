package dev.holdfast.agent.fsck;

import static dev.holdfast.agent.fsck.Worlds.node;
import static dev.holdfast.agent.fsck.Worlds.only;
import static dev.holdfast.agent.fsck.Worlds.world;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.fsck.Finding.Kind;
import dev.holdfast.agent.fsck.MachineFacts.Mark;
import dev.holdfast.agent.fsck.MachineFacts.NotSeen;
import dev.holdfast.agent.fsck.MachineFacts.OpenDisk;
import dev.holdfast.agent.fsck.Repair.Act;
import dev.holdfast.coordinator.protocol.Name;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Each kind of damage, as facts: what is found, and what would be done about it. */
class WorldTest {

    private static final Name N1 = new Name("n1");
    private static final Name N2 = new Name("n2");
    private static final Name WEB = new Name("web");
    private static final Name SHOP = new Name("shop");
    private static final Name DAILY = new Name("daily");
    private static final String ROUND = "r1";
    private static final String MEMORY = "/srv/web.holdfast/snapshots/daily.memory";
    private static final ChainFacts WHOLE =
            chain().with(part(ROUND, Optional.of(SHOP), false)).facts();
    private static final StoreFacts STORE = store(List.of(checkpoint(false)), List.of());

    @Test
    void findsNothingWhereAllAgrees() {
        assertThat(world(STORE, node(N1, running(WHOLE))).findings()).isEmpty();
    }

    @Test
    void saysThatAPartOfACheckpointIsGone() {
        Finding finding = only(world(STORE, node(N1, running(chain().facts()))));
        assertThat(finding.kind()).isEqualTo(Kind.PROBLEM);
        assertThat(finding.subject()).isEqualTo("shop@daily");
        assertThat(finding.text()).contains("part of web is not there");
        assertThat(finding.repair()).contains(new Repair(N1, WEB, Act.RESTORE, "shop@daily"));
        assertThat(finding.remedy()).as("if that is refused").contains("checkpoint delete shop@daily");
    }

    @Test
    void aSidecarIsNotWrittenAnewInTheMiddleOfAChangeNorForAReplica() {
        ChainFacts changing =
                chain().change(new ChainFacts.Change("r9", "cut", false, true)).facts();
        assertThat(world(STORE, node(N1, running(changing))).findings())
                .allMatch(finding -> finding.repair().isEmpty());
        MachineFacts replica = new MachineFacts(
                WEB,
                "running",
                true,
                Optional.empty(),
                List.of(),
                Optional.empty(),
                Optional.of(chain().facts()),
                Optional.empty());
        assertThat(world(STORE, node(N1, replica)).findings())
                .isNotEmpty()
                .allMatch(finding -> finding.repair().isEmpty());
    }

    @Test
    void theFilesOfACheckpointWithoutASidecarAreNotMovedAway() {
        List<Finding> findings = world(
                        STORE, node(N1, running(chain().leftover(MEMORY).facts())))
                .findings();
        assertThat(findings).hasSize(1);
        assertThat(findings.get(0).repair()).map(Repair::act).contains(Act.RESTORE);
        assertThat(world(
                                STORE,
                                node(
                                        N1,
                                        running(chain().with(part(ROUND, Optional.of(SHOP), false))
                                                .leftover("/srv/web.holdfast/layers/d0-000001.qcow2")
                                                .facts())))
                        .findings())
                .as("it was merged, as its sidecar says")
                .extracting(finding -> finding.repair().orElseThrow().act())
                .containsExactly(Act.QUARANTINE);
    }

    @Test
    void doesNotCallMissingWhatItCouldNotSee() {
        MachineFacts dark =
                machine("stopped", Optional.empty(), Optional.of(new NotSeen(false, "no such directory", false)));
        assertThat(world(STORE, node(N1, dark)).findings())
                .extracting(Finding::kind)
                .containsExactlyInAnyOrder(Kind.PROBLEM, Kind.UNSEEN);
        assertThat(only(world(STORE, node(N2, machineElsewhere()))).kind()).isEqualTo(Kind.UNSEEN);
    }

    @Test
    void aHeadThatLeadsNowhereIsMadeAnewIfItIsCertainWhereItHasToLead() {
        MachineFacts broken =
                machine("running", Optional.empty(), Optional.of(new NotSeen(false, "head is missing", true)));
        List<Finding> findings = world(STORE, node(N1, broken)).findings();
        assertThat(findings).extracting(Finding::kind).containsExactlyInAnyOrder(Kind.PROBLEM, Kind.UNSEEN);
        assertThat(findings)
                .flatExtracting(finding -> finding.repair().stream().toList())
                .containsExactly(new Repair(N1, WEB, Act.MEND_HEAD, "head"));
    }

    @Test
    void aPartWithoutItsCheckpointBecomesASnapshotOfItsMachine() {
        Finding finding = only(world(store(List.of(), List.of()), node(N1, running(WHOLE))));
        assertThat(finding.repair()).contains(new Repair(N1, WEB, Act.RELEASE, "daily"));
    }

    @Test
    void aPartOfARoundThatIsUnderWayIsNoOrphan() {
        StoreFacts.Round open = round(ROUND, "the checkpoint of shop@daily", Optional.empty(), List.of());
        assertThat(world(store(List.of(), List.of(open)), node(N1, running(WHOLE)))
                        .findings())
                .isEmpty();
    }

    @Test
    void aCheckpointOfAnotherRoundIsNotTakenForThePart() {
        ChainFacts other = chain().with(part("r0", Optional.of(SHOP), false)).facts();
        assertThat(world(STORE, node(N1, running(other))).findings())
                .hasSize(2)
                .allMatch(finding -> finding.repair().isEmpty());
    }

    @Test
    void nothingIsRepairedAgainstAStoreThatDoesNotAnswer() {
        ChainFacts waiting = undecided();
        World world = new World(
                new TreeMap<>(Map.of(N1, node(N1, running(waiting)))), new TreeMap<>(), Optional.empty(), "no quorum");
        assertThat(world.findings()).extracting(Finding::kind).containsOnly(Kind.UNSEEN);
        assertThat(world.findings()).allMatch(finding -> finding.repair().isEmpty());
    }

    @Test
    void anUndecidedPartCountsIfTheCatalogueHasIt() {
        assertThat(only(world(STORE, node(N1, running(undecided())))).repair())
                .contains(new Repair(N1, WEB, Act.PUBLISH, "daily"));
    }

    @Test
    void anUndecidedPartOfAnAbortedRoundGoesToLost() {
        StoreFacts.Round aborted = round(ROUND, "a checkpoint", Optional.of(false), List.of());
        assertThat(only(world(store(List.of(), List.of(aborted)), node(N1, running(undecided()))))
                        .repair())
                .contains(new Repair(N1, WEB, Act.QUARANTINE, MEMORY));
    }

    @Test
    void anUndecidedPartWaitsWhileItsRoundIsOpenOrTheNodeIsBound() {
        StoreFacts.Round open = round(ROUND, "a checkpoint", Optional.empty(), List.of());
        assertThat(world(store(List.of(), List.of(open)), node(N1, running(undecided())))
                        .findings())
                .isEmpty();
        NodeFacts bound = new NodeFacts(
                N1,
                List.of(running(undecided())),
                List.of(),
                List.of(),
                List.of(new NodeFacts.Entry(ROUND, "checkpoint", true, true, List.of(WEB))),
                List.of());
        Finding finding = only(world(store(List.of(), List.of()), bound));
        assertThat(finding.text()).contains("bound to checkpoint r1", "says nothing");
        assertThat(finding.repair()).isEmpty();
    }

    @Test
    void aMachineThatDoesNotWriteToItsHeadIsLeftAlone() {
        ChainFacts chain =
                chain().leftover("/srv/web.holdfast/layers/d0-000003.qcow2").facts();
        MachineFacts astray = new MachineFacts(
                WEB,
                "running",
                false,
                Optional.empty(),
                List.of(new OpenDisk("d0", "/srv/web.holdfast/layers/d0-000003.qcow2", "/srv/x/d0-000002.qcow2")),
                Optional.empty(),
                Optional.of(chain),
                Optional.empty());
        Finding finding = only(world(store(List.of(), List.of()), node(N1, astray)));
        assertThat(finding.text()).contains("a start would find older data");
        assertThat(finding.repair()).isEmpty();
    }

    @Test
    void aMachineWithTwoProcessesIsFoundUnlessEachNodeHasItsOwnDisks() {
        StoreFacts nothing = store(List.of(), List.of());
        assertThat(only(world(nothing, node(N1, running(chain().facts())), node(N2, running(chain().facts()))))
                        .text())
                .contains("n1, n2", "both may write");
        assertThat(world(nothing, node(N1, replica()), node(N2, replica())).findings())
                .isEmpty();
    }

    @Test
    void aFreezePastItsBoundIsEndedAndAMarkWithoutProcessRemoved() {
        StoreFacts nothing = store(List.of(), List.of());
        Mark over = new Mark("by-hand-1", false, true, false);
        assertThat(only(world(nothing, node(N1, marked("paused", over)))).repair())
                .contains(new Repair(N1, WEB, Act.THAW, "by-hand-1"));
        assertThat(only(world(nothing, node(N1, marked("stopped", over)))).repair())
                .contains(new Repair(N1, WEB, Act.UNMARK, "by-hand-1"));
        Mark within = new Mark("by-hand-1", false, false, false);
        assertThat(world(nothing, node(N1, marked("paused", within))).findings())
                .isEmpty();
    }

    @Test
    void aHoldOfAnUnknownRevertIsForAPerson() {
        StoreFacts nothing = store(List.of(), List.of());
        Finding finding = only(world(nothing, node(N1, marked("paused", new Mark("r9", true, false, false)))));
        assertThat(finding.remedy()).contains("vm thaw web");
        assertThat(finding.repair()).isEmpty();
        assertThat(world(nothing, node(N1, marked("paused", new Mark("r9", true, false, true))))
                        .findings())
                .as("its journal knows that revert")
                .isEmpty();
    }

    @Test
    void aChangeThatWasCutShortEndsIfItsEndIsKnown() {
        StoreFacts nothing = store(List.of(), List.of());
        ChainFacts own = chain().change(new ChainFacts.Change("o1", "merge", true, false))
                .facts();
        assertThat(only(world(nothing, node(N1, running(own)))).repair())
                .contains(new Repair(N1, WEB, Act.FINISH, "o1"));
        ChainFacts ofRound = chain().change(new ChainFacts.Change(ROUND, "cut", false, false))
                .facts();
        Finding unknown = only(world(nothing, node(N1, running(ofRound))));
        assertThat(unknown.text()).contains("no record of it, which says nothing");
        assertThat(unknown.repair()).isEmpty();
        StoreFacts.Round decided = round(ROUND, "a checkpoint", Optional.of(true), List.of());
        assertThat(only(world(store(List.of(), List.of(decided)), node(N1, running(ofRound))))
                        .repair())
                .contains(new Repair(N1, WEB, Act.FINISH, ROUND));
    }

    @Test
    void aChangeOfARoundIsLeftToTheNodeThatHadTheMachineAndMayStillRunIt() {
        ChainFacts cut = chain().change(new ChainFacts.Change(ROUND, "revert", false, false))
                .facts();
        MachineFacts notHere = machine(MachineFacts.STOPPED, Optional.of(cut), Optional.empty());
        StoreFacts store = store(
                List.of(),
                List.of(new StoreFacts.Round(
                        ROUND, "a revert", Optional.of(true), List.of(N2), Map.of(N2, Set.of(WEB)), true)));
        Repair finish = new Repair(N1, WEB, Act.FINISH, ROUND);
        Finding finding = world(store, node(N1, notHere)).findings().stream()
                .filter(each -> each.node().equals("n1"))
                .findFirst()
                .orElseThrow();
        assertThat(finding.text()).contains("node n2, on which it ran");
        assertThat(finding.remedy()).contains("fsck --repair --gone n2");
        assertThat(finding.repair()).isEmpty();
        assertThat(world(store, node(N1, notHere)).findings(Set.of(N2)))
                .as("a person has fenced it")
                .anyMatch(each -> each.repair().equals(Optional.of(finish)));
        StoreFacts open = store(
                List.of(),
                List.of(new StoreFacts.Round(
                        ROUND, "a revert", Optional.empty(), List.of(N2), Map.of(N2, Set.of(WEB)), true)));
        assertThat(world(open, node(N1, notHere)).findings())
                .as("it is under way, and n2 has only not voted")
                .noneMatch(each -> each.node().equals("n1"));
        assertThat(world(store, node(N1, running(cut))).findings())
                .as("it was started here")
                .anyMatch(each -> each.repair().equals(Optional.of(finish)));
    }

    @Test
    void whatIsInLostIsPutBackBeforeAnythingIsMovedThere() {
        ChainFacts chain = chain().leftover("/srv/web.holdfast/layers/.half")
                .missing(
                        "/srv/web.holdfast/layers/d0-000001.qcow2",
                        Optional.of("/srv/web.holdfast/lost/d0-000001.qcow2"))
                .facts();
        assertThat(world(store(List.of(), List.of()), node(N1, running(chain))).findings())
                .extracting(finding -> finding.repair().orElseThrow().act())
                .containsExactly(Act.PUT_BACK, Act.QUARANTINE);
    }

    @Test
    void aFileThatIsNowhereIsForAPerson() {
        ChainFacts chain = chain().missing("/srv/web.holdfast/layers/d0-000001.qcow2", Optional.empty())
                .facts();
        Finding finding = only(world(store(List.of(), List.of()), node(N1, running(chain))));
        assertThat(finding.text()).contains("d0-000001.qcow2 is missing");
        assertThat(finding.repair()).isEmpty();
    }

    @Test
    void saysNothingAboutAMachineOnWhichSomethingIsUnderWay() {
        ChainFacts chain = chain().leftover("/srv/web.holdfast/layers/.half").facts();
        MachineFacts busy = new MachineFacts(
                WEB,
                "running",
                false,
                Optional.of("busy"),
                List.of(),
                Optional.of(new Mark("r2", false, true, false)),
                Optional.of(chain),
                Optional.empty());
        Finding passed = only(world(STORE, node(N1, busy)));
        assertThat(passed.kind()).isEqualTo(Kind.PASSED);
        assertThat(passed.kind().isFault()).isFalse();
        assertThat(passed.subject()).isEqualTo("web");
        assertThat(passed.text()).isEqualTo("it was not looked at: busy");
    }

    @Test
    void namesANodeThatIsAwayUnlessItIsSaidToBeGone() {
        StoreFacts store = new StoreFacts(List.of(), List.of(), List.of(), new TreeMap<>(), List.of(), Set.of(N1, N2));
        Finding away = only(world(store, node(N1)));
        assertThat(away.kind()).isEqualTo(Kind.UNSEEN);
        assertThat(away.node()).isEqualTo("n2");
        assertThat(away.remedy()).contains("holdfast cluster forget n2");
        assertThat(world(store, node(N1)).findings(Set.of(N2))).isEmpty();
        assertThat(world(store, node(N1)).notGone(N2))
                .as("nothing speaks for it")
                .isEmpty();
        World silent = new World(
                new TreeMap<>(Map.of(N1, node(N1))), new TreeMap<>(Map.of(N2, "no answer")), Optional.of(store), "");
        assertThat(only(silent).text()).as("it is named once").contains("no answer");
    }

    @Test
    void namesMachinesThatRunUndefinedAndMembersThatAreNowhere() {
        StoreFacts store = new StoreFacts(
                List.of(),
                List.of(),
                List.of(new StoreFacts.Group(SHOP, Set.of(new Name("db")))),
                new TreeMap<>(),
                List.of());
        NodeFacts node = new NodeFacts(N1, List.of(), List.of(WEB), List.of(), List.of(), List.of("torn.json is torn"));
        assertThat(world(store, node).findings())
                .extracting(Finding::text)
                .anyMatch(text -> text.contains("db is defined on no node"))
                .anyMatch(text -> text.contains("runs here, and no definition"))
                .anyMatch(text -> text.contains("torn.json"))
                .hasSize(3);
    }

    @Test
    void namesWhoARoundWaitsFor() {
        StoreFacts.Round waits = round("r5", "the revert of shop@daily", Optional.of(true), List.of(N2));
        assertThat(only(world(store(List.of(), List.of(waits)), node(N1))).text())
                .contains("waits for node n2");
        assertThat(only(world(store(List.of(), List.of(waits)), node(N1))).remedy())
                .contains("stonith_admin --fence n2", "fsck --repair --gone n2");
    }

    @Test
    void namesAClaimWhoseRoundIsGoneUnlessItMayBeUnreadable() {
        TreeMap<String, String> claims = new TreeMap<>(Map.of("web", "r7"));
        StoreFacts held = new StoreFacts(List.of(), List.of(), List.of(), claims, List.of());
        Finding finding = only(world(held, node(N1)));
        assertThat(finding.text()).contains("claimed by round r7");
        assertThat(finding.repair()).contains(new Repair(N1, WEB, Act.FREE, "web"));
        NodeFacts bound = new NodeFacts(
                N1,
                List.of(),
                List.of(),
                List.of(),
                List.of(new NodeFacts.Entry("r7", "checkpoint", true, false, List.of(WEB))),
                List.of());
        assertThat(only(world(held, bound)).repair()).as("n1 is at it").isEmpty();
        World silent = new World(
                new TreeMap<>(Map.of(N1, node(N1))), new TreeMap<>(Map.of(N2, "no answer")), Optional.of(held), "");
        assertThat(silent.findings())
                .as("n2 may be")
                .allMatch(each -> each.repair().isEmpty());
        claims.clear();
        claims.put("../web", "r7");
        assertThat(only(world(new StoreFacts(List.of(), List.of(), List.of(), claims, List.of()), node(N1)))
                        .repair())
                .isEmpty();
        claims.clear();
        claims.put("web", "r7");
        assertThat(only(world(new StoreFacts(List.of(), List.of(), List.of(), claims, List.of("r7 is torn")), node(N1)))
                        .text())
                .isEqualTo("r7 is torn");
    }

    @Test
    void whatCannotBeSeenIsTheSameWhateverTheReason() {
        World one = new World(new TreeMap<>(), new TreeMap<>(), Optional.empty(), "no answer for 2 s");
        World other = new World(new TreeMap<>(), new TreeMap<>(), Optional.empty(), "no answer for 3 s");
        assertThat(only(one).isTheSameAs(only(other))).isTrue();
        assertThat(only(one).isTheSameAs(only(world(STORE, node(N1, running(chain().facts()))))))
                .isFalse();
    }

    @Test
    void aSilentNodeIsAFindingAndLostIsNone() {
        World world = new World(
                new TreeMap<>(
                        Map.of(N1, node(N1, running(chain().lost("/srv/lost/x").facts())))),
                new TreeMap<>(Map.of(N2, "no answer")),
                Optional.of(store(List.of(), List.of())),
                "");
        assertThat(world.findings()).extracting(Finding::kind).containsExactly(Kind.UNSEEN, Kind.LOST);
    }

    private static MachineFacts running(ChainFacts chain) {
        return machine("running", Optional.of(chain), Optional.empty());
    }

    private static MachineFacts machineElsewhere() {
        return machine("stopped", Optional.empty(), Optional.of(new NotSeen(true, "it runs on another node", false)));
    }

    private static MachineFacts machine(String state, Optional<ChainFacts> chain, Optional<NotSeen> notSeen) {
        return new MachineFacts(WEB, state, false, Optional.empty(), List.of(), Optional.empty(), chain, notSeen);
    }

    private static MachineFacts replica() {
        return new MachineFacts(
                WEB,
                "running",
                true,
                Optional.empty(),
                List.of(),
                Optional.of(new Mark("standby", true, false, false)),
                Optional.empty(),
                Optional.empty());
    }

    private static MachineFacts marked(String state, Mark mark) {
        return new MachineFacts(
                WEB, state, false, Optional.empty(), List.of(), Optional.of(mark), Optional.empty(), Optional.empty());
    }

    private static StoreFacts.Round round(String id, String text, Optional<Boolean> committed, List<Name> waitsFor) {
        return new StoreFacts.Round(id, text, committed, waitsFor, Map.of(), false);
    }

    private static StoreFacts store(List<StoreFacts.Checkpoint> checkpoints, List<StoreFacts.Round> rounds) {
        return new StoreFacts(
                checkpoints, rounds, List.of(new StoreFacts.Group(SHOP, Set.of())), new TreeMap<>(), List.of());
    }

    private static StoreFacts.Checkpoint checkpoint(boolean deleting) {
        return new StoreFacts.Checkpoint(
                SHOP,
                DAILY,
                ROUND,
                deleting,
                List.of(new StoreFacts.Part(WEB, N1, Set.of("daily.memory", "d0-000001.qcow2"))));
    }

    private static ChainFacts.SnapshotPart part(String operation, Optional<Name> group, boolean pending) {
        return new ChainFacts.SnapshotPart(DAILY, operation, group, pending);
    }

    private static ChainFacts undecided() {
        return new ChainFacts(
                "/srv/web.holdfast",
                Optional.empty(),
                List.of(part(ROUND, Optional.of(SHOP), true)),
                List.of(),
                List.of(new ChainFacts.Leftover(MEMORY, "a memory image", Optional.of(DAILY))),
                List.of(),
                List.of());
    }

    private static ChainMaking chain() {
        return new ChainMaking(new ChainFacts(
                "/srv/web.holdfast", Optional.empty(), List.of(), List.of(), List.of(), List.of(), List.of()));
    }

    /** A chain with one thing more. */
    private record ChainMaking(ChainFacts facts) {

        ChainMaking with(ChainFacts.SnapshotPart part) {
            return of(facts.change(), List.of(part), facts.leftovers(), facts.missing(), facts.lost());
        }

        ChainMaking change(ChainFacts.Change change) {
            return of(Optional.of(change), facts.parts(), facts.leftovers(), facts.missing(), facts.lost());
        }

        ChainMaking leftover(String file) {
            return of(
                    facts.change(),
                    facts.parts(),
                    List.of(new ChainFacts.Leftover(file, "half a file", Optional.empty())),
                    facts.missing(),
                    facts.lost());
        }

        ChainMaking missing(String file, Optional<String> found) {
            return of(
                    facts.change(),
                    facts.parts(),
                    facts.leftovers(),
                    List.of(new ChainFacts.Missing(file, "the head names it", found)),
                    facts.lost());
        }

        ChainMaking lost(String file) {
            return of(facts.change(), facts.parts(), facts.leftovers(), facts.missing(), List.of(file));
        }

        private ChainMaking of(
                Optional<ChainFacts.Change> change,
                List<ChainFacts.SnapshotPart> parts,
                List<ChainFacts.Leftover> leftovers,
                List<ChainFacts.Missing> missing,
                List<String> lost) {
            return new ChainMaking(
                    new ChainFacts(facts.path(), change, parts, facts.problems(), leftovers, missing, lost));
        }
    }
}
