package dev.holdfast.agent.storage.lvm;

import static dev.holdfast.agent.storage.lvm.ScriptedCommands.recorded;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.storage.ImageStore.CopyName;
import dev.holdfast.agent.storage.ImageStore.Copying;
import dev.holdfast.agent.storage.ImageStore.Health;
import dev.holdfast.agent.storage.ImageStore.Outlook;
import dev.holdfast.agent.storage.ImageStore.Site;
import dev.holdfast.agent.storage.ImageStore.Way;
import dev.holdfast.agent.storage.StorageException;
import dev.holdfast.agent.storage.StorageException.Kind;
import dev.holdfast.coordinator.protocol.Name;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is made of what LVM prints: of what it printed in a guest (2.03.16), and of what it should never print. */
final class LvmStoreTest {
    private static final Name WEB = new Name("web");
    private static final CopyName COPY = new CopyName(WEB, "d0-000004-of-000001");
    private static final String COPY_VOLUME = "vg0/web+d0-000004-of-000001";
    private static final Path COPY_PATH = Path.of("/dev/vg0/web+d0-000004-of-000001");
    private static final Path BASE = Path.of("/dev/vg0/base");
    private static final Path THIN = Path.of("/dev/vg1/t0");
    private static final Copying ALL_OF_IT = new Copying(Way.THICK, 100);
    private static final Copying AS_THIN = new Copying(Way.THIN, 100);
    private static final int MIB = 1 << 20;

    private final ScriptedCommands commands = new ScriptedCommands()
            .shows("vg0", recorded("thick"))
            .shows("vg1", recorded("thin"))
            .answers("lvs disk", 5, recorded("unknown-group"));
    private final LvmStore store = new LvmStore(commands);

    @TempDir
    Path directory;

    private Site site(Path image) throws StorageException {
        return store.site(image).orElseThrow();
    }

