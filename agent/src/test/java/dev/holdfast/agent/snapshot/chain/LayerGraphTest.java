package dev.holdfast.agent.snapshot.chain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.snapshot.chain.LayerGraph.Drop;
import dev.holdfast.agent.snapshot.chain.LayerGraph.HeadUse;
import dev.holdfast.agent.snapshot.chain.LayerGraph.Join;
import dev.holdfast.agent.snapshot.chain.LayerGraph.Keep;
import dev.holdfast.agent.snapshot.chain.LayerGraph.Settle;
import dev.holdfast.coordinator.protocol.Name;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

class LayerGraphTest {
    private static final Predicate<Layer> NONE = layer -> false;
    private static final Predicate<Layer> ALL = layer -> true;
    private final TreeMap<Layer, Optional<Layer>> backing = new TreeMap<>();
    private final TreeMap<Name, Set<Layer>> snapshots = new TreeMap<>();

    private static Layer layer(int number) {
        return new Layer("d0", number);
    }

    /** Layer {@code numbers[i + 1]} stands on {@code numbers[i]}. */
    private LayerGraphTest stack(int... numbers) {
        for (int i = 0; i < numbers.length; i++) {
            Optional<Layer> below = i == 0 ? Optional.empty() : Optional.of(layer(numbers[i - 1]));
            backing.merge(layer(numbers[i]), below, (known, fresh) -> known);
        }
        return this;
    }

    private LayerGraphTest named(String name, int number) {
        snapshots.put(new Name(name), Set.of(layer(number)));
        return this;
    }

    private LayerGraph head(int number) {
        return new LayerGraph(backing, new Generation(number, new TreeMap<>(Map.of("d0", layer(number)))), snapshots);
    }

    @Test
    void namedLayersStay() {
        LayerGraph graph = stack(1, 2, 3).named("a", 1).named("b", 2).head(3);
        assertThat(graph.tidyings(HeadUse.WRITTEN, NONE)).isEmpty();
        assertThat(graph.tidyings(HeadUse.FREE, NONE)).isEmpty();
        assertThat(graph.depth()).isEqualTo(3);
        assertThat(graph.problems()).isEmpty();
    }

    @Test
    void theContentOfAnUnnamedLayerIsKeptByTakingInWhatStandsOnIt() {
        LayerGraph graph = stack(1, 2, 3).named("b", 2).head(3);
        assertThat(graph.tidyings(HeadUse.WRITTEN, NONE)).containsExactly(new Join(layer(2), layer(1)));
        LayerGraph after = new Join(layer(2), layer(1)).after(graph);
        assertThat(after.namedBy(layer(1))).containsExactly(new Name("b"));
        assertThat(after.chain(layer(3))).containsExactly(layer(3), layer(1));
    }

    @Test
    void theLayerThatIsWrittenIsNeverMergedWhileTheMachineRuns() {
        LayerGraph graph = stack(1, 2).head(2);
        assertThat(graph.tidyings(HeadUse.WRITTEN, NONE)).isEmpty();
        assertThat(graph.headStandsOnUnnamed(Set.of(layer(1)))).isTrue();
        assertThat(graph.headStandsOnUnnamed(Set.of(layer(7)))).isFalse();
        assertThat(graph.tidyings(HeadUse.FREE, NONE)).containsExactly(new Join(layer(2), layer(1)));
        assertThat(new Join(layer(2), layer(1)).after(graph).head().layers()).containsValue(layer(1));
    }

    @Test
    void aLayerThatCarriesABranchStays() {
        LayerGraph graph =
                stack(1, 2, 3).stack(1, 4).named("branch", 4).named("b", 2).head(3);
        assertThat(graph.tidyings(HeadUse.WRITTEN, NONE)).isEmpty();
    }

    @Test
    void aBranchWithoutANameGoesFromTheTopDownAndFreesWhatItStoodOn() {
        LayerGraph graph = stack(1, 2, 3).stack(1, 4, 5).named("b", 2).head(3);
        assertThat(graph.tidyings(HeadUse.WRITTEN, NONE))
                .containsExactly(new Drop(layer(5)), new Drop(layer(4)), new Join(layer(2), layer(1)));
    }

