package dev.holdfast.agent.snapshot.chain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.coordinator.protocol.Name;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** The real plans on the model of a disk, killed everywhere; then broken plans, each of which must be caught. */
class ChainPlanModelTest {
    private static final Name OLD = new Name("old");
    private static final Name NEW = new Name("new");
    private static final Name BRANCH = new Name("branch");

    // ---- a machine with one snapshot: generation 1 frozen, generation 2 written ----

    private static ModelDisk oneSnapshot() {
        ModelDisk disk = new ModelDisk();
        Generation first = Generation.fresh(1, ModelDisk.DISKS);
        Generation second = Generation.fresh(2, ModelDisk.DISKS);
        for (String id : ModelDisk.DISKS) {
            disk.addLayer(first.layers().get(id), Optional.empty(), 1, 2);
            disk.addLayer(second.layers().get(id), Optional.of(first.layers().get(id)), 3, -1);
        }
        disk.addGeneration(first, 0);
        disk.addGeneration(second, 0);
        disk.snapshots.put(OLD, first);
        disk.promised.put(OLD, List.of(1, 2, 1, 2));
        disk.newest.put(0, List.of(3, 2, 3, 2));
        disk.head = 2;
        disk.durableHeads = new TreeSet<>(Set.of(2));
        disk.active = Optional.of(second.layers());
        disk.budget = 2;
        disk.writes = 2;
        return disk;
    }

    private static Intent cutIntent() {
        return Intent.cut(
                "op", Optional.of(NEW), Generation.fresh(2, ModelDisk.DISKS), Generation.fresh(3, ModelDisk.DISKS));
    }

    private static List<ChainStep> cut() {
        List<ChainStep> steps = new ArrayList<>(ChainPlan.prepareCut(cutIntent()));
        steps.add(new ChainStep.Cut(cutIntent().toHead()));
        steps.addAll(ChainPlan.publish(cutIntent()));
        return steps;
    }

    private static Intent revertIntent() {
        return Intent.revert(
                "op", OLD, BRANCH, Generation.fresh(2, ModelDisk.DISKS), Generation.fresh(3, ModelDisk.DISKS));
    }

    private static List<ChainStep> revert() {
        List<ChainStep> steps =
                new ArrayList<>(ChainPlan.prepareRevert(revertIntent(), Generation.fresh(1, ModelDisk.DISKS)));
        steps.addAll(ChainPlan.commitRevert(revertIntent()));
        steps.addAll(ChainPlan.endRevert());
        return steps;
    }

    /** Generations 1 (unnamed), 2 (snapshot), 3 (written); a branch of disk a stands on 2. */
    private static ModelDisk unnamedBelow() {
        ModelDisk disk = oneSnapshot();
        Generation third = Generation.fresh(3, ModelDisk.DISKS);
        Generation side = Generation.fresh(4, ModelDisk.DISKS);
        for (String id : ModelDisk.DISKS) {
            disk.addLayer(third.layers().get(id), Optional.of(new Layer(id, 2)), -1, 4);
            disk.addLayer(side.layers().get(id), Optional.of(new Layer(id, 2)), -1, 9);
        }
        disk.addGeneration(third, 0);
        disk.snapshots.clear();
        disk.promised.clear();
        disk.snapshots.put(NEW, Generation.fresh(2, ModelDisk.DISKS));
        disk.promised.put(NEW, List.of(3, 2, 3, 2));
        disk.snapshots.put(BRANCH, side);
        disk.promised.put(BRANCH, List.of(3, 9, 3, 9));
        disk.newest.put(0, List.of(3, 4, 3, 4));
        disk.head = 3;
        disk.durableHeads = new TreeSet<>(Set.of(3));
        disk.active = Optional.of(third.layers());
        disk.generations.put(4, side);
        disk.timelineOf.put(4, 4);
        return disk;
    }

    private static Intent mergeIntent(int top, int base) {
        return Intent.merge("op", new Layer("a", top), new Layer("a", base));
    }

    private static ModelDisk merging(ModelDisk disk, int top, int base) {
        disk.plan = ChainPlan.merge(mergeIntent(top, base), disk.facts(), disk.nextNumber());
        return disk;
    }

    private static ChainExplorer.Result explore(ModelDisk start) {
        ChainExplorer.Result result = new ChainExplorer(ChainPlan::recover).explore(start);
        System.out.println("states: " + result.states());
        return result;
    }

