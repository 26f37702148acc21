package dev.holdfast.agent.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.replication.EpochContent;
import dev.holdfast.agent.hypervisor.replication.StandbyPlace;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where a standby keeps its memory. Nothing here needs QEMU: what is refused is refused before. */
class StandbyFilesTest {
    private static final int MORE_THAN_THERE_IS = 1 << 30;

    @TempDir
    private Path home;

    private Path above;
    private StandbyPlace place;

    @BeforeEach
    void make() throws Exception {
        above = Files.createDirectory(
                home.resolve("standby"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        place = new StandbyPlace(above.resolve("web"));
    }

    private VmDefinition machine(int mebibytes) {
        return Lab.definition("web", mebibytes, Map.of("d0", home.resolve("d0.qcow2"), "d1", home.resolve("d1.qcow2")));
    }

    private void refused(int mebibytes, String why) {
        refused(mebibytes, EpochContent.MEMORY_AND_DISKS, why);
    }

    private void refused(int mebibytes, EpochContent content, String why) {
        assertThatThrownBy(() -> StandbyFiles.create(place, machine(mebibytes), content))
                .isInstanceOfSatisfying(
                        HypervisorException.class, e -> assertThat(e.kind()).isEqualTo(Kind.REFUSED))
                .hasMessageContaining(why);
    }

    @Test
    void aStandbyThatWouldFillItsFileSystemIsRefused() throws Exception {
        refused(
                MORE_THAN_THERE_IS,
                " MiB free, and a standby of web needs 2147483712: twice its memory, and 32 for each");
        assertThat(place.directory()).isEmptyDirectory();
        refused(MORE_THAN_THERE_IS, EpochContent.DISKS, "d0.qcow2 (No such file"); // later, for its own reason
    }

    @Test
    void aStandbyOfDisksAloneNeedsNoRoomForMemory() {
        // What is missing is the disk itself.
        refused(MORE_THAN_THERE_IS, EpochContent.DISKS, home.resolve("d0.qcow2") + " (No such file or directory)");
    }

    @Test
    void memoryIsNotKeptWhereOthersCouldExchangeIt() throws Exception {
        Files.setPosixFilePermissions(above, PosixFilePermissions.fromString("rwxrwxrwx"));
        refused(64, "others may write there");
    }

    @Test
    void aLinkThatSomebodyHasLaidIsNotFollowed() throws Exception {
        Path elsewhere = Files.createDirectory(home.resolve("elsewhere"));
        Path file = Files.createFile(elsewhere.resolve("passwd"));
        Files.createSymbolicLink(place.directory(), elsewhere);
        refused(64, "belongs to another user");
        StandbyFiles.remove(place);
        assertThat(file).exists();
    }

    @Test
    void whatAStandbyHasLeftIsRemoved() throws Exception {
        Files.createDirectory(place.directory());
        Files.createFile(place.directory().resolve("memory-0"));
        StandbyFiles.remove(place);
        assertThat(place.directory()).isEmptyDirectory();
    }
}
