package dev.holdfast.agent.snapshot.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A head that leads nowhere is made anew only if it is certain what it was. */
class HeadFsckTest {
    private static final Name DAILY = new Name("daily");
    private static final Optional<Map<String, Path>> NO_PROCESS = Optional.empty();

    @TempDir
    private Path root;

    private final HeaderImages images = new HeaderImages();
    private final InstantSource clock = InstantSource.fixed(Instant.EPOCH);
    private ChainDirectory chain;
    private ChainExecutor executor;
    private HeadFsck fsck;
    private Path head;

    /** A machine with one snapshot. */
    @BeforeEach
    void create() throws IOException {
        chain = new ChainImport(images, clock)
                .create(root.resolve("web.holdfast"), new TreeMap<>(Map.of("d0", 1L << 20)));
        executor = new ChainExecutor(
                chain, images, LiveDisks.NONE, clock, ChainExecutor.Removal.QUARANTINE, Progress.NONE);
        Intent intent = cut();
        executor.run(ChainPlan.prepareCut(intent));
        chain.writePending(new SnapshotRecord(
                DAILY,
                new Name("web"),
                "r1",
                SnapshotRecord.Kind.DISKS,
                Instant.EPOCH,
                "",
                Optional.empty(),
                Optional.empty(),
                List.of(new SnapshotRecord.DiskPart("d0", new Layer("d0", 1).fileName(), "")),
                Optional.empty(),
                Optional.empty(),
                Optional.empty()));
        executor.run(ChainPlan.publish(intent));
        fsck = HeadFsck.of(chain.path(), Set.of("d0")).orElseThrow();
        head = chain.headLink();
        assertThat(fsck.look(NO_PROCESS)).isEmpty();
        assertThat(fsck.mend(NO_PROCESS, images, clock)).as("nothing to do").isFalse();
    }

    private Intent cut() throws IOException {
        return Intent.cut("r1", Optional.of(DAILY), chain.head(), Generation.fresh(chain.nextNumber(), List.of("d0")));
    }

    private static Optional<Map<String, Path>> writes(Path file) {
        return Optional.of(Map.of("d0", file));
    }

    private void mends(Optional<Map<String, Path>> written) throws IOException {
        assertThat(fsck.mend(written, images, clock)).isTrue();
        assertThat(fsck.mend(written, images, clock)).as("a second time").isFalse();
        assertThat(chain.head().layers()).containsOnly(Map.entry("d0", new Layer("d0", 2)));
        assertThat(chain.wholeGraph().problems()).isEmpty();
        assertThat(chain.headFile("d0").toRealPath()).isEqualTo(chain.file(new Layer("d0", 2)));
    }

    private void doubts(Optional<Map<String, Path>> written, String why) throws IOException {
        assertThat(fsck.look(written)).hasValueSatisfying(broken -> {
            assertThat(broken.right()).isEmpty();
            assertThat(broken.doubt()).contains(why);
        });
        assertThatThrownBy(() -> fsck.mend(written, images, clock))
                .isInstanceOf(ChainException.class)
                .hasMessageContaining(why);
    }

    @Test
    void isMadeAnewFromTheLastGeneration() throws IOException {
        Files.delete(head);
        assertThat(fsck.look(NO_PROCESS))
                .map(HeadFsck.Broken::text)
                .hasValueSatisfying(text -> assertThat(text).contains("head is missing"));
        mends(NO_PROCESS);
        assertThat(Files.readSymbolicLink(head)).hasToString("generations/000002");
    }

    @Test
    void isMadeAnewWhenItsGenerationIsGoneAndItsNumberDoesNotComeBack() throws IOException {
        Path generation = chain.generations().resolve("000002");
        Files.delete(generation.resolve("d0.qcow2"));
        Files.delete(generation);
        mends(NO_PROCESS);
        assertThat(chain.head().number()).isGreaterThan(2);
    }

