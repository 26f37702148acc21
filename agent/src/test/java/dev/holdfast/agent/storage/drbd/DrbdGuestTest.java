package dev.holdfast.agent.storage.drbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.storage.GuestNetwork;
import dev.holdfast.agent.storage.ImageStore.CopyName;
import dev.holdfast.agent.storage.ImageStore.Copying;
import dev.holdfast.agent.storage.ImageStore.Health.State;
import dev.holdfast.agent.storage.ImageStore.Outlook;
import dev.holdfast.agent.storage.ImageStore.Site;
import dev.holdfast.agent.storage.ImageStore.Way;
import dev.holdfast.agent.storage.StorageException;
import dev.holdfast.agent.storage.StorageException.Kind;
import dev.holdfast.agent.storage.StorageGuest;
import dev.holdfast.agent.storage.lvm.LvmStore;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** DRBD itself on volumes of LVM, in two guests with a network between them. */
@Tag("qemu")
@Tag("soak")
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class DrbdGuestTest {
    private static final Duration PATIENCE = Duration.ofSeconds(120);
    private static final Path DEVICE = Path.of("/dev/drbd0");
    private static final Name WEB = new Name("web");
    private static final CopyName COPY = new CopyName(WEB, "d0-000004-of-000001");
    private static final CopyName NEXT = new CopyName(WEB, "d0-000005-of-000001");
    private static final Copying HOW = new Copying(Way.THICK, 100);

    /** The first resync takes two minutes and more, until it is told to hurry. */
    private static final String CONFIGURATION = String.join(
            "\n",
            "resource r0 {",
            "  device /dev/drbd0;",
            "  disk /dev/vg0/base;",
            "  meta-disk internal;",
            "  disk { c-plan-ahead 0; resync-rate 100k; }",
            "  on n1 { address 10.77.0.1:7788; }",
            "  on n2 { address 10.77.0.2:7788; }",
            "}");

    @TempDir
    Path directory;

    private GuestNetwork network;
    private StorageGuest one;
    private StorageGuest two;
    private DrbdStore here;
    private DrbdStore there;

    @BeforeEach
    void boot() throws Exception {
        network = new GuestNetwork(directory);
        one = guest();
        two = guest();
        here = new DrbdStore(one, new LvmStore(one));
        there = new DrbdStore(two, new LvmStore(two));
    }

    private StorageGuest guest() throws Exception {
        StorageGuest guest = network.boot(1);
        guest.sh("pvcreate /dev/ubdb; vgcreate vg0 /dev/ubdb; lvcreate --size 16M --name base vg0; modprobe drbd;"
                + "touch /etc/drbd.d/global_common.conf; echo '" + CONFIGURATION + "' >/etc/drbd.d/r0.res;"
                + "drbdadm create-md --force r0; drbdadm up r0");
        return guest;
    }

    @AfterEach
    void end() throws Exception {
        network.close();
    }

    private static Outlook outlook(DrbdStore store) throws StorageException {
        return store.outlook(store.site(DEVICE).orElseThrow(), HOW);
    }

    private static Path copy(DrbdStore store, CopyName name) throws StorageException {
        return store.copy(store.site(DEVICE).orElseThrow(), HOW, name, Progress.NONE);
    }

    private static String sum(StorageGuest guest, Path device, long bytes) throws IOException {
        return guest.sh("dd if=%s bs=512 count=%d iflag=direct 2>/dev/null | md5sum".formatted(device, bytes / 512));
    }

    private static void fill(StorageGuest guest) throws IOException {
        guest.sh("dd if=/dev/urandom of=/dev/drbd0 bs=1M count=15 conv=fsync");
    }

    @Test
    void aDeviceIsCopiedOnTheNodeThatHasTheRoleAndNowhereElse() throws Exception {
        assertThat(outlook(here).obstacles()).hasSize(2).first().asString().contains("Secondary on this node");
        assertThat(here.health(DEVICE).state()).isEqualTo(State.CLOSED);

        one.sh("drbdadm primary --force r0");
        Awaitility.await()
                .atMost(PATIENCE)
                .untilAsserted(() -> assertThat(outlook(here).degraded())
                        .singleElement()
                        .asString()
                        .contains("SyncSource"));
        assertThat(outlook(here).obstacles()).isEmpty();
        assertThat(outlook(there).obstacles())
                .anyMatch(each -> each.contains("is Secondary on this node"))
                .anyMatch(each -> each.contains("is Inconsistent on this node"))
                .anyMatch(each -> each.contains("is Primary on another node"));
        assertThatThrownBy(() -> copy(there, COPY))
                .isInstanceOfSatisfying(
                        StorageException.class, e -> assertThat(e.kind()).isEqualTo(Kind.REFUSED));
        for (StorageGuest each : new StorageGuest[] {one, two}) {
            each.sh("drbdadm disk-options --resync-rate=100M r0");
        }
        Awaitility.await()
                .atMost(PATIENCE)
                .untilAsserted(() -> assertThat(outlook(here).degraded()).isEmpty());

        fill(one);
        Site site = here.site(DEVICE).orElseThrow();
        assertThat(site.words()).isEqualTo("DRBD resource r0 on linear volume vg0/base");
        assertThat(site.bytes()).as("without DRBD's notes").isBetween(15L << 20, (16L << 20) - 1);
        assertThat(Long.toString(site.bytes())).isEqualTo(one.sh("blockdev --getsize64 /dev/drbd0"));
        String before = sum(one, DEVICE, site.bytes());
        Path copy = copy(here, COPY);
        fill(one);
        assertThat(sum(one, DEVICE, site.bytes())).isNotEqualTo(before);
        assertThat(sum(one, copy, site.bytes())).isEqualTo(before);

        two.sh("drbdadm disconnect r0");
        Awaitility.await()
                .atMost(PATIENCE)
                .untilAsserted(() -> assertThat(outlook(here).degraded()).hasSize(1));
        assertThat(outlook(here).obstacles()).isEmpty();
        here.remove(COPY);
        copy(here, NEXT);
        two.sh("drbdadm connect r0");
        Awaitility.await()
                .atMost(PATIENCE)
                .untilAsserted(() -> assertThat(outlook(here).degraded()).isEmpty());

        one.sh("drbdadm secondary r0");
        two.sh("drbdadm primary r0");
        assertThat(here.health(DEVICE).state()).isEqualTo(State.CLOSED);
        assertThat(there.health(DEVICE).state()).isEqualTo(State.GOOD);
        assertThatThrownBy(() -> copy(here, COPY)).hasMessageContaining("is Secondary on this node");
        copy(there, COPY);
        assertThat(here.copies(WEB)).as("copies stay where they were made").containsExactly(NEXT);
        assertThat(there.copies(WEB)).containsExactly(COPY);
        assertThat(sum(two, DEVICE, site.bytes())).isEqualTo(sum(one, Path.of("/dev/vg0/base"), site.bytes()));
        assertThatThrownBy(() -> here.open(DEVICE)).hasMessageContaining("pacemaker promotes it");
    }
}
