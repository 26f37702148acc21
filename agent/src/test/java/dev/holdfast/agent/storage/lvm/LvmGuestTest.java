package dev.holdfast.agent.storage.lvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.process.BoundedProcess.Ended;
import dev.holdfast.agent.storage.Commands;
import dev.holdfast.agent.storage.ImageStore.CopyName;
import dev.holdfast.agent.storage.ImageStore.Copying;
import dev.holdfast.agent.storage.ImageStore.Health.State;
import dev.holdfast.agent.storage.ImageStore.Outlook;
import dev.holdfast.agent.storage.ImageStore.Site;
import dev.holdfast.agent.storage.ImageStore.Way;
import dev.holdfast.agent.storage.StorageException;
import dev.holdfast.agent.storage.StorageException.Kind;
import dev.holdfast.agent.storage.StorageGuest;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** LVM itself, in a guest whose kernel has device mapper. */
@Tag("qemu")
@Tag("soak")
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class LvmGuestTest {
    private static final Name WEB = new Name("web");
    private static final CopyName COPY = new CopyName(WEB, "d0-000004-of-000001");
    private static final String VOLUME = "web+d0-000004-of-000001";
    private static final Path BASE = Path.of("/dev/vg0/base");
    private static final Path COPY_PATH = Path.of("/dev/vg0", VOLUME);
    private static final Copying ALL_OF_IT = new Copying(Way.THICK, 100);
    private static final Copying AS_THIN = new Copying(Way.THIN, 100);
    private static final int MIB = 1 << 20;
    private static final int DISKS = 3;

    private static StorageGuest guest;

    private LvmStore store;

    @BeforeAll
    static void boot() throws Exception {
        guest = StorageGuest.boot(DISKS);
        guest.sh("pvcreate /dev/ubdb /dev/ubdc /dev/ubdd");
    }

    @AfterAll
    static void end() throws Exception {
        guest.close();
    }

    @BeforeEach
    void group() throws Exception {
        guest.sh("vgcreate vg0 /dev/ubdb /dev/ubdc");
        store = new LvmStore(guest);
    }

    @AfterEach
    void noGroup() throws Exception {
        guest.sh("vgremove --force --force --yes vg0");
    }

    private Site site(Path image) throws StorageException {
        return store.site(image).orElseThrow();
    }

    private Path copy(Path image, Copying how) throws StorageException {
        return store.copy(site(image), how, COPY, Progress.NONE);
    }

    private State state(Path image) throws StorageException {
        return store.health(image).state();
    }

    /** Other content than before. */
    private static void fill(Path volume) throws IOException {
        guest.sh("dd if=/dev/urandom of=" + volume + " bs=1M count=16 conv=fsync");
    }

    private static String sum(Path volume) throws IOException {
        return guest.sh("dd if=" + volume + " bs=1M iflag=direct 2>/dev/null | md5sum");
    }

    private static String volumes() throws IOException {
        return guest.sh("lvs --noheadings --options lv_name vg0");
    }

    private static void assertFails(ThrowingCallable call, Kind kind, String because) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        StorageException.class, e -> assertThat(e.kind()).isEqualTo(kind))
                .hasMessageContaining(because);
    }

    @ParameterizedTest
    @ValueSource(strings = {"linear", "striped --stripes 2", "raid1 --mirrors 1 --nosync"})
    void aThickCopyWithRoomForAllOfItNeverOverflows(String type) throws Exception {
        guest.sh("lvcreate --yes --type %s --size 16M --name base vg0".formatted(type));
        fill(BASE);
        String before = sum(BASE);
        Outlook outlook = store.outlook(site(BASE), ALL_OF_IT);
        assertThat(outlook.obstacles()).isEmpty();
        assertThat(copy(BASE, ALL_OF_IT)).isEqualTo(COPY_PATH);
        assertThat(guest.sh("lvs --noheadings --units b --nosuffix --options lv_size vg0/" + VOLUME))
                .isEqualTo(Long.toString(outlook.bytes()));
        assertThat(store.outlook(site(BASE), ALL_OF_IT).room().bytes())
                .isEqualTo(outlook.room().bytes() - outlook.bytes());

        fill(BASE);
        fill(BASE);
        assertThat(sum(BASE)).isNotEqualTo(before);
        assertThat(state(COPY_PATH)).isEqualTo(State.GOOD);
        assertThat(sum(COPY_PATH)).isEqualTo(before);
        assertThat(copy(BASE, ALL_OF_IT)).isEqualTo(COPY_PATH);
        assertThat(sum(COPY_PATH)).as("asked for again, it stays").isEqualTo(before);
        assertThat(guest.run(
                                List.of("dd", "if=/dev/zero", "of=" + COPY_PATH, "count=1", "conv=fsync"),
                                Duration.ofSeconds(60))
                        .status())
                .as("nobody writes to it")
                .isNotZero();
        guest.sh("lvchange --addtag mine vg0/" + VOLUME);
        assertThat(store.copies(WEB)).containsExactly(COPY);
        store.remove(COPY);
        store.remove(COPY);
        assertThat(volumes()).isEqualTo("base");
        assertThat(state(COPY_PATH)).isEqualTo(State.ABSENT);
    }

    @Test
    void aThickCopyWithLittleRoomIsSpoiltOnceMoreIsWritten() throws Exception {
        guest.sh("lvcreate --size 16M --name base vg0");
        copy(BASE, new Copying(Way.THICK, 10));
        assertThat(state(COPY_PATH)).isEqualTo(State.GOOD);
        fill(BASE);
        assertThat(state(COPY_PATH)).isEqualTo(State.SPOILT);
        assertThat(store.health(COPY_PATH).words()).contains("more was written to base");
        assertThat(state(BASE)).isEqualTo(State.GOOD);
        store.remove(COPY);
        assertThat(volumes()).isEqualTo("base");
    }

    @Test
    void aThinCopyLivesForItself() throws Exception {
        guest.sh(
                "lvcreate --type thin-pool --size 64M --name pool vg0; lvcreate --virtualsize 16M --thinpool vg0/pool --name base");
        fill(BASE);
        String before = sum(BASE);
        assertThat(copy(BASE, AS_THIN)).isEqualTo(COPY_PATH);
        assertThat(state(COPY_PATH)).isEqualTo(State.GOOD);
        store.close(COPY_PATH);
        assertThat(state(COPY_PATH)).isEqualTo(State.CLOSED);
        fill(BASE);
        store.open(COPY_PATH);
        store.open(COPY_PATH);
        assertThat(state(COPY_PATH)).isEqualTo(State.GOOD);
        assertThat(sum(COPY_PATH)).isEqualTo(before);

        CopyName next = new CopyName(WEB, "d0-000006-of-000004");
        Path second = store.copy(site(COPY_PATH), AS_THIN, next, Progress.NONE);
        store.close(COPY_PATH);
        store.close(COPY_PATH);
        assertThat(state(COPY_PATH)).isEqualTo(State.CLOSED);
        guest.sh("lvremove --yes vg0/base");
        store.remove(COPY);
        assertThat(store.copies(WEB)).containsExactly(next);
        store.open(second);
        assertThat(sum(second)).isEqualTo(before);
    }

    @Test
    void aPoolThatIsFullRefusesCopiesAndSpoilsNone() throws Exception {
        guest.sh("modprobe dm-thin-pool; echo 1 >/sys/module/dm_thin_pool/parameters/no_space_timeout;"
                + "lvcreate --type thin-pool --size 20M --name pool vg0;"
                + "lvcreate --virtualsize 16M --thinpool vg0/pool --name base");
        fill(BASE);
        String before = sum(BASE);
        copy(BASE, AS_THIN);
        assertThat(guest.run(
                                List.of("dd", "if=/dev/urandom", "of=" + BASE, "bs=1M", "count=16", "conv=fsync"),
                                Duration.ofSeconds(60))
                        .status())
                .as("the pool has no room for both")
                .isNotZero();
        assertThat(store.outlook(site(BASE), AS_THIN).obstacles())
                .singleElement()
                .asString()
                .contains("pool vg0/pool is full to 100 %");
        CopyName next = new CopyName(WEB, "d0-000005-of-000001");
        assertFails(() -> store.copy(site(BASE), AS_THIN, next, Progress.NONE), Kind.REFUSED, "full to 100 %");
        store.open(COPY_PATH);
        assertThat(state(COPY_PATH)).isEqualTo(State.GOOD);
        assertThat(sum(COPY_PATH)).isEqualTo(before);
    }

    @Test
    void aGroupWithoutRoomIsLeftAsItWas() throws Exception {
        guest.sh("lvcreate --size 16M --name base vg0; lvcreate --extents 100%FREE --name rest vg0");
        Outlook outlook = store.outlook(site(BASE), ALL_OF_IT);
        assertThat(outlook.room().of()).isEqualTo("volume group vg0");
        assertThat(outlook.room().bytes()).isZero();
        assertThat(outlook.bytes()).isEqualTo(20 * MIB);
        assertFails(() -> copy(BASE, ALL_OF_IT), Kind.FAILED, "insufficient free space");
        assertThat(volumes().split("\\s+")).containsExactly("base", "rest");
    }

    @Test
    void whatIsNotOursIsNeverRemoved() throws Exception {
        guest.sh("lvcreate --size 4M --name base vg0; lvcreate --size 4M --name " + VOLUME + " --addtag mine vg0;"
                + "lvcreate --snapshot --size 4M --name other --addtag holdfast=web/d0-000005-of-000001 vg0/base");
        assertFails(() -> copy(BASE, ALL_OF_IT), Kind.REFUSED, "none of Holdfast's");
        store.remove(COPY);
        assertThat(volumes().split("\\s+")).containsExactlyInAnyOrder("base", VOLUME, "other");
        assertThat(store.copies(WEB)).extracting(CopyName::layer).containsExactly("d0-000005-of-000001");
    }

    /** Between the look and the command the volume of that name becomes another one. */
    @Test
    void theTagCountsAtTheInstantOfTheRemoval() throws Exception {
        guest.sh("lvcreate --size 4M --name base vg0");
        copy(BASE, ALL_OF_IT);
        LvmStore late = new LvmStore(new Before("lvremove", "lvchange --deltag holdfast=" + COPY + " vg0/" + VOLUME));
        late.remove(COPY);
        assertThat(volumes().split("\\s+")).containsExactlyInAnyOrder("base", VOLUME);
    }

    /** Runs something before a command that changes, and waits for that for three seconds only. */
    private record Before(String command, String script) implements Commands {
        @Override
        public Ended run(List<String> look, Duration bound) throws IOException {
            return guest.run(look, Duration.ofSeconds(60));
        }

        @Override
        public Optional<Ended> finish(List<String> change, Duration patience) throws IOException {
            if (change.contains(command)) {
                guest.sh(script);
            }
            return guest.finish(change, Duration.ofSeconds(3));
        }
    }

    @Test
    void whatWaitsForAnotherCommandIsUnknownAndShowsItselfLater() throws Exception {
        guest.sh("lvcreate --size 4M --name base vg0; lvcreate --size 4M --name other vg0");
        LvmStore late = new LvmStore(new Before(
                "lvcreate",
                // One that asks a person holds the lock of the group until it is answered.
                "(until [ -e /tmp/go ]; do sleep 0.1; done; echo n) | lvremove vg0/other >/tmp/asks 2>&1 & "
                        + "until grep -q really /tmp/asks; do sleep 0.1; done"));
        assertFails(() -> late.copy(site(BASE), ALL_OF_IT, COPY, Progress.NONE), Kind.UNKNOWN, "has not ended within");
        guest.sh("touch /tmp/go");
        Awaitility.await()
                .atMost(Duration.ofSeconds(60))
                .until(() -> late.copies(WEB).contains(COPY));
        store.remove(COPY);
        assertThat(volumes().split("\\s+")).containsExactly("base", "other");
    }

    @Test
    void whatSomebodyHasOpenStays() throws Exception {
        guest.sh(
                "lvcreate --type thin-pool --size 32M --name pool vg0; lvcreate --virtualsize 16M --thinpool vg0/pool --name base");
        copy(BASE, AS_THIN);
        store.open(COPY_PATH);
        String holder = guest.sh("sleep 1000 <" + COPY_PATH + " >/dev/null 2>&1 & echo $!");
        assertFails(() -> store.close(COPY_PATH), Kind.REFUSED, "in use");
        assertFails(() -> store.remove(COPY), Kind.REFUSED, "in use");
        assertThat(store.copies(WEB)).containsExactly(COPY);
        guest.sh("kill " + holder);
        Awaitility.await().atMost(Duration.ofSeconds(60)).untilAsserted(() -> store.remove(COPY));
        assertThat(store.copies(WEB)).isEmpty();
    }

    @Test
    void aGroupThatIsElsewhereHidesNoCopies() throws Exception {
        guest.sh("lvcreate --size 4M --name base vg0; vgcreate --systemid other vg1 /dev/ubdd");
        copy(BASE, ALL_OF_IT);
        assertThat(store.copies(WEB)).containsExactly(COPY);
        assertFails(() -> store.site(Path.of("/dev/vg1/x")), Kind.FAILED, "system ID other");
        assertThat(store.site(Path.of("/dev/vg2/x"))).isEmpty();
        store.remove(COPY);
    }
}
