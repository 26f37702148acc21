package dev.holdfast.agent.snapshot.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.snapshot.chain.ChainFsck.Leftover;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Damage to real files: what is found, what a repair makes of it, and that it does so once. */
class ChainFsckTest {
    private static final Name DAILY = new Name("daily");
    private static final Layer FIRST = new Layer("d0", 1);

    @TempDir
    private Path root;

    private final HeaderImages images = new HeaderImages();
    private final InstantSource clock = InstantSource.fixed(Instant.EPOCH);
    private ChainDirectory chain;
    private ChainFsck fsck;
    private ChainExecutor executor;

    /** A machine with one snapshot, a part of shop@daily, with memory. */
    @BeforeEach
    void create() throws IOException {
        chain = new ChainImport(images, clock)
                .create(root.resolve("web.holdfast"), new TreeMap<>(Map.of("d0", 1L << 20)));
        fsck = new ChainFsck(chain);
        executor = new ChainExecutor(
                chain, images, LiveDisks.NONE, clock, ChainExecutor.Removal.QUARANTINE, Progress.NONE);
        Intent intent = cut(DAILY);
        executor.run(ChainPlan.prepareCut(intent));
        chain.writePending(record(DAILY));
        Files.writeString(chain.memoryFile(DAILY), "memory");
        executor.run(ChainPlan.publish(intent));
        assertThat(fsck.look().isClean()).isTrue();
    }

    private Intent cut(Name snapshot) throws IOException {
        return Intent.cut(
                "r1", Optional.of(snapshot), chain.head(), Generation.fresh(chain.nextNumber(), List.of("d0")));
    }

    private static SnapshotRecord record(Name name) {
        return new SnapshotRecord(
                name,
                new Name("web"),
                "r1",
                SnapshotRecord.Kind.FULL,
                Instant.EPOCH,
                "",
                Optional.empty(),
                Optional.of(new Name("shop")),
                List.of(new SnapshotRecord.DiskPart("d0", FIRST.fileName(), "")),
                Optional.of(new SnapshotRecord.MemoryPart(name + ".memory", "memory".length(), "")),
                Optional.empty(),
                Optional.empty());
    }

    private Path toLost(Path file, String name) throws IOException {
        Files.createDirectories(chain.lost());
        return Files.move(file, chain.lost().resolve(name));
    }

    @Test
    void whatNothingNeedsIsMovedAwayOnceAndNothingElseIs() throws IOException {
        Path memory = Files.writeString(chain.memoryFile(new Name("gone")), "memory");
        Path half = Files.writeString(chain.path().resolve("layers/.d0-000009.qcow2.tmp"), "half");
        // A storage tries what it can.
        Files.writeString(chain.path().resolve("layers/.trial-4711.tmp"), "");
        Files.writeString(chain.path().resolve("layers/.nfs00000000000a008500000001"), "");
        assertThat(fsck.look().leftovers()).extracting(Leftover::file).containsExactly(memory, half);
        assertThat(fsck.moveAway(memory, executor)).isTrue();
        assertThat(fsck.moveAway(half, executor)).isTrue();
        assertThat(fsck.moveAway(half, executor)).as("a second time").isFalse();
        assertThat(fsck.moveAway(chain.memoryFile(DAILY), executor))
                .as("is needed")
                .isFalse();
        assertThat(fsck.moveAway(Path.of("/etc/passwd"), executor)).isFalse();
        assertThat(fsck.look().leftovers()).isEmpty();
        assertThat(fsck.look().lost()).hasSize(2);
        fsck.emptyLost(executor);
        assertThat(fsck.look().isClean()).isTrue();
    }

    @Test
    void anUnfinishedOperationIsAFinding() throws IOException {
        executor.run(ChainPlan.prepareCut(cut(new Name("next"))));
        assertThat(fsck.look().intent()).map(Intent::operation).contains("r1");
        assertThat(fsck.look().isClean()).isFalse();
        assertThat(fsck.look().leftovers()).isEmpty();
    }

    @Test
    void aLayerThatWasTakenAwayIsPutBackFromLost() throws IOException {
        Path file = chain.file(FIRST);
        byte[] before = Files.readAllBytes(file);
        toLost(file, file.getFileName() + ".1");
        assertThat(fsck.look().missing()).hasSize(1);
        assertThat(fsck.look().missing().get(0).neededBy())
                .contains("layers/d0-000002.qcow2 stands on it", "snapshots/daily.json names it");
        assertThat(fsck.putBack(file)).isTrue();
        assertThat(file).hasBinaryContent(before);
        assertThat(fsck.putBack(file)).as("a second time").isFalse();
        assertThat(fsck.look().isClean()).isTrue();
    }

