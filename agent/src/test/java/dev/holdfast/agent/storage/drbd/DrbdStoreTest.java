package dev.holdfast.agent.storage.drbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.process.BoundedProcess.Ended;
import dev.holdfast.agent.storage.Commands;
import dev.holdfast.agent.storage.ImageStore.CopyName;
import dev.holdfast.agent.storage.ImageStore.Copying;
import dev.holdfast.agent.storage.ImageStore.Health;
import dev.holdfast.agent.storage.ImageStore.Outlook;
import dev.holdfast.agent.storage.ImageStore.Site;
import dev.holdfast.agent.storage.ImageStore.Standing;
import dev.holdfast.agent.storage.ImageStore.Way;
import dev.holdfast.agent.storage.NotingStore;
import dev.holdfast.agent.storage.StorageException;
import dev.holdfast.agent.storage.StorageException.Kind;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is made of what DRBD prints: of what it printed in a guest (8.4.11) with two nodes before their first resync, with other words in their place. */
final class DrbdStoreTest {
    private static final Path DEVICE = Path.of("/dev/drbd0");
    private static final CopyName COPY = new CopyName(new Name("web"), "d0-000004-of-000001");
    private static final Copying HOW = new Copying(Way.CLONE, 100);
    private static final String STATUS = "drbdsetup status --verbose --statistics r0";

    private final Map<String, Ended> answers = new HashMap<>();
    private final List<String> asked = new ArrayList<>();
    private final DrbdStore store = new DrbdStore(new Scripted(), new NotingStore("/dev/vg0", asked));

    @TempDir
    Path directory;

    /** What is not among the answers is not configured. */
    private final class Scripted implements Commands {
        @Override
        public Ended run(List<String> command, Duration bound) {
            String words = String.join(" ", command.subList(2, command.size()));
            return answers.getOrDefault(words, new Ended(10, "0: Failure: (127) Device minor not allocated"));
        }

        @Override
        public Optional<Ended> finish(List<String> command, Duration patience) {
            throw new IllegalStateException("nothing is changed: " + command);
        }
    }

    @BeforeEach
    void healthy() throws IOException {
        answers.put("drbdadm sh-resource minor-0", new Ended(0, "r0"));
        answers.put("drbdadm sh-ll-dev minor-0", new Ended(0, "/dev/vg0/base"));
        shows(current());
    }

    private static String recorded() throws IOException {
        try (InputStream file = DrbdStoreTest.class.getResourceAsStream("/drbd-status.txt")) {
            return new String(file.readAllBytes(), StandardCharsets.UTF_8).strip();
        }
    }

    private static String current() throws IOException {
        return recorded().replace("Inconsistent", "UpToDate").replaceFirst("Secondary", "Primary");
    }

    private void shows(String status) {
        answers.put(STATUS, new Ended(0, status));
    }

    private Outlook outlook() throws StorageException {
        return store.outlook(store.site(DEVICE).orElseThrow(), HOW);
    }