    @Test
    void aWholeRowOfUnnamedLayersBecomesOne() {
        LayerGraph graph = stack(1, 2, 3, 4, 5).named("a", 4).head(5);
        assertThat(graph.tidyings(HeadUse.WRITTEN, NONE))
                .containsExactly(
                        new Join(layer(2), layer(1)), new Join(layer(3), layer(1)), new Join(layer(4), layer(1)));
    }

    @Test
    void theParentIsTheNearestNamedLayerBelow() {
        LayerGraph graph = stack(1, 2, 3, 4).named("a", 1).named("b", 3).head(4);
        assertThat(graph.parent(new Generation(1, new TreeMap<>(Map.of("d0", layer(4))))))
                .contains(new Name("b"));
        assertThat(graph.parent(new Generation(1, new TreeMap<>(Map.of("d0", layer(3))))))
                .contains(new Name("a"));
        assertThat(graph.parent(new Generation(1, new TreeMap<>(Map.of("d0", layer(1))))))
                .isEmpty();
        assertThat(graph.withoutSnapshot(new Name("a")).isNamed(layer(1))).isFalse();
    }

    private static final Layer HOME = new Layer("d0", 1, ImageForm.RAW);

    /** {@code numbers} stand on the raw layer 1. */
    private LayerGraphTest onHome(int... numbers) {
        backing.put(HOME, Optional.empty());
        stack(numbers);
        backing.put(layer(numbers[0]), Optional.of(HOME));
        return this;
    }

    private static Optional<Name> parent(LayerGraph graph, Layer of) {
        return graph.parent(new Generation(1, new TreeMap<>(Map.of("d0", of))));
    }

    @Test
    void aRawLayerBelowTheLiveOnesIsCopiedAsOftenAsASnapshotNamesIt() {
        snapshots.put(new Name("a"), Set.of(HOME));
        LayerGraph graph = onHome(2, 3).named("b", 2).head(3);
        assertThat(graph.tidyings(HeadUse.WRITTEN, NONE)).isEmpty();
        assertThat(graph.tidyings(HeadUse.WRITTEN, ALL))
                .containsExactly(new Keep(HOME), new Join(layer(2), HOME), new Keep(HOME));
        assertThat(graph.tidyings(HeadUse.FREE, ALL)).endsWith(new Keep(HOME), new Join(layer(3), HOME));
        LayerGraph after = graph;
        for (LayerGraph.Tidying each : graph.tidyings(HeadUse.WRITTEN, ALL)) {
            after = each.after(after);
        }
        assertThat(after.namedBy(HOME.copy(4))).containsExactly(new Name("a"));
        assertThat(after.namedBy(HOME.copy(5))).containsExactly(new Name("b"));
        assertThat(after.chain(layer(3))).containsExactly(layer(3), HOME);
        assertThat(parent(after, layer(3))).contains(new Name("b"));
        assertThat(parent(after, HOME.copy(5))).contains(new Name("a"));
        assertThat(parent(after, HOME.copy(4))).isEmpty();
    }

    @Test
    void whatIsHeldIsToldForAllDisksAtOnce() {
        Layer other = new Layer("d1", 1, ImageForm.RAW);
        Layer written = new Layer("d1", 2);
        backing.put(other, Optional.empty());
        backing.put(written, Optional.of(other));
        onHome(2);
        snapshots.put(new Name("a"), Set.of(HOME, other));
        Generation head = new Generation(2, new TreeMap<>(Map.of("d0", layer(2), "d1", written)));
        assertThat(new LayerGraph(backing, head, snapshots).held()).containsExactly(HOME, other);
        assertThat(new LayerGraph(backing, head, new TreeMap<>()).held()).isEmpty();
    }