    @Test
    void aHeadThatWasTakenAwayIsPutBackToo() throws IOException {
        Path head = chain.file(new Layer("d0", 2));
        toLost(head, head.getFileName().toString());
        assertThat(fsck.look().missing().get(0).neededBy()).contains("the head names it");
        assertThat(fsck.putBack(head)).isTrue();
        assertThat(fsck.look().isClean()).isTrue();
    }

    @Test
    void oneOfSeveralCandidatesIsForAPerson() throws IOException {
        Path file = chain.file(FIRST);
        Files.createDirectories(chain.lost());
        Files.copy(file, chain.lost().resolve(file.getFileName() + ".1"));
        toLost(file, file.getFileName().toString());
        assertThat(fsck.look().missing().get(0).found()).isEmpty();
        assertThat(fsck.putBack(file)).isFalse();
        assertThat(file).doesNotExist();
    }

    @Test
    void aDamagedFileInLostIsNotTakenForTheMissingOne() throws IOException {
        Path lost = toLost(chain.file(FIRST), FIRST.fileName());
        Files.writeString(lost, "no image");
        assertThat(fsck.look().missing().get(0).found()).isEmpty();
        Path memory = toLost(chain.memoryFile(DAILY), "daily.memory");
        Files.writeString(memory, "half a memory");
        assertThat(fsck.look().missing())
                .hasSize(2)
                .allMatch(missing -> missing.found().isEmpty());
    }

    @Test
    void memoryThatIsMissingIsAFindingAndIsPutBack() throws IOException {
        Path memory = chain.memoryFile(DAILY);
        toLost(memory, "daily.memory.1");
        assertThat(fsck.look().missing()).extracting(ChainFsck.Missing::file).containsExactly(memory);
        assertThat(fsck.putBack(memory)).isTrue();
        assertThat(memory).hasContent("memory");
    }

    @Test
    void aLayerThatNothingNeedsIsALeftover() throws IOException {
        Layer stray = new Layer("d0", 7);
        HeaderImages.write(chain.file(stray), chain.file(FIRST).toString(), 1L << 20);
        assertThat(fsck.look().leftovers())
                .containsExactly(new Leftover(chain.file(stray), Leftover.What.LAYER, Optional.empty()));
        assertThat(fsck.moveAway(chain.file(stray), executor)).isTrue();
        assertThat(chain.nextNumber()).as("its number never comes back").isEqualTo(8);
    }

    @Test
    void aBrokenChainLosesNoLayer() throws IOException {
        HeaderImages.write(chain.file(new Layer("d0", 7)), chain.file(FIRST).toString(), 1L << 20);
        Files.delete(chain.memoryFile(DAILY));
        Files.writeString(chain.sidecarFile(DAILY), "torn");
        assertThat(fsck.look().problems()).hasSize(1).allMatch(problem -> problem.contains("daily.json"));
        assertThat(fsck.look().leftovers()).isEmpty();
    }

    @Test
    void anUndecidedPartCountsWhenItIsPublishedAndWhole() throws IOException {
        Files.move(chain.sidecarFile(DAILY), chain.pendingFile(DAILY));
        assertThat(fsck.look().leftovers())
                .extracting(Leftover::snapshot)
                .containsExactly(Optional.of(DAILY), Optional.of(DAILY));
        Path memory = toLost(chain.memoryFile(DAILY), "daily.memory");
        assertThatThrownBy(() -> fsck.publish(DAILY, executor)).hasMessageContaining("not there");
        Files.move(memory, chain.memoryFile(DAILY));
        assertThat(fsck.publish(DAILY, executor)).isTrue();
        assertThat(fsck.publish(DAILY, executor)).as("a second time").isFalse();
        assertThat(fsck.look().isClean()).isTrue();
    }

    @Test
    void aReleasedPartIsASnapshotOfItsMachineAlone() throws IOException {
        assertThat(fsck.release(DAILY)).isTrue();
        SnapshotRecord alone = chain.snapshots().get(DAILY);
        assertThat(alone.group()).isEmpty();
        assertThat(alone.description()).isEqualTo("was a part of shop@daily");
        assertThat(fsck.release(DAILY)).as("a second time").isFalse();
        assertThat(fsck.look().isClean()).isTrue();
    }
}
