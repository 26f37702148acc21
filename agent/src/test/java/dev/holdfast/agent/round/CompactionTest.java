package dev.holdfast.agent.round;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.holdfast.agent.Answers;
import dev.holdfast.agent.hypervisor.Hypervisor;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.journal.OperationKind;
import dev.holdfast.agent.journal.VmClaims;
import dev.holdfast.agent.process.BoundedProcess.Ended;
import dev.holdfast.agent.snapshot.DiskImport;
import dev.holdfast.agent.snapshot.DiskStorage;
import dev.holdfast.agent.snapshot.OneDisk;
import dev.holdfast.agent.snapshot.SnapshotException;
import dev.holdfast.agent.snapshot.SnapshotRequest;
import dev.holdfast.agent.snapshot.chain.QemuImages;
import dev.holdfast.agent.storage.Commands;
import dev.holdfast.agent.storage.CopyingTool;
import dev.holdfast.agent.storage.ImageStore;
import dev.holdfast.agent.storage.directory.DirectoryStore;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import dev.holdfast.coordinator.protocol.RoundOptions.Quiesce;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What wants a machine while its storage copies a disk of it, with the real {@code qemu-img}. */
@Timeout(60)
class CompactionTest {
    private static final Name ONE = new Name("one");

    @TempDir
    private Path root;

    private final CountDownLatch copying = new CountDownLatch(1);
    private final CountDownLatch goOn = new CountDownLatch(1);
    private Path layers;
    private NodeParts parts;

    /** Copies when it is let. */
    private final class HeldTool implements Commands {
        @Override
        public Ended run(List<String> command, Duration bound) throws IOException {
            if (!command.get(command.size() - 1).contains(".trial-")) {
                copying.countDown();
                try {
                    goOn.await();
                } catch (InterruptedException e) {
                    throw new IOException(e);
                }
            }
            return CopyingTool.willing().run(command, bound);
        }

        @Override
        public Optional<Ended> finish(List<String> command, Duration patience) {
            throw new AssertionError("nobody waits for a clone any longer");
        }
    }

    @BeforeEach
    void takeASnapshotOfARawDisk() throws Exception {
        Path chain = root.toRealPath().resolve("web.holdfast");
        layers = chain.resolve("layers");
        VmDefinition definition = OneDisk.definition(Rounds.WEB, new VmDefinition.Disk("d0", chain.resolve("head/d0")));
        Path image = Files.write(root.resolve("web.img"), new byte[1 << 20]);
        new DiskImport(new QemuImages("qemu-img"), InstantSource.system(), List::of).adopt(definition, "d0", image);
        Hypervisor hypervisor = Answers.of(
                Hypervisor.class, Map.of("ownsLayers", () -> true, "find", Optional::empty, "mayRun", () -> false));
        ImageStore storage = new DirectoryStore(new HeldTool(), vm -> DiskStorage.layers(definition));
        AtomicInteger operations = new AtomicInteger();
        parts = new NodeParts(
                Rounds.SELF,
                OneDisk.machines(definition, hypervisor),
                new VmClaims(),
                OneDisk.tools(hypervisor, storage),
                vm -> false,
                () -> Integer.toString(operations.incrementAndGet()));
        SnapshotRequest request =
                new SnapshotRequest("op", ONE, Optional.empty(), CaptureMethod.DISK_ONLY, Duration.ofSeconds(5), "");
        parts.alone(
                Rounds.WEB,
                OperationKind.SNAPSHOT_CREATE,
                (operation, snapshots) -> snapshots.create(request, Quiesce.NO, Progress.NONE));
    }

    @Test
    void whoComesWhileADiskIsCopiedGoesFirstAndTheRestIsDoneLater() throws Exception {
        CompletableFuture<Boolean> tidying = CompletableFuture.supplyAsync(() -> parts.compact(Rounds.WEB));
        copying.await();
        CompletableFuture<List<String>> seen = new CompletableFuture<>();
        Thread other = new Thread(() -> {
            try {
                seen.complete(parts.alone(Rounds.WEB, OperationKind.SNAPSHOT_DELETE, (operation, all) -> names()));
            } catch (SnapshotException | RuntimeException e) {
                seen.completeExceptionally(e);
            }
        });
        other.start();
        await().until(() -> other.getState() == Thread.State.TIMED_WAITING);
        assertThat(parts.compact(Rounds.WEB)).as("it is under way").isFalse();
        goOn.countDown();
        assertThat(seen.join()).containsExactly("d0-000001.raw", "d0-000002.qcow2", "d0-000003-of-000001.raw");
        assertThat(tidying.join()).as("there is more to do").isFalse();
        assertThat(parts.compact(Rounds.WEB)).isTrue();
    }

    private List<String> names() {
        try (Stream<Path> files = Files.list(layers)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
