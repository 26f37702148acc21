package dev.holdfast.agent.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;
import static org.awaitility.Awaitility.await;

import dev.holdfast.coordinator.port.Journal;
import dev.holdfast.coordinator.protocol.JournalEntry;
import dev.holdfast.coordinator.protocol.RoundId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FaultPointsTest {
    private static final RoundId ROUND = new RoundId("r1");

    @TempDir
    private Path directory;

    private final List<RoundId> removed = Collections.synchronizedList(new ArrayList<>());
    private final Journal real = new Journal() {
        @Override
        public void write(JournalEntry entry) {}

        @Override
        public void remove(RoundId round) throws IOException {
            if (removed.contains(round)) {
                throw new IOException("gone already");
            }
            removed.add(round);
        }

        @Override
        public List<JournalEntry> entries() {
            return List.of();
        }
    };

    @BeforeEach
    void places() throws IOException {
        Files.createDirectories(directory.resolve("armed"));
        Files.createDirectories(directory.resolve("reached"));
    }

    private Journal withPoints() {
        return FaultPoints.in(Optional.of(directory)).around(Journal.class, real);
    }

    private void arm(String point, String what) throws IOException {
        Files.writeString(directory.resolve("armed").resolve(point), what + "\n");
    }

    private Path reached(String point) {
        return directory.resolve("reached").resolve(point);
    }

    @Test
    void withoutADirectoryThereIsNothingBetween() {
        assertThat(FaultPoints.in(Optional.empty()).around(Journal.class, real)).isSameAs(real);
    }

    @Test
    void aPointThatNobodyArmedIsPassed() throws IOException {
        Journal journal = withPoints();
        journal.remove(ROUND);
        assertThat(removed).containsExactly(ROUND);
        assertThatIOException().isThrownBy(() -> journal.remove(ROUND)).withMessage("gone already");
    }

    @Test
    void holdsTheCallUntilItIsLetGo() throws IOException {
        arm("journal.remove", "hold");
        CompletableFuture<Void> call = CompletableFuture.runAsync(() -> {
            try {
                withPoints().remove(ROUND);
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        });
        await().until(() -> Files.exists(reached("journal.remove")));
        assertThat(removed).isEmpty();
        Files.delete(reached("journal.remove"));
        call.join();
        assertThat(removed).containsExactly(ROUND);
    }

    @Test
    void failsTheCallAsADiskWouldAndOnlyOnce() throws IOException {
        arm("journal.remove", "fail");
        Journal journal = withPoints();
        assertThatIOException().isThrownBy(() -> journal.remove(ROUND)).withMessageContaining("Input/output error");
        assertThat(removed).isEmpty();
        journal.remove(ROUND);
        assertThat(removed).containsExactly(ROUND);
    }

    @Test
    void thePointAfterACallIsReachedWhenItIsDone() throws IOException {
        arm("journal.remove.done", "fail");
        assertThatIOException().isThrownBy(() -> withPoints().remove(ROUND));
        assertThat(removed).containsExactly(ROUND);
    }

    @Test
    void namesSayWhatACallMeans() {
        assertThat(Seam.points())
                .contains(
                        "journal.write.VOTED", "store.decide.COMMITTED.done", "channel.send.Freeze", "replica.failOver")
                .doesNotContain("machines.freeze.done");
    }
}