    private static void assertFails(ThrowingCallable call, Kind kind, String... because) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        StorageException.class, e -> assertThat(e.kind()).isEqualTo(kind))
                .hasMessageContainingAll(because);
    }

    private List<String> obstacles(Path image, Copying how) throws StorageException {
        return store.outlook(site(image), how).obstacles();
    }

    /** As LVM shows the copies' group once there is none of ours. */
    private static String withoutCopy() {
        return recorded("thick")
                .lines()
                .filter(line -> !line.contains(COPY.layer()))
                .reduce("", (all, line) -> all + line + "\n");
    }

    @Test
    void theWayIsThatOfTheVolume() throws Exception {
        assertThat(site(BASE))
                .isEqualTo(new Site(
                        BASE, java.util.Optional.of(Way.THICK), "linear volume vg0/base", 16 * MIB, true, false));
        assertThat(site(THIN).best()).contains(Way.THIN);
        assertThat(site(THIN).words()).isEqualTo("thin volume of pool pool vg1/t0");
        assertThat(site(COPY_PATH).best()).as("a snapshot of a snapshot").isEmpty();
        assertThat(site(Path.of("/dev/vg1/pool")).best()).as("a pool").isEmpty();
        assertThat(obstacles(BASE, AS_THIN)).singleElement().asString().contains("linear volume", "THICK only");
    }

    @Test
    void aVolumeIsFoundByEachOfItsNames() throws Exception {
        commands.answers("dmsetup /dev/dm-3", 0, "vg0-web+d0--000004--of--000001\n")
                .answers("dmsetup /dev/dm-4", 1, "Device dm-4 not found");
        Path link = Files.createSymbolicLink(directory.resolve("d0-000004-of-000001.cow"), COPY_PATH);
        Path head = Files.createSymbolicLink(directory.resolve("d0.cow"), link.getFileName());
        for (String name : List.of(
                COPY_PATH.toString(),
                "/dev/mapper/vg0-web+d0--000004--of--000001",
                "/dev/dm-3",
                link.toString(),
                head.toString())) {
            assertThat(site(Path.of(name)).words()).as(name).isEqualTo("thick snapshot " + COPY_VOLUME);
        }
        Path file = Files.writeString(directory.resolve("d0-000001.raw"), "");
        for (String name : List.of(
                "/dev/vg0/none", "/dev/dm-4", "/dev/mapper/mpatha", "/dev/disk/x", "/dev/loop0", file.toString())) {
            assertThat(store.site(Path.of(name))).as(name).isEmpty();
            assertThat(store.health(Path.of(name)).state()).as(name).isEqualTo(Health.State.ABSENT);
        }
    }

    @Test
    void aThickCopyHasRoomForWhatIsToBeKeptAndForItsNotes() throws Exception {
        Outlook outlook = store.outlook(site(BASE), ALL_OF_IT);
        assertThat(outlook.obstacles()).isEmpty();
        assertThat(outlook.degraded()).isEmpty();
        assertThat(outlook.bytes()).isEqualTo(20 * MIB);
        assertThat(outlook.room().of()).isEqualTo("volume group vg0");
        assertThat(store.outlook(site(BASE), new Copying(Way.THICK, 1)).bytes()).isEqualTo(4 * MIB);

        commands.shows("vg0", withoutCopy()).answers("lvcreate vg0/base", 0, "");
        assertThat(store.copy(site(BASE), ALL_OF_IT, COPY, Progress.NONE)).isEqualTo(COPY_PATH);
        assertThat(commands.changes)
                .containsExactly("lvcreate --yes --snapshot --permission r --chunksize 4096b --size 20971520b "
                        + "--addtag holdfast=web/d0-000004-of-000001 --name web+d0-000004-of-000001 vg0/base");
    }

    @Test
    void aThinCopyTakesNothingAtOnceAndIsActiveAsItsOriginIs() throws Exception {
        Outlook outlook = store.outlook(site(THIN), AS_THIN);
        assertThat(outlook.obstacles()).isEmpty();
        assertThat(outlook.bytes()).isZero();
        assertThat(outlook.room()).isEqualTo(new Outlook.Room("thin pool vg1/pool", 32 * MIB));
        Path copy = Path.of("/dev/vg1", COPY_PATH.getFileName().toString());
        assertThat(store.health(copy).state()).isEqualTo(Health.State.CLOSED);

        commands.answers("lvcreate vg1/t0", 0, "");
        CopyName next = new CopyName(WEB, "d0-000005-of-000001");
        assertThat(store.copy(site(THIN), AS_THIN, next, Progress.NONE))
                .isEqualTo(Path.of("/dev/vg1/web+d0-000005-of-000001"));
        assertThat(commands.changes)
                .containsExactly("lvcreate --yes --snapshot --setactivationskip n "
                        + "--addtag holdfast=web/d0-000005-of-000001 --name web+d0-000005-of-000001 vg1/t0");
    }

    @Test
    void aCopyThatIsThereIsNotMadeAgain() throws Exception {
        assertThat(store.copy(site(BASE), ALL_OF_IT, COPY, Progress.NONE)).isEqualTo(COPY_PATH);
        assertThat(commands.changes).isEmpty();
    }

    @Test
    void aVolumeOfThatNameWithoutTheTagIsSomebodyElses() throws Exception {
        String foreign = recorded("thick").replace("holdfast=web/d0", "mine=web/d0");
        commands.shows("vg0", foreign).shows("", foreign);
        assertFails(
                () -> store.copy(site(BASE), ALL_OF_IT, COPY, Progress.NONE),
                Kind.REFUSED,
                COPY_VOLUME,
                "none of Holdfast's");
        store.remove(COPY);
        assertThat(store.copies(WEB)).isEmpty();
        assertThat(commands.changes).isEmpty();
    }

    /** A host that crashes while LVM makes a snapshot leaves a plain volume. */
    @Test
    void halfACopyIsMadeAnew() throws Exception {
        String half = recorded("thick")
                .replace("d9-000002-of-000001", COPY.layer() + "x")
                .lines()
                .filter(line -> !line.contains(COPY.layer() + "\""))
                .reduce("", (all, line) -> all + line + "\n")
                .replace(COPY.layer() + "x", COPY.layer());
        commands.shows("vg0", half)
                .shows("", half)
                .answers("lvremove " + COPY_VOLUME, 0, "")
                .answers("lvcreate vg0/base", 0, "");
        assertThat(store.copies(WEB)).isEmpty();
        store.copy(site(BASE), ALL_OF_IT, COPY, Progress.NONE);
        assertThat(commands.changes).hasSize(2);
        assertThat(commands.changes.get(0)).startsWith("lvremove");
        assertThat(commands.changes.get(1)).startsWith("lvcreate");
    }

    @Test
    void nothingIsLeftOfACopyThatFails() throws Exception {
        commands.shows("vg0", withoutCopy())
                .shows("", recorded("thick"))
                .answers(
                        "lvcreate vg0/base",
                        5,
                        "  Volume group \"vg0\" has insufficient free space (2 extents): 5 required.")
                .after("lvcreate vg0/base", () -> commands.shows("vg0", recorded("thick")))
                .answers("lvremove " + COPY_VOLUME, 0, "");
        assertFails(
                () -> store.copy(site(BASE), ALL_OF_IT, COPY, Progress.NONE), Kind.FAILED, "insufficient free space");
        assertThat(commands.changes).last().asString().startsWith("lvremove");

        commands.shows("vg0", withoutCopy()).answers("lvremove " + COPY_VOLUME, 5, "  Logical volume in use.");
        assertFails(
                () -> store.copy(site(BASE), ALL_OF_IT, COPY, Progress.NONE), Kind.UNKNOWN, "insufficient", "in use");
    }

    /** An earlier chain of the machine may have had its disk in another group, which was away when this copy got its number. */
    @Test
    void aCopyThatFailsTakesNoneOfAnotherGroupAlong() throws Exception {
        commands.shows("vg0", withoutCopy())
                .shows("", recorded("thin"))
                .answers("lvcreate vg0/base", 5, "  Volume group \"vg0\" has insufficient free space.");
        assertThat(store.copies(WEB)).as("there is one in vg1").containsExactly(COPY);
        assertFails(() -> store.copy(site(BASE), ALL_OF_IT, COPY, Progress.NONE), Kind.FAILED, "insufficient");
        assertThat(commands.changes).singleElement().asString().startsWith("lvcreate");
    }

    @Test
    void ofTwoVolumesWithTheMarkOfOneCopyNoneIsRemoved() {
        commands.shows("", recorded("thick").replace("holdfast=web/d9-000002-of-000001", "holdfast=" + COPY));
        assertFails(() -> store.remove(COPY), Kind.REFUSED, COPY_VOLUME, "lvchange --deltag");
        assertThat(commands.changes).isEmpty();
    }

    @Test
    void aCommandThatDoesNotEndIsNeitherKilledNorTakenForFailed() throws Exception {
        commands.shows("vg0", withoutCopy()).hangs("lvcreate vg0/base");
        assertFails(
                () -> store.copy(site(BASE), ALL_OF_IT, COPY, Progress.NONE),
                Kind.UNKNOWN,
                "lvcreate",
                "do not kill it");
        assertThat(commands.changes).as("nothing is removed while it goes on").hasSize(1);
        commands.hangs("lvs vg0");
        assertFails(() -> store.site(BASE), Kind.FAILED, "lvs", "was killed");
    }

    @Test
    void whatIsNoReportIsNotTakenForNothing() {
        String thick = recorded("thick");
        for (String garbage : List.of(
                "",
                "  WARNING: lvmlockd process is not running.",
                "Segmentation fault",
                thick.substring(0, thick.length() / 2),
                thick.replace("\"lv_size\"", "\"size\""),
                thick.replace("16777216", "16m"))) {
            commands.shows("vg0", garbage).shows("", garbage);
            assertFails(() -> store.site(BASE), Kind.FAILED, "lvs", "printed what is");
            assertFails(() -> store.copies(WEB), Kind.FAILED, "lvs", "printed what is");
            assertFails(() -> store.remove(COPY), Kind.FAILED, "lvs", "printed what is");
        }
    }

    @Test
    void withoutLvmThereIsNoVolume() throws Exception {
        String missing = "env: 'lvs': No such file or directory";
        commands.answers("lvs vg0", 127, missing)
                .answers("lvs ", 127, missing)
                .answers("dmsetup /dev/dm-3", 127, missing);
        assertThat(store.site(BASE)).isEmpty();
        assertThat(store.site(Path.of("/dev/dm-3"))).isEmpty();
        assertThat(store.copies(WEB)).isEmpty();
        store.remove(COPY);
        assertThat(commands.changes).isEmpty();
    }

    @Test
    void aGroupOfAnotherSystemHidesNobodyElses() throws Exception {
        commands.shows("", recorded("foreign")).answers("lvs vg0", 5, recorded("foreign-group"));
        assertThat(store.copies(WEB)).containsExactly(COPY);
        assertFails(() -> store.site(BASE), Kind.FAILED, "Cannot access VG vg0 with system ID other");
    }

    @Test
    void anOverflownCopyIsSpoilt() throws Exception {
        assertThat(store.health(COPY_PATH).state()).isEqualTo(Health.State.GOOD);
        commands.shows("vg0", recorded("overflown"));
        Health health = store.health(COPY_PATH);
        assertThat(health.state()).isEqualTo(Health.State.SPOILT);
        assertThat(health.words()).contains(COPY_VOLUME, "more was written to base");
        assertThat(store.health(Path.of("/dev/vg0/whole")).state()).isEqualTo(Health.State.GOOD);
        assertThat(store.health(BASE).state()).isEqualTo(Health.State.GOOD);
    }

    @Test
    void aPoolThatIsFullIsAnObstacleAndSpoilsNothing() throws Exception {
        commands.shows("vg1", recorded("pool-full"));
        assertThat(obstacles(THIN, AS_THIN))
                .singleElement()
                .asString()
                .contains("vg1/pool", "full to 100 %", "lvextend");
        assertThat(store.outlook(site(THIN), AS_THIN).room().bytes()).isZero();
        assertThat(store.health(THIN).state()).isEqualTo(Health.State.GOOD);
        CopyName next = new CopyName(WEB, "d0-000005-of-000001");
        assertFails(() -> store.copy(site(THIN), AS_THIN, next, Progress.NONE), Kind.REFUSED, "full to 100 %");

        commands.shows("vg1", recorded("thin").replace("10.94", "91.00"));
        assertThat(obstacles(THIN, AS_THIN))
                .singleElement()
                .asString()
                .contains("metadata of pool vg1/pool is full to 91 %");
        commands.shows(
                "vg1",
                recorded("thin").replaceFirst("\"lv_check_needed\":\"\"", "\"lv_check_needed\":\"check needed\""));
        assertThat(obstacles(THIN, AS_THIN)).singleElement().asString().contains("lvconvert --repair");
        assertThat(store.health(THIN).state()).isEqualTo(Health.State.SPOILT);
    }

    @Test
    void whatSpeaksAgainstACopyIsNamed() throws Exception {
        commands.shows("vg0", recorded("suspended"));
        assertThat(obstacles(BASE, ALL_OF_IT)).singleElement().asString().contains("is suspended", "dmsetup resume");
        assertObstacle("\"vg_partial\":\"\"", "\"vg_partial\":\"partial\"", "a device of volume group vg0 is missing");
        assertObstacle("\"vg_clustered\":\"\"", "\"vg_clustered\":\"clustered\"", "clvmd");
        assertObstacle("\"lv_merging\":\"\"", "\"lv_merging\":\"merging\"", "is being merged");
        assertObstacle("\"lv_active\":\"active\"", "\"lv_active\":\"\"", "lvchange --activate y vg0/base");
        assertObstacle(
                "\"lv_active_exclusively\":\"active exclusively\"(.*)\"vg_shared\":\"\"",
                "\"lv_active_exclusively\":\"\"$1\"vg_shared\":\"shared\"",
                "lvchange --activate ey vg0/base");
        commands.shows(
                "vg0",
                recorded("thick").replace("\"lv_health_status\":\"\"", "\"lv_health_status\":\"refresh needed\""));
        assertThat(obstacles(BASE, ALL_OF_IT)).isEmpty();
        assertThat(store.outlook(site(BASE), ALL_OF_IT).degraded())
                .singleElement()
                .asString()
                .contains("refresh needed");
    }

    private void assertObstacle(String regex, String replacement, String words) throws StorageException {
        commands.shows("vg0", recorded("thick").replaceAll(regex, replacement));
        assertThat(obstacles(BASE, ALL_OF_IT))
                .as(words)
                .singleElement()
                .asString()
                .contains(words);
    }

    @Test
    void opensAndClosesWhatIsNotSoYet() throws Exception {
        store.open(BASE);
        store.close(Path.of("/dev/vg0/none"));
        store.close(COPY_PATH);
        assertThat(commands.changes).isEmpty();
        Path thin = Path.of("/dev/vg1", COPY_PATH.getFileName().toString());
        commands.answers("lvchange vg1/" + thin.getFileName(), 0, "")
                .answers("lvchange vg0/base", 5, "  Logical volume vg0/base in use.");
        store.open(thin);
        assertFails(() -> store.close(BASE), Kind.REFUSED, "in use", "dmsetup ls --tree");
        commands.shows("vg1", recorded("thin").replace("\"vg_shared\":\"\"", "\"vg_shared\":\"shared\""));
        store.open(thin);
        commands.shows("vg0", recorded("thick").replace("\"lv_active\":\"active\"", "\"lv_active\":\"\""));
        assertFails(() -> store.open(COPY_PATH), Kind.REFUSED, "in use");
        assertThat(commands.changes)
                .containsExactly(
                        "lvchange --activate y --ignoreactivationskip vg1/web+d0-000004-of-000001",
                        "lvchange --activate n --ignoreactivationskip vg0/base",
                        "lvchange --activate ey --ignoreactivationskip vg1/web+d0-000004-of-000001",
                        "lvchange --activate y --ignoreactivationskip vg0/base");
        assertThat(store.open(Path.of("/dev/vg0/none"))).isFalse();
        commands.shows("vg0", recorded("overflown"));
        assertFails(() -> store.open(COPY_PATH), Kind.REFUSED, "is lost");
    }

    @Test
    void removesWhatCarriesTheTagAndNothingElse() throws Exception {
        commands.shows("", recorded("thick")).answers("lvremove " + COPY_VOLUME, 0, "");
        assertThat(store.copies(WEB)).containsExactly(COPY);
        assertThat(store.copies(new Name("we"))).isEmpty();
        store.remove(COPY);
        store.remove(new CopyName(WEB, "d0-000007-of-000001"));
        assertThat(commands.changes)
                .containsExactly("lvremove --yes --select lv_tags=\"holdfast=web/d0-000004-of-000001\" " + COPY_VOLUME);

        commands.answers(
                "lvremove " + COPY_VOLUME,
                5,
                "  Logical volume vg0/web+d0-000004-of-000001 is used by another device.");
        assertFails(() -> store.remove(COPY), Kind.REFUSED, "is used by another device");
        commands.hangs("lvremove " + COPY_VOLUME);
        assertFails(() -> store.remove(COPY), Kind.UNKNOWN, "has not ended within 30 s");
        commands.shows("", recorded("thick").replace("thicksnapshot", "thicksnapshot,thickorigin"));
        assertFails(() -> store.remove(COPY), Kind.REFUSED, "snapshots stand on it");
    }

    @Test
    void whatARaidStillHasIsOpened() throws Exception {
        commands.shows(
                "vg0", recorded("thick").replace("\"lv_health_status\":\"\"", "\"lv_health_status\":\"partial\""));
        assertThat(store.open(COPY_PATH)).as("it is active and can be read").isTrue();
    }
}
