package dev.holdfast.agent.snapshot.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two nodes whose chain has the same path: the second one's is the first one's, renamed meanwhile. */
class ArrivingChainTest {
    private static final String MOVE = "m1";

    @TempDir
    private Path root;

    private final HeaderImages images = new HeaderImages();
    private final InstantSource clock = InstantSource.fixed(Instant.EPOCH);
    private Path path;
    private Path source;
    private Freight freight;

    @BeforeEach
    void makeChainAndPutItAway() throws IOException {
        path = root.toRealPath().resolve("web.holdfast");
        ChainDirectory chain =
                new ChainImport(images, clock).create(path, new TreeMap<>(Map.of("d0", 1L << 20, "d1", 1L << 21)));
        Files.writeString(chain.snapshotFiles().resolve("one.memory"), "memory");
        freight = Freight.of(chain);
        source = path.resolveSibling("elsewhere");
        Files.move(path, source);
    }

    private ArrivingChain copied() throws IOException {
        ArrivingChain arriving = ArrivingChain.begin(path, MOVE, freight);
        for (Freight.Part part : freight.parts()) {
            Files.copy(source.resolve(part.path()), arriving.file(part.path()));
        }
        return arriving;
    }

    @Test
    void whatIsFrozenIsAnnouncedAndWhatIsWrittenToIsNot() throws IOException {
        assertThat(freight.parts()).containsExactly(new Freight.Part("snapshots/one.memory", 6));
        assertThat(freight.disks())
                .containsExactly(
                        new Freight.Active("d0-000001.qcow2", 1 << 20, bytes("d0"), ""),
                        new Freight.Active("d1-000001.qcow2", 1 << 21, bytes("d1"), ""));
        assertThat(freight.bytes()).isEqualTo(6 + bytes("d0") + bytes("d1"));
        assertThatThrownBy(() -> new Freight("/srv", 1, List.of(), List.of(new Freight.Part("layers/../head", 1))))
                .isInstanceOf(IllegalArgumentException.class);
    }

    private long bytes(String disk) throws IOException {
        return Files.size(source.resolve("layers/" + disk + "-000001.qcow2"));
    }

    @Test
    void aFileThatIsNobodysIsNamedAndADirectoryIsLeftBehind() throws IOException {
        Files.move(source, path);
        ChainDirectory chain = ChainDirectory.open(path);
        Files.createDirectory(chain.snapshotFiles().resolve("lost+found"));
        assertThat(Freight.of(chain)).isEqualTo(freight);
        Path stray = Files.createFile(chain.snapshotFiles().resolve("one.memory~"));
        assertThatThrownBy(() -> Freight.of(chain))
                .isInstanceOf(ChainException.class)
                .hasMessageContaining(stray.toString());
    }

    @Test
    void whatHasNoRoomIsRefusedBeforeAnythingIsSent() {
        Freight large = new Freight(
                freight.directory(),
                1,
                List.of(new Freight.Active("d0-000001.qcow2", 1L << 60, 1L << 60, "")),
                List.of());
        assertThatThrownBy(() -> ArrivingChain.begin(path, MOVE, large)).hasMessageContaining("MiB are needed");
        assertThat(path).doesNotExist();
    }

    @Test
    void isNoChainUntilItIsOwned() throws IOException {
        ArrivingChain arriving = copied();
        assertThat(arriving.complete(images, clock)).containsOnlyKeys("d0", "d1");
        assertThatThrownBy(() -> ChainDirectory.open(path)).hasMessageContaining("being copied here");
        assertThatThrownBy(() -> new ChainImport(images, clock).create(path, new TreeMap<>(Map.of("d0", 1L))))
                .hasMessageContaining("being copied here");
        arriving.own();
        arriving.keep();
        ChainDirectory chain = ChainDirectory.open(path);
        assertThat(chain.wholeGraph().problems()).isEmpty();
        assertThat(path.resolve("arriving.json")).doesNotExist();
        assertThat(Freight.of(chain)).isEqualTo(freight);
    }

    @Test
    void whatHasNotComeWholeIsNoCopy() throws IOException {
        ArrivingChain arriving = copied();
        Files.writeString(path.resolve("snapshots/one.memory"), "mem");
        assertThatThrownBy(() -> arriving.complete(images, clock)).hasMessageContaining("not come over whole");
        assertThatThrownBy(() -> arriving.file("layers/other.qcow2")).hasMessageContaining("not among");
    }

    @Test
    void whatAnEarlierAttemptLeftIsRemovedAndNothingElse() throws IOException {
        copied();
        ArrivingChain.begin(path, "m2", freight).giveUp();
        assertThat(path).doesNotExist();
        ArrivingChain arriving = copied();
        arriving.complete(images, clock);
        arriving.own();
        assertThatThrownBy(() -> ArrivingChain.begin(path, "m2", freight)).hasMessageContaining("is not empty");
        assertThat(ChainDirectory.open(path).head().number()).isEqualTo(1);
    }

