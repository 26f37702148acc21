package dev.holdfast.agent.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.VmDefinition;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a QEMU may open that has become somebody else, and what it cannot make of it if a guest has taken it over. */
final class ProcessOwnerTest {
    private static final int NOBODY = 65534;
    private static final ProcessOwner OWNER = new ProcessOwner(NOBODY, NOBODY, Set.of(NOBODY), 0);

    @TempDir
    private Path directory;

    @BeforeEach
    void needsRoot() throws IOException {
        assumeTrue(Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0), "needs root to give files away");
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx--x--x"));
    }

    private static int owner(Path file) throws IOException {
        return (int) Files.getAttribute(file, "unix:uid", LinkOption.NOFOLLOW_LINKS);
    }

    @Test
    void layersAreLentAndNothingElseOfAChain() throws Exception {
        Path chain = Files.createDirectories(directory.resolve("web.holdfast"));
        Path layers = Files.createDirectories(chain.resolve("layers"));
        for (Path each : List.of(chain, layers)) {
            Files.setPosixFilePermissions(each, PosixFilePermissions.fromString("rwx------"));
        }
        Path layer = Files.createFile(layers.resolve("d0-000001.qcow2"));
        Path base = Files.createFile(directory.resolve("base.qcow2"));
        OWNER.lendLayers(List.of(layer, base));
        assertThat(owner(layer)).isEqualTo(NOBODY);
        assertThat(owner(base)).isZero();
        for (Path each : List.of(chain, layers)) {
            assertThat(owner(each)).isZero();
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(each)))
                    .isEqualTo("rwx--x---");
        }
    }

    /** The rules of udev decide whose a device is; a file stands for one here. */
    @Test
    void aBlockDeviceIsNotLentButHasToBelongToTheProcess() throws Exception {
        Path layers = Files.createDirectories(directory.resolve("web.holdfast/layers"));
        Path device = Files.createFile(directory.resolve("device"));
        Files.setPosixFilePermissions(device, PosixFilePermissions.fromString("rw-rw----"));
        Path layer = Files.createSymbolicLink(layers.resolve("d0-000001.dev"), device);
        assertThatThrownBy(() -> OWNER.lendLayers(List.of(layer)))
                .hasMessageContaining("may not read and write " + device.toRealPath())
                .hasMessageContaining("rule of udev");
        Files.setAttribute(device, "unix:gid", NOBODY);
        OWNER.lendLayers(List.of(layer));
        Files.setPosixFilePermissions(device, PosixFilePermissions.fromString("rw-r-----"));
        assertThatThrownBy(() -> OWNER.lendLayers(List.of(layer))).hasMessageContaining("rule of udev");
        Files.setAttribute(device, "unix:uid", NOBODY);
        OWNER.lendLayers(List.of(layer));
        assertThat(owner(layer)).isZero();
    }

    @Test
    void aLinkIsNotLent() throws Exception {
        Path precious = Files.createFile(directory.resolve("precious"));
        Path layers = Files.createDirectories(directory.resolve("web.holdfast/layers"));
        Path link = Files.createSymbolicLink(layers.resolve("d0-000001.qcow2"), precious);
        assertThatThrownBy(() -> OWNER.lendLayers(List.of(link))).hasMessageContaining("symbolic link");
        assertThat(owner(precious)).isZero();
        assertThat(owner(link)).isZero();
    }

    @Test
    void whatItMakesInPlaceOfASocketIsThrownAway() throws Exception {
        Path precious = Files.writeString(directory.resolve("precious"), "content");
        Path socket = directory.resolve("disks.sock");
        assertThatThrownBy(() -> OWNER.bind(socket, place -> plant(place, precious)))
                .isInstanceOf(HypervisorException.class)
                .hasMessageContaining("no socket");
        assertThat(Files.exists(socket, LinkOption.NOFOLLOW_LINKS)).isFalse();
        assertThat(directory.resolve(".d")).doesNotExist();
        assertThat(precious).hasContent("content");
        assertThat(owner(precious)).isZero();
    }

    private static void plant(Path place, Path target) {
        try {
            assertThat(owner(place.getParent())).isEqualTo(NOBODY);
            Files.createSymbolicLink(place, target);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void aCardIsTakenThatItCanConnectAgain() throws Exception {
        Path devices = directory.resolve("net");
        device(devices, "kept", "0x1802", "-1", "-1");
        device(devices, "own", "0x1802", Integer.toString(NOBODY), "-1");
        device(devices, "passing", "0x1002", "-1", "-1");
        device(devices, "others", "0x1802", "1000", "-1");
        device(devices, "groups", "0x1802", "-1", "1000");
        UserNetwork network = new UserNetwork(OWNER, devices);
        for (String good : List.of("kept", "own")) {
            assertThatCode(() -> network.check(cards("tap,ifname=" + good + ",script=no,downscript=no")))
                    .doesNotThrowAnyException();
        }
        assertThatCode(() -> network.check(cards("user,hostfwd=tcp::8080-:80"))).doesNotThrowAnyException();
        refused(network, "tap,ifname=passing,script=no,downscript=no", "ip tuntap add dev passing mode tap");
        refused(network, "tap,ifname=none,script=no,downscript=no", "ip tuntap add dev none mode tap");
        refused(network, "tap,ifname=others,script=no,downscript=no", "belongs to another user");
        refused(network, "tap,ifname=groups,script=no,downscript=no", "belongs to another user");
        refused(network, "tap,ifname=kept", "script=no,downscript=no");
        refused(network, "tap,script=no,downscript=no", "name one with ifname=");
        refused(network, "bridge,br=br0", "needs root");
    }

    private static void refused(UserNetwork network, String backend, String why) {
        assertThatThrownBy(() -> network.check(cards(backend)))
                .hasMessageContaining("network card n0")
                .hasMessageContaining(why);
    }

    private static List<VmDefinition.Nic> cards(String backend) {
        return List.of(new VmDefinition.Nic("n0", backend, "52:54:00:00:00:01"));
    }

    private static void device(Path devices, String name, String flags, String owner, String group) throws IOException {
        Path device = Files.createDirectories(devices.resolve(name));
        Files.writeString(device.resolve("tun_flags"), flags + "\n");
        Files.writeString(device.resolve("owner"), owner + "\n");
        Files.writeString(device.resolve("group"), group + "\n");
    }
}
