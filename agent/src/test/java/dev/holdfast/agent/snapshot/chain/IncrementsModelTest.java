package dev.holdfast.agent.snapshot.chain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.coordinator.protocol.Name;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Copies of which each holds what was written since the one before, on the model of a disk: killed everywhere, tried again, and merged. */
class IncrementsModelTest {
    private static final Name OLD = new Name("old");
    private static final Name NEW = new Name("new");
    private static final int FIRST = 2;
    private static final int SECOND = 3;
    private static final int CUT = 4;
    private static final int THIRD = 5;
    private static final int SETTLED = 6;

    private static Layer home(String disk) {
        return new Layer(disk, 1, ImageForm.RAW);
    }

    private static Generation homes(int number) {
        return generation(number, 0);
    }

    /** @param copy 0 for the images themselves */
    private static Generation generation(int number, int copy) {
        return new Generation(
                number,
                ModelDisk.DISKS.stream()
                        .collect(Collectors.toMap(
                                disk -> disk,
                                disk -> copy == 0 ? home(disk) : home(disk).increment(copy),
                                (one, other) -> one,
                                TreeMap::new)));
    }

    /** A running machine that writes its raw images, has been copied once, and has written since. */
    private static ModelDisk copiedOnce() {
        ModelDisk disk = new ModelDisk();
        for (String id : ModelDisk.DISKS) {
            disk.addLayer(home(id), Optional.empty(), 3, 2);
            disk.addLayer(home(id).increment(FIRST), Optional.empty(), 1, 2);
            disk.counted.put(home(id), new TreeMap<>());
            disk.counted.get(home(id)).put(FIRST, new TreeSet<>(Set.of(0)));
        }
        disk.addGeneration(homes(1), 0);
        disk.snapshots.put(OLD, generation(1, FIRST));
        disk.promised.put(OLD, List.of(1, 2, 1, 2));
        disk.newest.put(0, List.of(3, 2, 3, 2));
        disk.head = 1;
        disk.durableHeads = new TreeSet<>(Set.of(1));
        disk.active = Optional.of(homes(1).layers());
        disk.counts = true;
        disk.budget = 1;
        disk.writes = 1;
        return disk;
    }

    /** It has been copied twice, and the first snapshot is deleted. */
    private static ModelDisk copiedTwice() {
        ModelDisk disk = copiedOnce();
        for (String id : ModelDisk.DISKS) {
            disk.addLayer(home(id).increment(SECOND), Optional.of(home(id).increment(FIRST)), 7, -1);
            disk.counted.get(home(id)).put(SECOND, new TreeSet<>(Set.of(0)));
        }
        disk.snapshots.put(OLD, generation(1, SECOND));
        disk.promised.put(OLD, List.of(7, 2, 7, 2));
        return disk;
    }

    private static Intent keepIntent() {
        TreeMap<Layer, Layer> copies = new TreeMap<>();
        ModelDisk.DISKS.forEach(disk -> copies.put(home(disk), home(disk).increment(THIRD)));
        return Intent.keep("op", copies);
    }

    /** What comes before, a snapshot, a copy of it, and the machine writes its images again. */
    private static ModelDisk withPlan(ModelDisk start, List<ChainStep> before) {
        Intent cut = Intent.cut("op", Optional.of(NEW), homes(1), Generation.fresh(CUT, ModelDisk.DISKS));
        List<ChainStep> steps = new ArrayList<>(before);
        steps.addAll(ChainPlan.prepareCut(cut));
        steps.add(new ChainStep.Cut(cut.toHead()));
        steps.addAll(ChainPlan.publish(cut));
        ModelDisk then = after(start, steps);
        steps.addAll(ChainPlan.keep(keepIntent(), then.facts()));
        steps.addAll(ChainPlan.settle(Intent.settle("op", Generation.fresh(CUT, ModelDisk.DISKS), homes(SETTLED))));
        ModelDisk disk = start.copy();
        disk.plan = steps;
        return disk;
    }

    private static ModelDisk after(ModelDisk start, List<ChainStep> steps) {
        ModelDisk then = start.copy();
        steps.forEach(step -> ChainExplorer.run(step, then));
        return then;
    }

    /** An agent that finds a copy cut short makes it once more, with whatever process there is by then. */
    private static List<ChainStep> tryAgain(Intent intent, ChainPlan.Facts facts, int nextNumber) {
        return intent.kind() == Intent.Kind.KEEP && facts.written().isPresent()
                ? ChainPlan.keep(intent, facts)
                : ChainPlan.recover(intent, facts, nextNumber);
    }

    private static void assertHolds(ModelDisk start, ChainExplorer.Recovery recovery) {
        ChainExplorer.Result result = new ChainExplorer(recovery).explore(start);
        assertThat(result.violation()).as(result::toString).isEmpty();
        assertThat(result.states()).isGreaterThan(100);
    }

    @Test
    void aCopyHoldsWhatWasWrittenSinceTheOneBefore() {
        ModelDisk disk = withPlan(copiedOnce(), List.of());
        ModelDisk then = after(disk, disk.plan);
        Layer copy = home("a").increment(THIRD);
        assertThat(then.images().get(copy).backing()).contains(home("a").increment(FIRST));
        assertThat(then.images().get(copy).blocks()).containsExactly(3, -1);
        assertThat(then.snapshots.get(NEW).layers()).containsValue(copy);
    }

    @Test
    void everySnapshotReadsWhatItShouldThroughEveryDeath() {
        assertHolds(withPlan(copiedOnce(), List.of()), ChainPlan::recover);
        assertHolds(withPlan(copiedOnce(), List.of()), IncrementsModelTest::tryAgain);
    }

    @Test
    void theModelCatchesACopyThatBelievesWhatAnotherProcessCounted() {
        ModelDisk start = copiedOnce();
        start.believesOldCounts = true;
        ChainExplorer.Result result =
                new ChainExplorer(IncrementsModelTest::tryAgain).explore(withPlan(start, List.of()));
        assertThat(result.violation()).as(result::toString).isPresent();
        assertThat(result.violation().orElseThrow()).contains("I8");
    }

    private static List<ChainStep> mergeOfCopies(ModelDisk start) {
        List<ChainStep> steps = new ArrayList<>();
        for (String id : ModelDisk.DISKS) {
            Intent merge = Intent.merge("op", home(id).increment(SECOND), home(id).increment(FIRST));
            steps.addAll(ChainPlan.merge(merge, start.facts(), SETTLED));
        }
        return steps;
    }

    @Test
    void aCopyThatHasTakenInTheOneAboveItIsCountedFrom() {
        ModelDisk start = copiedTwice();
        ModelDisk disk = withPlan(start, mergeOfCopies(start));
        ModelDisk then = after(disk, disk.plan);
        assertThat(then.images().get(home("a").increment(THIRD)).backing())
                .contains(home("a").increment(FIRST));
        assertHolds(disk, IncrementsModelTest::tryAgain);
    }

    @Test
    void withoutThatTheNextCopyIsWholeOrHoldsMore() {
        ModelDisk start = copiedTwice();
        List<ChainStep> merges = mergeOfCopies(start).stream()
                .filter(step -> !(step instanceof ChainStep.CountFrom))
                .toList();
        assertHolds(withPlan(start, merges), ChainPlan::recover);
        ModelDisk later = copiedTwice();
        later.counted.values().forEach(since -> since.remove(FIRST));
        ModelDisk disk = withPlan(later, merges);
        assertThat(after(disk, disk.plan)
                        .images()
                        .get(home("a").increment(THIRD))
                        .backing())
                .isEmpty();
    }
}