    @Test
    void whatIsDisownedGoes() throws IOException {
        ArrivingChain arriving = copied();
        arriving.complete(images, clock);
        arriving.own();
        assertThatThrownBy(arriving::giveUp).hasMessageContaining("has a head");
        arriving.disown();
        assertThatThrownBy(arriving::keep).hasMessageContaining("no head");
        arriving.giveUp();
        assertThat(path).doesNotExist();
    }

    private ArrivingChain copiedBack() throws IOException {
        Files.move(source, path);
        MovedChain.at(path).setAside("m0", "n2");
        source = path.resolveSibling(".web.holdfast.replaced-by-move");
        return copied();
    }

    private Path removing() {
        return path.resolveSibling(".web.holdfast.removing-1");
    }

    @Test
    void aChainThatWasSetAsideIsKeptUntilTheCopyBackIsTheChain() throws IOException {
        ArrivingChain first = copiedBack();
        assertThatThrownBy(() -> ChainDirectory.open(path)).hasMessageContaining("being copied here");
        first.giveUp();
        assertThat(MovedChain.at(path).note()).isPresent();
        assertThatThrownBy(() -> ChainDirectory.open(path)).hasMessageContaining("has moved to node n2");
        ArrivingChain arriving = copied();
        arriving.complete(images, clock);
        arriving.own();
        arriving.keep();
        assertThat(source).doesNotExist();
        assertThat(MovedChain.at(path).note()).isEmpty();
        assertThat(ChainDirectory.open(path).head().number()).isEqualTo(1);
    }

    @Test
    void theEndOfAMoveOnlyRenamesWhatIsRemovedByWhoeverSweepsLater() throws IOException {
        ArrivingChain arriving = copiedBack();
        arriving.complete(images, clock);
        arriving.own();
        arriving.keep();
        assertThat(removing().resolve("snapshots/one.memory")).exists();
        ArrivingChain.sweep(path);
        assertThat(removing()).doesNotExist();
        assertThat(ChainDirectory.open(path).head().number()).isEqualTo(1);
    }

    @Test
    void whatWasCutOffAtTheEndOfAMoveIsPutRightByTheNextAgent() throws IOException {
        ArrivingChain arriving = copiedBack();
        arriving.complete(images, clock);
        arriving.own();
        Files.delete(path.resolve(ArrivingChain.MARK));
        ArrivingChain.tidy(path, () -> false);
        assertThat(source).exists();
        ArrivingChain.tidy(path, () -> true);
        ArrivingChain.tidy(path, () -> true);
        ArrivingChain.sweep(path);
        assertThat(source).doesNotExist();
        assertThat(removing()).doesNotExist();
        assertThat(ChainDirectory.open(path).head().number()).isEqualTo(1);
    }

    @Test
    void whatWasCutOffWhileTheOldChainMadeRoomIsPutRightByTheNextAgentAndTheNextMove() throws IOException {
        copiedBack();
        Path fresh = Files.move(path, path.resolveSibling(".web.holdfast.arriving"));
        ArrivingChain.tidy(path, () -> true);
        assertThat(MovedChain.at(path).note()).isPresent();
        assertThat(fresh).doesNotExist();
        copied();
        Files.move(path, fresh);
        assertThat(copied().operation()).isEqualTo(MOVE);
        assertThat(MovedChain.at(source).note()).isPresent();
    }

    @Test
    void aStorageThatIsNotMountedTakesNoCopy() throws IOException {
        Path missing = root.toRealPath().resolve("unmounted/web.holdfast");
        assertThatThrownBy(() -> ArrivingChain.begin(missing, MOVE, freight)).hasMessageContaining("mounted?");
        assertThat(missing.getParent()).doesNotExist();
    }

    @Test
    void onlyTheMoveThatHasSetItAsideOpensItAgain() throws IOException {
        Files.move(source, path);
        MovedChain moved = MovedChain.at(path);
        moved.reopen(MOVE);
        moved.setAside(MOVE, "n2");
        moved.setAside(MOVE, "n2");
        moved.reopen("m2");
        assertThat(moved.note()).contains(new MovedChain.Note(MOVE, "n2", false));
        moved.gone(MOVE);
        assertThat(moved.note()).contains(new MovedChain.Note(MOVE, "n2", true));
        moved.reopen(MOVE);
        moved.reopen(MOVE);
        assertThat(moved.note()).isEmpty();
        assertThat(ChainDirectory.open(path).head().number()).isEqualTo(1);
    }
}
