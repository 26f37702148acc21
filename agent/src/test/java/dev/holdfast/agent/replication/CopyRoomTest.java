package dev.holdfast.agent.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.snapshot.chain.DiskImages;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Copy;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CopyRoomTest {
    @TempDir
    private Path home;

    @Test
    void anOfferThatDoesNotFitLeavesTheCopyThatIsThere() throws Exception {
        Rig.Node node = new Rig.Node(home);
        DisksNote whole = new DisksNote(new Name("older"), 3, true, false);
        node.files().write(whole);
        DiskImages none = (DiskImages) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {DiskImages.class}, (self, method, arguments) -> {
                    throw new AssertionError(method);
                });
        CopyRoom room =
                new CopyRoom(node.definition, node.files(), none, InstantSource.system(), () -> new Name("fresh"));
        CompletableFuture<PeerLink.Opening> answer = new CompletableFuture<>();
        boolean fits = room.expect(new Copy(Rig.NODE, new Name("new")), new TreeMap<>(Map.of("d0", 42L)), answer);
        assertThat(fits).isFalse();
        assertThat(answer).isCompletedExceptionally();
        assertThat(node.files().disks()).hasValue(whole);
    }
}
