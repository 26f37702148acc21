package dev.holdfast.agent.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.Capture;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** QEMU as a user of its own. All other tests of this package run that way, too, with HOLDFAST_TEST_QEMU_USER=nobody. */
@Tag("qemu")
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class QemuUserTest {
    private static final String USER = "nobody";

    private Lab lab;

    @BeforeEach
    void open() throws Exception {
        lab = new Lab(Lab.emulator(Path.of("/")).with(Optional.of(USER), true));
    }

    @AfterEach
    void close() throws Exception {
        lab.close();
    }

    private static String status(RunningVm vm, String key) throws IOException {
        return Files.readAllLines(
                        Path.of("/proc/" + vm.identity().process().orElseThrow().pid() + "/status"))
                .stream()
                .filter(line -> line.startsWith(key + ":"))
                .map(line -> line.substring(key.length() + 1).strip())
                .findFirst()
                .orElseThrow();
    }

    private static String mode(Path file) throws IOException {
        return Files.getAttribute(file, "unix:owner", LinkOption.NOFOLLOW_LINKS) + " "
                + PosixFilePermissions.toString(Files.getPosixFilePermissions(file, LinkOption.NOFOLLOW_LINKS));
    }

    private static void checkConfined(RunningVm vm) throws IOException {
        String nobody = Files.readAllLines(Path.of("/etc/passwd")).stream()
                .filter(line -> line.startsWith(USER + ":"))
                .map(line -> line.split(":")[2])
                .findFirst()
                .orElseThrow();
        assertThat(status(vm, "Uid").split("\\s+")).containsOnly(nobody);
        assertThat(status(vm, "Seccomp")).as("filtered system calls").isEqualTo("2");
        assertThat(status(vm, "NoNewPrivs")).isEqualTo("1");
        for (String set : List.of("CapInh", "CapPrm", "CapEff", "CapAmb")) {
            assertThat(status(vm, set)).as(set).containsOnlyDigits().matches("0+");
        }
    }

    private void capture(RunningVm vm, CaptureMethod method, String memory) throws Exception {
        try (Capture capture = vm.newCapture(lab.plan(vm, method, memory))) {
            Lab.throughFreeze(capture);
            capture.capture();
            capture.proveAndThaw();
            capture.drain(Progress.NONE);
        }
        lab.awaitTicks("web", 5);
    }

    @Test
    void capturesRevertsAndMergesWithoutEverBeingMoreThanThatUser() throws Exception {
        RunningVm vm = lab.startOracle("web");
        checkConfined(vm);
        Map<String, Path> captured = Lab.active(vm);
        capture(vm, CaptureMethod.LIVE, "memory");
        assertThat(mode(lab.root.resolve("memory"))).isEqualTo("root rw-------");
        capture(vm, CaptureMethod.DISK_ONLY, "none");
        capture(vm, CaptureMethod.DISK_ONLY, "none");
        List<Path> layers = vm.disks().get(1).layers();
        assertThat(layers).hasSize(4);
        vm.mergeIntermediate("d1", layers.get(1), layers.get(2), Progress.NONE);
        lab.awaitTicks("web", 5);

        vm.pause();
        VmDefinition definition = Lab.definition("web", 64, lab.overlays(captured));
        RunningVm beside = lab.start(
                definition, StartMode.restore(lab.root.resolve("memory")).beside("r1"));
        vm.quit();
        RunningVm placed = lab.hypervisor.takePlace(beside, definition);
        placed.resume();
        lab.awaitTicks("web", 20);
        checkConfined(placed);
        capture(placed, CaptureMethod.LIVE, "again");
    }

    @Test
    void whatItBelongsToIsNotWritableByItButItsLayers() throws Exception {
        RunningVm vm = lab.startOracle("web");
        Path home = lab.settings.runDirectory().resolve("vms/web");
        assertThat(mode(home)).isEqualTo("root rwxr-x---");
        assertThat(mode(home.getParent())).isEqualTo("root rwx--x--x");
        assertThat(mode(lab.root.resolve("layers"))).isIn("root rwx--x---", "root rwxr-xr-x");
        for (Path file : List.of(home.resolve("pid"), home.resolve("qmp.sock"), home.resolve("guard.sock"))) {
            assertThat(Files.getAttribute(file, "unix:uid")).as(file.toString()).isEqualTo(0);
        }
        assertThat(Files.getOwner(Lab.active(vm).get("d0")).getName()).isEqualTo(USER);
    }

    @Test
    void bindsASocketInADirectoryThatIsNotItsOwn() throws Exception {
        RunningVm vm = lab.start(lab.definition("web"), StartMode.incoming("incoming"));
        Path socket = lab.settings.runDirectory().resolve("vms/web/copy-memory.sock");
        vm.relocation().listen(socket);
        assertThat(Files.readAttributes(socket, BasicFileAttributes.class).isOther())
                .isTrue();
        assertThat(socket.resolveSibling(".d")).doesNotExist();
        try (var channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            assertThat(channel.isConnected()).isTrue();
        }
    }

    @Test
    void aCardThatItCouldNotConnectAgainIsRefusedAtTheStart() throws Exception {
        VmDefinition plain = lab.definition("web");
        String mac = "52:54:00:00:00:01";
        for (String backend : List.of(
                "tap,ifname=hf-none0,script=no,downscript=no", "tap,ifname=hf-none0", "tap,script=no,downscript=no")) {
            VmDefinition vm = Lab.with(plain, List.of(new VmDefinition.Nic("n0", backend, mac)));
            assertThatThrownBy(() -> lab.start(vm, StartMode.NORMAL))
                    .isInstanceOf(HypervisorException.class)
                    .hasMessageContaining("n0");
            assertThat(lab.hypervisor.find(vm)).isEmpty();
        }
    }

    @Test
    void aDirectoryThatItMayNotPassIsNamed() throws Exception {
        Map<String, Path> disks = new LinkedHashMap<>();
        Path closed = lab.root.resolve("closed");
        Path layers = Files.createDirectories(closed.resolve("web.holdfast/layers"));
        for (VmDefinition.Disk disk : lab.definition("web").disks()) {
            Path layer = layers.resolve(disk.path().getFileName());
            disks.put(disk.id(), Files.move(disk.path(), layer));
        }
        Files.setPosixFilePermissions(closed, PosixFilePermissions.fromString("rwx------"));
        VmDefinition vm = Lab.definition("web", 64, disks);
        assertThatThrownBy(() -> lab.start(vm, StartMode.NORMAL)).hasMessageContaining("chmod o+x " + closed);
        assertThat(lab.hypervisor.find(vm)).isEmpty();
    }
}
