package dev.holdfast.agent.round;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.journal.OperationKind;
import dev.holdfast.agent.journal.VmClaims;
import dev.holdfast.agent.snapshot.Fate;
import dev.holdfast.agent.snapshot.OneDisk;
import dev.holdfast.agent.snapshot.SnapshotRequest;
import dev.holdfast.agent.snapshot.chain.ChainImport;
import dev.holdfast.agent.snapshot.chain.QemuImages;
import dev.holdfast.agent.storage.FileVolumes;
import dev.holdfast.agent.storage.ImageStore.Way;
import dev.holdfast.agent.vm.VmRegistry;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import dev.holdfast.coordinator.protocol.RoundOptions.Quiesce;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A storage that takes its time while a machine is to end. */
@Timeout(60)
class SlowStorageTest {
    @TempDir
    private Path temporary;

    @Test
    void aStopAsksTheGuestAlsoWhileLvmIsSlow() throws Exception {
        Path group = Files.createDirectory(temporary.toRealPath().resolve("vg0"));
        Path directory = group.resolveSibling("web.holdfast");
        Path volume = Files.write(group.resolve("web"), new byte[1 << 20]);
        Path link = Files.createSymbolicLink(group.resolveSibling("d0.dev"), volume);
        new ChainImport(new QemuImages("qemu-img"), InstantSource.system())
                .importDisks(directory, new TreeMap<>(Map.of("d0", link)));
        VmDefinition definition =
                OneDisk.definition(Rounds.WEB, new VmDefinition.Disk("d0", directory.resolve("head/d0")));
        FakeHypervisor hypervisor = new FakeHypervisor();
        VmRegistry vms = OneDisk.machines(definition, hypervisor);
        FileVolumes store = new FileVolumes(group, Way.THIN);
        AtomicInteger operations = new AtomicInteger();
        NodeParts parts = new NodeParts(
                Rounds.SELF,
                vms,
                new VmClaims(),
                OneDisk.tools(hypervisor, store),
                vm -> false,
                () -> Integer.toString(operations.incrementAndGet()));
        SnapshotRequest request = new SnapshotRequest(
                "op", new Name("one"), Optional.empty(), CaptureMethod.DISK_ONLY, Duration.ofSeconds(5), "");
        parts.alone(
                Rounds.WEB,
                OperationKind.SNAPSHOT_CREATE,
                (operation, snapshots) -> snapshots.create(request, Quiesce.NO, Progress.NONE));
        store.leavesOpen = true;
        assertThat(parts.compact(Rounds.WEB)).isFalse();
        vms.start(Rounds.WEB, StartMode.NORMAL);
        assertThat(parts.isLeft(Rounds.WEB)).isTrue();

        CountDownLatch removing = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        store.beforeRemoval = () -> {
            removing.countDown();
            try {
                goOn.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        };
        // What finishLeft does every two seconds.
        CompletableFuture<Void> recovery = CompletableFuture.runAsync(() -> {
            try {
                parts.recover(Rounds.WEB, operation -> Fate.TAKE_BACK);
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        });
        removing.await();
        vms.stop(Rounds.WEB, Duration.ofMinutes(1));
        goOn.countDown();
        assertThat(hypervisor.shutDown).containsExactly(Rounds.WEB);
        recovery.join();
    }
}