    @Test
    void aBranchThatStoodOnAHomeGoesWithTheCopy() {
        onHome(2).named("branch", 3);
        backing.put(layer(3), Optional.of(HOME));
        snapshots.put(new Name("a"), Set.of(HOME));
        LayerGraph after = new Keep(HOME).after(head(2));
        assertThat(after.chain(layer(3))).containsExactly(layer(3), HOME.copy(4));
        assertThat(after.chain(layer(2))).containsExactly(layer(2), HOME);
        assertThat(parent(after, layer(3))).contains(new Name("a"));
        assertThat(after.tidyings(HeadUse.WRITTEN, ALL)).as("once").isEmpty();
    }

    @Test
    void aCopyOnWhichTheLiveLayersStandIsAHome() {
        Layer copy = HOME.copy(4);
        backing.put(copy, Optional.empty());
        backing.put(layer(5), Optional.of(copy));
        snapshots.put(new Name("a"), Set.of(copy));
        LayerGraph graph = head(5);
        assertThat(graph.tidyings(HeadUse.WRITTEN, ALL)).containsExactly(new Keep(copy));
        assertThat(parent(new Keep(copy).after(graph), layer(5))).contains(new Name("a"));
    }

    private Layer thickCopyOf(Layer origin) {
        Layer copy = origin.copy(4, ImageForm.COW);
        backing.put(origin, Optional.empty());
        backing.put(copy, Optional.empty());
        return copy;
    }

    /** It is read through its origin, so that this one waits for it; and nothing is written to it. */
    @Test
    void aThickCopyGoesBeforeItsOriginAndTakesNothingIn() {
        Layer origin = new Layer("d0", 1, ImageForm.DEVICE);
        Layer copy = thickCopyOf(origin);
        backing.put(layer(5), Optional.of(copy));
        LayerGraph reverted = head(5);
        for (HeadUse use : HeadUse.values()) {
            assertThat(reverted.tidyings(use, NONE)).as(use.toString()).isEmpty();
        }
        assertThat(reverted.isNeedless(origin)).isFalse();
        assertThat(reverted.headStandsOnUnnamed(Set.of(copy))).isFalse();

        backing.put(layer(5), Optional.empty());
        assertThat(head(5).tidyings(HeadUse.WRITTEN, NONE)).containsExactly(new Drop(copy), new Drop(origin));
        Layer other = new Layer("d1", 1, ImageForm.DEVICE);
        backing.put(other, Optional.empty());
        assertThat(head(5).isNeedless(other)).as("another disk's").isTrue();
    }

    /** What is written to an origin spoils its thick copy if it is more than that has room for. */
    @Test
    void nothingIsMergedIntoAnOriginUnlessTheHeadStandsOnIt() {
        Layer origin = new Layer("d0", 1, ImageForm.DEVICE);
        Layer copy = thickCopyOf(origin);
        backing.put(layer(2), Optional.of(origin));
        backing.put(layer(5), Optional.of(copy));
        snapshots.put(new Name("one"), Set.of(copy));
        named("before-one-1", 2);
        for (HeadUse use : HeadUse.values()) {
            assertThat(head(5).tidyings(use, NONE)).as(use.toString()).isEmpty();
        }
        assertThat(head(2).tidyings(HeadUse.FREE, NONE)).contains(new Join(layer(2), origin));
        backing.put(layer(6), Optional.of(layer(2)));
        snapshots.remove(new Name("before-one-1"));
        assertThat(head(6).tidyings(HeadUse.WRITTEN, NONE)).contains(new Join(layer(2), origin));
        assertThat(head(5).tidyings(HeadUse.FREE, NONE)).doesNotContain(new Join(layer(2), origin));
    }

    @Test
    void layersOfADiskThatTheMachineHasNoMoreAreNotCopied() {
        Layer other = new Layer("d9", 1, ImageForm.RAW);
        backing.put(other, Optional.empty());
        snapshots.put(new Name("a"), Set.of(other));
        assertThat(stack(1, 2).named("b", 1).head(2).tidyings(HeadUse.WRITTEN, ALL))
                .isEmpty();
    }

