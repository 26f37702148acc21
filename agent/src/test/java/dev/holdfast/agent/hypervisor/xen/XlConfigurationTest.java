package dev.holdfast.agent.hypervisor.xen;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.HypervisorKind;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.coordinator.protocol.Name;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class XlConfigurationTest {
    private static final UUID ID = UUID.fromString("db806120-6058-41f4-93d8-6b922e4deb34");
    private static final VmDefinition.Kernel KERNEL = new VmDefinition.Kernel(
            Path.of("/lab/vmlinuz"), Optional.of(Path.of("/lab/initrd")), "console=hvc0 init=\"/a b\"");
    private static final VmDefinition.Nic CARD = new VmDefinition.Nic("n0", "bridge=xenbr0", "00:16:3e:00:00:01");

    @TempDir
    private Path directory;

    /** Changed by a test before it makes the machine. */
    private String machine = "xen-pvh-4.17";

    private Optional<VmDefinition.Kernel> kernel = Optional.of(KERNEL);
    private List<String> lines = List.of();
    private boolean guestAgent;

    private VmDefinition vm(Path... disks) {
        List<VmDefinition.Disk> all = new ArrayList<>();
        for (int i = 0; i < disks.length; i++) {
            all.add(new VmDefinition.Disk("d" + i, disks[i]));
        }
        VmDefinition.Hardware hardware = new VmDefinition.Hardware(
                machine,
                VmDefinition.Accelerator.KVM,
                Optional.empty(),
                2,
                128 << 20,
                guestAgent,
                kernel,
                lines,
                List.of(CARD));
        return new VmDefinition(new Name("web"), HypervisorKind.XEN, Optional.of(hardware), all);
    }

    @Test
    void saysAllThatADomainIsMadeOf() throws Exception {
        lines = List.of("tsc_mode=\"native\"");
        assertThat(XlConfiguration.of(vm(Path.of("/srv/a,b.qcow2"), Path.of("/srv/\"c\\.qcow2")), "web--r1", ID))
                .isEqualTo("""
                        name = "web--r1"
                        uuid = "db806120-6058-41f4-93d8-6b922e4deb34"
                        type = "pvh"
                        kernel = "/lab/vmlinuz"
                        ramdisk = "/lab/initrd"
                        cmdline = "console=hvc0 init=\\"/a b\\""
                        memory = 128
                        vcpus = 2
                        disk = [ "format=qcow2,vdev=xvda,access=rw,backendtype=qdisk,target=/srv/a,b.qcow2", \
                        "format=qcow2,vdev=xvdb,access=rw,backendtype=qdisk,target=/srv/\\"c\\\\.qcow2" ]
                        vif = [ "mac=00:16:3e:00:00:01,bridge=xenbr0" ]
                        on_poweroff = "preserve"
                        on_reboot = "preserve"
                        on_crash = "preserve"
                        on_watchdog = "preserve"
                        tsc_mode="native"
                        """);
    }

    @Test
    void aParavirtualGuestMayHaveNeitherDisksNorAnInitialFileSystem() throws Exception {
        machine = "xen-pv-4.17";
        kernel = Optional.of(new VmDefinition.Kernel(Path.of("/lab/vmlinuz"), Optional.empty(), ""));
        assertThat(XlConfiguration.of(vm(), "web", ID))
                .contains("type = \"pv\"\n", "disk = [  ]\n")
                .doesNotContain("ramdisk");
    }

    @Test
    void disksAreTheLayersThatTheirHeadsLeadTo() throws Exception {
        Path layer = Files.createFile(directory.resolve("d0-000001.qcow2"));
        Path head = Files.createSymbolicLink(directory.resolve("head"), layer);
        assertThat(XlConfiguration.onLayers(vm(head)).disk("d0").path()).isEqualTo(layer.toRealPath());
        refused(
                "disk d0 of web: " + directory.resolve("none") + " cannot be found",
                () -> XlConfiguration.onLayers(vm(directory.resolve("none"))));
    }

    @Test
    void whatCannotBeDoneUnderXenIsRefused() {
        VmDefinition good = vm();
        refused("cannot load memory", () -> XlConfiguration.check(good, StartMode.restore(Path.of("/m"))));
        refused("cannot move", () -> XlConfiguration.check(good, StartMode.incoming("in")));
        refused("17 disks", () -> XlConfiguration.check(vm(seventeen()), StartMode.NORMAL));
        guestAgent = true;
        refused("guest agent", () -> XlConfiguration.check(vm(), StartMode.NORMAL));
        kernel = Optional.empty();
        refused("no kernel", () -> XlConfiguration.check(vm(), StartMode.NORMAL));
        machine = "pc-q35-7.2";
        refused("is a pc-q35-7.2; Xen has", () -> XlConfiguration.check(vm(), StartMode.NORMAL));
    }

    private Path[] seventeen() {
        return IntStream.range(0, 17).mapToObj(i -> directory.resolve("d" + i)).toArray(Path[]::new);
    }

    @Test
    void linesOfOnesOwnCannotSayWhatHoldfastSays() throws Exception {
        for (String line :
                List.of("disk=[]", "  name = \"x\"", "on_reboot=\"restart\"", "words", "a; b=1", "a=1; disk=[]", "")) {
            lines = List.of(line);
            refused("the extra argument \"" + line + "\"", () -> XlConfiguration.check(vm(), StartMode.NORMAL));
        }
        lines = List.of("cpu_weight = 512", "tsc_mode=\"native\"");
        XlConfiguration.check(vm(), StartMode.NORMAL);
    }

    @Test
    void aPathWithABlankIsRefused() {
        refused("/srv/a b.qcow2; move it", () -> XlConfiguration.of(vm(Path.of("/srv/a b.qcow2")), "web", ID));
    }

    @Test
    void aLineEndCannotSmuggleAnythingIn() {
        refused(
                "target=/srv/d?pci=[]\", which cannot be told",
                () -> XlConfiguration.of(vm(Path.of("/srv/d\npci=[]")), "web", ID));
        lines = List.of("cpu_weight=1\ndisk=[]");
        refused("cannot be told to xl", () -> XlConfiguration.of(vm(), "web", ID));
    }

    private static void refused(String words, ThrowingCallable call) {
        assertThatThrownBy(call)
                .hasMessageContaining(words)
                .isInstanceOfSatisfying(
                        HypervisorException.class, e -> assertThat(e.kind()).isEqualTo(Kind.REFUSED));
    }
}