    @Test
    void givesWayIfItIsNoLinkAndWhatStoodThereIsKept() throws IOException {
        Files.delete(head);
        Files.writeString(head, "by hand");
        mends(NO_PROCESS);
        assertThat(chain.lost().resolve("head")).hasContent("by hand");
    }

    @Test
    void isWhatTheProcessWritesToWhateverElseIsThere() throws IOException {
        HeaderImages.write(
                chain.file(new Layer("d0", 7)), chain.file(new Layer("d0", 1)).toString(), 1L << 20);
        Files.delete(head);
        doubts(NO_PROCESS, "nothing stands on either of layers/d0-000002.qcow2 and layers/d0-000007.qcow2");
        mends(writes(chain.file(new Layer("d0", 2))));
    }

    @Test
    void isForAPersonIfTheProcessWritesToSomethingElse() throws IOException {
        Files.delete(head);
        doubts(writes(Path.of("/srv/other/d0-000002.qcow2")), "no layer of this chain");
        doubts(writes(chain.file(new Layer("d0", 1))), "on which something stands");
        doubts(Optional.of(Map.of()), "the machine has the disks [d0]");
    }

    @Test
    void isForAPersonIfANewerGenerationWasGivenUpOrHasLostItsLayers() throws IOException {
        executor.makeGeneration(Generation.fresh(3, List.of("d0")));
        Files.delete(head);
        doubts(NO_PROCESS, "the last generation, 000003, names others");
        mends(writes(chain.file(new Layer("d0", 2))));
    }

    @Test
    void isForAPersonIfANewerLayerLiesInLost() throws IOException {
        Files.createDirectories(chain.lost());
        Files.writeString(chain.lost().resolve("d0-000003.qcow2.1"), "newer?");
        Files.delete(head);
        doubts(NO_PROCESS, "is newer than everything");
    }

    @Test
    void isForAPersonInTheMiddleOfAChangeOrBelowATornSidecar() throws IOException {
        Intent intent = cut();
        Files.delete(head);
        executor.writeIntent(intent);
        doubts(NO_PROCESS, "intent.json");
        Files.delete(chain.intentFile());
        Files.writeString(chain.sidecarFile(DAILY), "torn");
        doubts(NO_PROCESS, "daily.json");
    }

    /** As after a crash in the pause in which a disk goes back into the image below. */
    @Test
    void isForAPersonIfItWasSetAsideAndWhatIsSaidThenLeadsSomewhere() throws IOException {
        Layer top = new Layer("d0", 2);
        Layer home = new Layer("d0", 1);
        Intent settle = Intent.settle("r2", chain.head(), chain.head().with(3, top, home));
        executor.writeIntent(settle);
        executor.makeGeneration(settle.toHead());
        executor.setHeadAside();
        assertThat(fsck.look(NO_PROCESS))
                .map(HeadFsck.Broken::text)
                .hasValueSatisfying(text -> assertThat(text).contains("head is set aside"));
        doubts(NO_PROCESS, "\"mv head.aside head\" if they are in layers/" + top);
        doubts(NO_PROCESS, "\"ln -s generations/000003 head\" if they are in layers/" + home);
        doubts(writes(chain.file(top)), "do not end it before the agent has ended that change");

        Files.move(head.resolveSibling("head.aside"), head);
        assertThat(fsck.look(NO_PROCESS)).isEmpty();
        assertThat(chain.head().layers()).containsValue(top);
        executor.setHeadAside();
        Files.createSymbolicLink(head, Path.of("generations/000003"));
        assertThat(fsck.look(NO_PROCESS)).isEmpty();
        assertThat(chain.head().layers()).containsValue(home);

        Files.delete(head);
        Files.delete(chain.intentFile());
        doubts(NO_PROCESS, "intent.json is missing");
    }

    @Test
    void isNotLookedForWhereTheMachineHasGone() throws IOException {
        MovedChain.at(chain.path()).setAside("m1", "n2");
        assertThat(HeadFsck.of(chain.path(), Set.of("d0"))).isEmpty();
        assertThat(HeadFsck.of(root.resolve("none.holdfast"), Set.of("d0"))).isEmpty();
    }
}