    @Test
    void whatNobodyNamesBelowTheHeadIsWrittenAgainIfTheMachineCan() {
        LayerGraph graph = onHome(2).head(2);
        assertThat(graph.tidyings(HeadUse.WRITTEN, ALL)).isEmpty();
        Settle home = new Settle(List.of(new Join(layer(2), HOME)));
        assertThat(graph.tidyings(HeadUse.TURNS, ALL)).containsExactly(home);
        LayerGraph after = home.after(graph);
        assertThat(after.head().layers()).containsValue(HOME);
        assertThat(after.backing()).containsOnlyKeys(HOME);
        assertThat(after.tidyings(HeadUse.TURNS, ALL)).as("once").isEmpty();
    }

    @Test
    void whatASnapshotNamesIsCopiedAndWhatIsBetweenIsMergedBeforeAHomeIsWrittenAgain() {
        snapshots.put(new Name("a"), Set.of(HOME));
        LayerGraph graph = onHome(2, 3).named("b", 2).head(3);
        assertThat(graph.tidyings(HeadUse.TURNS, NONE)).as("nothing copies it").isEmpty();
        assertThat(graph.tidyings(HeadUse.TURNS, ALL))
                .containsExactly(
                        new Keep(HOME),
                        new Join(layer(2), HOME),
                        new Keep(HOME),
                        new Settle(List.of(new Join(layer(3), HOME))));
    }

    /** The next increment would stand on a copy that is not what was counted from. */
    @Test
    void aBranchIsNotMergedIntoAnIncrementWhileItsImageIsLive() {
        Layer copy = HOME.increment(3);
        backing.put(HOME, Optional.empty());
        backing.put(layer(4), Optional.of(HOME));
        backing.put(copy, Optional.empty());
        backing.put(layer(2), Optional.of(copy));
        LayerGraph graph = named("branch", 2).head(4);
        assertThat(graph.tidyings(HeadUse.WRITTEN, NONE)).isEmpty();
        assertThat(graph.tidyings(HeadUse.TURNS, NONE))
                .doesNotContain(new Join(layer(2), copy))
                .hasSize(1);
        assertThat(graph.tidyings(HeadUse.FREE, NONE))
                .as("without a process nothing is counted")
                .contains(new Join(layer(2), copy));
    }

    @Test
    void aQcow2LayerIsNoHome() {
        assertThat(stack(1, 2).head(2).tidyings(HeadUse.TURNS, ALL)).isEmpty();
    }

    @Test
    void whatIsWrittenOrIsNotRawIsNotCopied() {
        snapshots.put(new Name("a"), Set.of(HOME));
        backing.put(HOME, Optional.empty());
        LayerGraph written = new LayerGraph(backing, new Generation(1, new TreeMap<>(Map.of("d0", HOME))), snapshots);
        assertThat(written.tidyings(HeadUse.WRITTEN, ALL)).isEmpty();
        backing.clear();
        snapshots.clear();
        assertThat(stack(1, 2).named("a", 1).head(2).tidyings(HeadUse.WRITTEN, ALL))
                .isEmpty();
    }

    @Test
    void eachThingThatIsMissingIsSaidByItsFile() {
        backing.put(layer(2), Optional.of(layer(1)));
        LayerGraph graph = named("a", 9).head(3);
        assertThat(graph.problems())
                .containsExactlyInAnyOrder(
                        "layers/d0-000002.qcow2 stands on layers/d0-000001.qcow2, which is missing",
                        "the head names layers/d0-000003.qcow2, which is missing",
                        "snapshots/a.json names layers/d0-000009.qcow2, which is missing");
    }

    @Test
    void layersThatStandOnThemselvesAreAProblemAndNoEndlessLoop() {
        backing.put(layer(1), Optional.of(layer(2)));
        backing.put(layer(2), Optional.of(layer(1)));
        assertThat(head(2).problems())
                .contains("layers/d0-000001.qcow2 stands on itself", "layers/d0-000002.qcow2 stands on itself");
    }
}