    private static void assertRefused(ThrowingCallable call, String because) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        StorageException.class, e -> assertThat(e.kind()).isEqualTo(Kind.REFUSED))
                .hasMessageContaining(because);
    }

    @Test
    void aDeviceIsCopiedByTheStorageBelowIt() throws Exception {
        Path link = Files.createSymbolicLink(directory.resolve("d0-000001.dev"), DEVICE);
        Site site = store.site(link).orElseThrow();
        assertThat(site)
                .isEqualTo(new Site(
                        link, Optional.of(Way.CLONE), "DRBD resource r0 on /dev/vg0", 32728 << 10, false, false));
        assertThat(outlook().obstacles()).isEmpty();
        assertThat(outlook().degraded()).isEmpty();
        assertThat(outlook().room().of()).isEqualTo("/dev/vg0");
        assertThat(store.copy(site, HOW, COPY, Progress.NONE)).isEqualTo(Path.of("/dev/vg0", COPY.layer()));
        assertThat(store.health(link).state()).isEqualTo(Health.State.GOOD);
        store.open(link);
        store.close(link);
        assertThat(asked).containsExactly("/dev/vg0 copies /dev/vg0/base");
    }

    @Test
    void whatIsNoDeviceOfDrbdIsTheOthers() throws Exception {
        Path copy = Path.of("/dev/vg0", COPY.layer());
        Site site = store.site(copy).orElseThrow();
        assertThat(site.exchangeable()).isTrue();
        assertThat(store.outlook(site, HOW).obstacles()).isEmpty();
        store.copy(site, HOW, COPY, Progress.NONE);
        store.open(copy);
        store.close(copy);
        store.remove(COPY);
        assertThat(asked)
                .containsExactly("/dev/vg0 copies " + copy, "/dev/vg0 opens", "/dev/vg0 closes", "/dev/vg0 removes");
        assertThat(store.copies(COPY.vm())).hasSize(1);
        assertThat(store.health(copy).state()).isEqualTo(Health.State.CLOSED);
        assertThat(store.site(Path.of("/dev/drbd7"))).as("not configured").isEmpty();
        assertThat(store.health(Path.of("/dev/drbd7")).state()).isEqualTo(Health.State.ABSENT);
    }

    @Test
    void onlyAPrimaryThatIsUpToDateIsCopied() throws Exception {
        assertObstacle(current().replaceFirst("Primary", "Secondary"), "is Secondary on this node");
        assertObstacle(current().replaceFirst("UpToDate", "Inconsistent"), "is Inconsistent on this node");
        assertObstacle(current().replaceFirst("UpToDate", "Diskless"), "is Diskless on this node");
        assertObstacle(current().replace("role:Secondary", "role:Primary"), "is Primary on another node (peer), too");
        shows(recorded());
        assertThat(outlook().obstacles()).hasSize(2);
        assertThat(store.health(DEVICE).state()).isEqualTo(Health.State.CLOSED);
        assertRefused(() -> store.open(DEVICE), "pacemaker promotes it");
        answers.remove(STATUS);
        assertRefused(() -> store.site(DEVICE), "drbdadm up r0");
        assertThat(store.health(DEVICE).state()).isEqualTo(Health.State.CLOSED);
    }

    private void assertObstacle(String status, String words) throws StorageException {
        shows(status);
        assertThat(outlook().obstacles()).as(words).singleElement().asString().contains(words);
        Site site = store.site(DEVICE).orElseThrow();
        assertRefused(() -> store.copy(site, HOW, COPY, Progress.NONE), words);
        assertThat(asked).isEmpty();
    }

    @Test
    void aPeerThatIsNotCurrentIsTold() throws Exception {
        assertDegraded(
                current().replace("Established", "SyncSource").replace("peer-disk:UpToDate", "peer-disk:Inconsistent"),
                "replication SyncSource, its disk Inconsistent");
        assertDegraded(
                current().replaceAll("connection:Connected role:Secondary.*(?s:.*)", "connection:Connecting"),
                "peer is Connecting, replication Off, its disk DUnknown");
        assertDegraded(current().replace("peer-disk:UpToDate", "peer-disk:Outdated"), "its disk Outdated");
    }

    /** As DRBD 9 has it: one that is there for the quorum alone, and one whose disk has failed. */
    @Test
    void aPeerThatIsMeantToHaveNoDiskIsNotMissed() throws Exception {
        String diskless = current().replace("peer-disk:UpToDate", "peer-disk:Diskless peer-client:yes");
        shows(diskless);
        assertThat(store.standing(DEVICE)).isEqualTo(Standing.GOOD);
        shows(diskless.replace("connection:Connected", "connection:Connecting"));
        assertThat(store.standing(DEVICE).degraded()).hasSize(1);
        assertDegraded(diskless.replace("client:yes", "client:no"), "its disk Diskless");
    }

    @Test
    void aDiskThatIsNotCopiedHasTheSameRole() throws Exception {
        answers.put("drbdadm sh-ll-dev minor-0", new Ended(0, "/dev/sdb1"));
        Path link = Files.createSymbolicLink(directory.resolve("d0-000001.dev"), DEVICE);
        assertThat(store.standing(link)).isEqualTo(Standing.GOOD);
        shows(recorded());
        assertThat(store.standing(link).obstacles())
                .hasSize(2)
                .anyMatch(each -> each.contains("is Secondary on this node"))
                .anyMatch(each -> each.contains("is Inconsistent on this node"));
        assertThat(store.standing(link).degraded()).singleElement().asString().contains("its disk Inconsistent");
        answers.remove(STATUS);
        assertRefused(() -> store.standing(link), "drbdadm up r0");
        assertRefused(() -> store.standing(Path.of("/dev/drbd7")), "nobody tells which role");
        assertThat(store.standing(Path.of("/dev/vg0/base"))).isEqualTo(Standing.GOOD);
    }

    private void assertDegraded(String status, String words) throws StorageException {
        shows(status);
        assertThat(outlook().obstacles()).isEmpty();
        assertThat(outlook().degraded()).singleElement().asString().contains("DRBD resource r0: peer", words);
    }

    /** As the manual of DRBD 9 shows it. */
    @Test
    void eachPeerAndEachVolumeIsKnownByItsName() throws Exception {
        shows(String.join(
                "\n",
                "r0 node-id:1 role:Primary suspended:no",
                "    write-ordering:flush",
                "  volume:0 minor:5 disk:Inconsistent",
                "      size:1024 read:0 written:0 al-writes:1 bm-writes:0",
                "  volume:1 minor:0 disk:UpToDate quorum:yes",
                "      size:2048 read:0 written:0 al-writes:1 bm-writes:0",
                "  n2 node-id:0 connection:Connected role:Secondary congested:no",
                "    volume:0 replication:SyncTarget peer-disk:UpToDate resync-suspended:no",
                "    volume:1 replication:Established peer-disk:UpToDate resync-suspended:no",
                "  n3 node-id:2 connection:StandAlone",
                "    volume:1 replication:Off peer-disk:Outdated"));
        assertThat(store.site(DEVICE).orElseThrow().bytes()).isEqualTo(2048 << 10);
        assertThat(outlook().obstacles()).isEmpty();
        assertThat(outlook().degraded()).singleElement().asString().contains("n3 is StandAlone", "Outdated");
    }

    @Test
    void whatIsNotUnderstoodIsNotTakenForHealthy() throws Exception {
        for (String garbage : List.of(
                "",
                "# No currently configured DRBD found.",
                current().replace("minor:0", "minor:1"),
                current().replace("size", "length"))) {
            shows(garbage);
            assertThatThrownBy(() -> store.site(DEVICE))
                    .isInstanceOfSatisfying(
                            StorageException.class, e -> assertThat(e.kind()).isEqualTo(Kind.FAILED))
                    .hasMessageContaining("not understood");
        }
    }

    @Test
    void onWhatCannotCopyADeviceIsNotCopied() throws Exception {
        answers.put("drbdadm sh-ll-dev minor-0", new Ended(0, "/dev/sdb1"));
        assertThat(store.site(DEVICE).orElseThrow().best()).isEmpty();
        assertThat(outlook().obstacles()).singleElement().asString().contains("/dev/sdb1, which is not copied");
    }
}