    private static void assertHolds(ModelDisk start) {
        ChainExplorer.Result result = explore(start);
        assertThat(result.violation()).as(result::toString).isEmpty();
        assertThat(result.states()).isGreaterThan(100);
    }

    private static void assertCaught(ModelDisk start, ChainExplorer.Recovery recovery, String violation) {
        ChainExplorer.Result result = new ChainExplorer(recovery).explore(start);
        assertThat(result.violation()).as(result::toString).isPresent();
        assertThat(result.violation().orElseThrow()).as(result::toString).contains(violation);
    }

    private static List<ChainStep> without(List<ChainStep> steps, Class<? extends ChainStep> kind) {
        return steps.stream().filter(step -> !kind.isInstance(step)).toList();
    }

    @Test
    void aCutKeepsTheNewestDataAtTheHeadThroughEveryCrash() {
        ModelDisk disk = oneSnapshot();
        disk.plan = cut();
        assertHolds(disk);
    }

    @Test
    void aRevertIsDoneOrNotAtEveryCrash() {
        ModelDisk disk = oneSnapshot();
        disk.plan = revert();
        disk.held = true;
        assertHolds(disk);
    }

    @Test
    void aLiveMergeChangesNothingThatAnybodyReads() {
        assertHolds(merging(unnamedBelow(), 2, 1));
    }

    @Test
    void aMergeOfAMachineThatIsStoppedMaySeeItStartedAtAnyMoment() {
        ModelDisk disk = unnamedBelow();
        disk.active = Optional.empty();
        assertHolds(merging(disk, 2, 1));
    }

    @Test
    void theHeadsOwnLayerMayGoIntoTheOneBelowWhileTheMachineIsStopped() {
        ModelDisk disk = oneSnapshot();
        disk.snapshots.clear();
        disk.active = Optional.empty();
        assertHolds(merging(disk, 2, 1));
    }

    @Test
    void theModelCatchesANewLayerThatIsNotFlushedBeforeTheHeadMoves() {
        ModelDisk disk = oneSnapshot();
        disk.plan = without(cut(), ChainStep.FlushLayers.class);
        assertCaught(disk, ChainPlan::recover, "I9");
    }

    @Test
    void theModelCatchesAHeadThatIsNotFlushedBeforeTheCut() {
        ModelDisk disk = oneSnapshot();
        disk.plan = without(cut(), ChainStep.FlushHead.class);
        assertCaught(disk, ChainPlan::recover, "I9");
    }

    @Test
    void theModelCatchesAHeadThatMovesAfterTheCut() {
        ModelDisk disk = oneSnapshot();
        List<ChainStep> steps = new ArrayList<>(cut());
        ChainStep cut = new ChainStep.Cut(cutIntent().toHead());
        steps.remove(cut);
        steps.add(steps.indexOf(new ChainStep.MoveHead(3)), cut);
        disk.plan = steps;
        assertCaught(disk, ChainPlan::recover, "I9");
    }

    @Test
    void theModelCatchesAnAbortThatMovesTheHeadBack() {
        ModelDisk disk = oneSnapshot();
        disk.plan = cut();
        assertCaught(
                disk,
                (intent, facts, next) -> List.of(
                        new ChainStep.MoveHead(intent.fromGeneration()),
                        new ChainStep.FlushHead(),
                        new ChainStep.ClearIntent()),
                "I9");
    }

    @Test
    void theModelCatchesAnAbortThatBelievesAMachineThatIsGone() {
        // A machine that runs nowhere may have written the new layer before it died.
        ModelDisk disk = oneSnapshot();
        disk.plan = cut();
        assertCaught(
                disk,
                (intent, facts, next) -> ChainPlan.recover(
                        intent,
                        new ChainPlan.Facts(
                                facts.graph(),
                                facts.written()
                                        .or(() -> Optional.of(intent.fromHead().layers()))),
                        next),
                "I9");
    }

    @Test
    void theModelCatchesAReplayThatRemovesTheNewLayers() {
        ModelDisk disk = oneSnapshot();
        disk.plan = cut();
        assertCaught(
                disk,
                (intent, facts, next) -> {
                    List<ChainStep> steps = new ArrayList<>();
                    intent.toHead().layers().values().forEach(layer -> steps.add(new ChainStep.Discard(layer)));
                    steps.add(new ChainStep.ClearIntent());
                    return steps;
                },
                "");
    }

    @Test
    void theModelCatchesARevertThatRunsBeforeItsHeadIsFlushed() {
        ModelDisk disk = oneSnapshot();
        disk.plan = without(revert(), ChainStep.FlushHead.class);
        disk.held = true;
        // The old timeline comes back with the power, and its layers, which are written again, are named as a branch.
        assertCaught(disk, ChainPlan::recover, "");
    }

    @Test
    void theModelCatchesAMergeIntoALayerThatOthersStandOn() {
        // 3 goes into 2 although the branch 4 stands on 2 as well and a snapshot names it.
        ModelDisk disk = unnamedBelow();
        disk.active = Optional.empty();
        disk.plan = List.of(new ChainStep.Merge(new Layer("a", 3), new Layer("a", 2)));
        assertCaught(disk, ChainPlan::recover, "I8");
    }

    @Test
    void theModelCatchesAMergeThatForgetsTheBranches() {
        assertCaught(
                withPlan(unnamedBelow(), without(mergePlan(), ChainStep.Relink.class)), ChainPlan::recover, "missing");
    }

    @Test
    void theModelCatchesAMergeThatForgetsTheSnapshots() {
        assertCaught(
                withPlan(unnamedBelow(), without(mergePlan(), ChainStep.Repoint.class)), ChainPlan::recover, "missing");
    }

    @Test
    void theModelCatchesAMergeThatIsRepeatedAlthoughTheBaseIsInUse() {
        ModelDisk disk = oneSnapshot();
        disk.snapshots.clear();
        disk.active = Optional.empty();
        assertCaught(
                merging(disk, 2, 1),
                (intent, facts, next) -> List.of(
                        new ChainStep.Merge(
                                Layer.parse(intent.top().orElseThrow()),
                                Layer.parse(intent.base().orElseThrow())),
                        new ChainStep.ClearIntent()),
                "");
    }

    // ---- a disk whose first layer is copied, and can be written again then ----

    private static final Layer HOME = new Layer("a", 1);
    private static final Intent KEEP = Intent.keep("op", HOME, HOME.copy(5));

    /** Generation 1 is a snapshot's, 2 is written, and a branch of both disks stands on 1, too. */
    private static ModelDisk branchOnHome() {
        ModelDisk disk = oneSnapshot();
        Generation side = Generation.fresh(4, ModelDisk.DISKS);
        for (String id : ModelDisk.DISKS) {
            disk.addLayer(side.layers().get(id), Optional.of(new Layer(id, 1)), -1, 9);
        }
        disk.snapshots.put(BRANCH, side);
        disk.promised.put(BRANCH, List.of(1, 9, 1, 9));
        return disk;
    }

    /** A stopped machine's disk is kept, and what it has written since goes back into its home. */
    private static ModelDisk keptAndSettled(Class<? extends ChainStep> without) {
        ModelDisk after = branchOnHome();
        after.active = Optional.empty();
        for (ChainStep step : ChainPlan.keep(KEEP, after.facts())) {
            ChainExplorer.run(step, after);
        }
        ModelDisk disk = branchOnHome();
        disk.active = Optional.empty();
        List<ChainStep> steps = new ArrayList<>(without(ChainPlan.keep(KEEP, disk.facts()), without));
        steps.addAll(ChainPlan.merge(mergeIntent(2, 1), after.facts(), 6));
        return withPlan(disk, steps);
    }

    @Test
    void aKeepChangesNothingThatAnybodyReads() {
        ModelDisk disk = branchOnHome();
        disk.plan = ChainPlan.keep(KEEP, disk.facts());
        assertHolds(disk);
    }

    @Test
    void aHomeThatWasKeptIsWrittenAgainOfAMachineThatIsStopped() {
        assertHolds(keptAndSettled(ChainStep.Cut.class));
    }

    @Test
    void theModelCatchesAKeepThatForgetsTheSnapshots() {
        assertCaught(keptAndSettled(ChainStep.Repoint.class), ChainPlan::recover, "I8");
    }

    @Test
    void theModelCatchesAKeepThatForgetsTheBranches() {
        assertCaught(keptAndSettled(ChainStep.Relink.class), ChainPlan::recover, "I8");
    }

    @Test
    void theModelCatchesAKeepThatNamesTheCopyBeforeItIsThere() {
        ModelDisk disk = branchOnHome();
        List<ChainStep> steps = new ArrayList<>(ChainPlan.keep(KEEP, disk.facts()));
        ChainStep copy = steps.remove(1);
        steps.add(steps.size() - 1, copy);
        assertCaught(withPlan(disk, steps), ChainPlan::recover, "missing");
    }

    /** What makes it durable by itself does so once, and not when it is found there. */
    @Test
    void theModelCatchesAKeepThatNamesACopyThatIsNotFlushed() {
        ModelDisk disk = branchOnHome();
        disk.plan = without(ChainPlan.keep(KEEP, disk.facts()), ChainStep.FlushLayers.class);
        assertCaught(disk, ChainPlan::recover, "missing");
    }

    @Test
    void theModelCatchesARecoveryThatRemovesACopyThatIsNamedAlready() {
        ModelDisk disk = branchOnHome();
        disk.plan = ChainPlan.keep(KEEP, disk.facts());
        assertCaught(
                disk,
                (intent, facts, next) -> List.of(new ChainStep.Discard(HOME.copy(5)), new ChainStep.ClearIntent()),
                "missing");
    }

    // ---- a running machine writes its home again ----

    /** Nothing names what the running machine's layers stand on. */
    private static ModelDisk settling(List<ChainStep> plan) {
        ModelDisk disk = oneSnapshot();
        disk.snapshots.clear();
        disk.promised.clear();
        return withPlan(disk, plan);
    }

    /** @param disks those that go home */
    private static Intent settleIntent(String... disks) {
        Generation before = Generation.fresh(2, ModelDisk.DISKS);
        Generation after = before;
        for (String disk : disks) {
            after = after.with(3, new Layer(disk, 2), new Layer(disk, 1));
        }
        return Intent.settle("op", before, after);
    }

    private static List<ChainStep> settle() {
        return ChainPlan.settle(settleIntent("a", "b"));
    }

    @Test
    void aSettleKeepsTheNewestDataAtTheHeadOrNothingThroughEveryCrash() {
        assertHolds(settling(settle()));
    }

    @Test
    void aSettleOfOneDiskLeavesTheOthersOnTheirLayers() {
        assertHolds(settling(ChainPlan.settle(settleIntent("b"))));
    }

    @Test
    void theModelCatchesASettleThatLeavesTheHeadInItsPlace() {
        // It takes a guard that lets the guest run between the pivot and the move of the head.
        assertCaught(settling(without(settle(), ChainStep.SetHeadAside.class)), ChainPlan::recover, "I9");
    }

    @Test
    void theModelCatchesAHeadThatIsSetAsideAndNotFlushed() {
        List<ChainStep> steps = new ArrayList<>(settle());
        steps.remove(new ChainStep.FlushHead());
        assertCaught(settling(steps), ChainPlan::recover, "I9");
    }

    @Test
    void theModelCatchesASettleWhoseGuestRunsBeforeItsHeadIsThere() {
        List<ChainStep> steps = new ArrayList<>(without(settle(), ChainStep.LetRun.class));
        steps.add(steps.indexOf(new ChainStep.MoveHead(3)), new ChainStep.LetRun());
        assertCaught(settling(steps), ChainPlan::recover, "nobody has let the guest run");
    }

    @Test
    void theModelCatchesAnAgentThatTakesTheHomesWithoutALookAtThem() {
        assertCaught(
                settling(settle()),
                (intent, facts, next) -> ChainPlan.recover(
                        intent,
                        facts.head() == ChainPlan.HeadState.ASIDE
                                ? new ChainPlan.Facts(
                                        facts.graph(), facts.written(), ChainPlan.HeadState.ASIDE_AND_EVEN)
                                : facts,
                        next),
                "I9");
    }

    @Test
    void theModelCatchesAnAgentThatGoesBackToTheLayers() {
        assertCaught(
                settling(settle()),
                (intent, facts, next) -> facts.head() == ChainPlan.HeadState.IN_PLACE
                                || facts.written().isPresent()
                        ? ChainPlan.recover(intent, facts, next)
                        : List.of(new ChainStep.MoveHead(intent.fromGeneration()), new ChainStep.ClearIntent()),
                "I9");
    }

    @Test
    void theModelCatchesASettleThatForgetsTheLayersBeforeTheHeadIsFlushed() {
        List<ChainStep> steps = new ArrayList<>(settle());
        steps.remove(steps.lastIndexOf(new ChainStep.FlushHead()));
        assertCaught(settling(steps), ChainPlan::recover, "");
    }

    private static List<ChainStep> mergePlan() {
        return ChainPlan.merge(mergeIntent(2, 1), unnamedBelow().facts(), 5);
    }

    private static ModelDisk withPlan(ModelDisk disk, List<ChainStep> plan) {
        disk.plan = plan;
        return disk;
    }
}
