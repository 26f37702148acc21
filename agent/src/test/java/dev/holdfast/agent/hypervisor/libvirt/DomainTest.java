package dev.holdfast.agent.hypervisor.libvirt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What descriptions of domains say, some of them as libvirt 9.0 prints them, and what is none. */
class DomainTest {
    private static final String HEAD = """
            <domain type='kvm' id='1'>
              <name>web</name>
              <uuid>5885e0be-828c-4196-ae95-95b9727f56be</uuid>
              <memory unit='KiB'>65536</memory>
              <currentMemory unit='KiB'>32768</currentMemory>
              <vcpu placement='static'>2</vcpu>
              <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os>
              <cpu mode='custom' match='exact'><model fallback='forbid'>qemu64</model></cpu>
              <devices>
            """;

    private static final String TAIL = "</devices></domain>";

    private static Domain domain(String devices) throws IOException {
        return Domain.parse(HEAD + devices + TAIL);
    }

    @Test
    void hardwareIsWhatTheGuestSees() throws Exception {
        Domain domain = domain("""
                <disk type='file' device='disk'><source file='/srv/web.img'/><target dev='vda' bus='virtio'/></disk>
                <disk type='file' device='cdrom'><source file='/srv/install.iso'/><target dev='sda' bus='sata'/></disk>
                <interface type='bridge'><mac address='52:54:00:00:00:01'/></interface>
                """);
        assertThat(domain.name()).isEqualTo("web");
        assertThat(domain.uuid()).isEqualTo("5885e0be-828c-4196-ae95-95b9727f56be");
        assertThat(domain.hardware().machine()).isEqualTo("pc-q35-7.2");
        assertThat(domain.hardware().accelerator()).isEqualTo("kvm");
        assertThat(domain.hardware().cpu()).isEqualTo("qemu64");
        assertThat(domain.hardware().cpus()).isEqualTo(2);
        assertThat(domain.hardware().memoryBytes()).isEqualTo(64L << 20);
        assertThat(domain.hardware().devices()).containsExactly("disk vda", "nic 52:54:00:00:00:01");
        assertThat(domain.disks()).extracting(Domain.Disk::target).containsExactly("vda");
        assertThat(domain.keepsNoMemory()).isEmpty();
    }

    @Test
    void theFilesOfADiskAreTheOneThatIsWrittenAndWhatItIsBasedOn() throws Exception {
        Domain domain = domain("""
                <disk type='file' device='disk'><source file='/srv/top'/>
                  <backingStore type='block'><format type='raw'/><source dev='/dev/vg/base'/><backingStore/></backingStore>
                  <target dev='vda'/></disk>
                """);
        assertThat(domain.disks().get(0).files()).containsExactly(Path.of("/srv/top"), Path.of("/dev/vg/base"));
    }

    @Test
    void whatADiskHasThatMattersIsSeen() throws Exception {
        Domain domain = domain("""
                <disk type='volume' device='lun'><source pool='fast' volume='web'/><target dev='sda'/><shareable/></disk>
                <disk type='network'><source protocol='rbd' name='p/i'/><target dev='vdb'/><encryption format='luks'/><transient/></disk>
                """);
        Domain.Disk first = domain.disks().get(0);
        assertThat(first.volume()).contains(new Domain.Volume("fast", "web"));
        assertThat(first.device()).isEqualTo("lun");
        assertThat(first.flags()).containsExactly("shareable");
        Domain.Disk second = domain.disks().get(1);
        assertThat(second.type()).isEqualTo("network");
        assertThat(second.files()).isEmpty();
        assertThat(second.volume()).isEqualTo(Optional.empty());
        assertThat(second.flags()).containsExactly("encryption", "transient");
    }

    @Test
    void whatKeepsMemoryFromBeingCapturedIsNamed() throws Exception {
        assertThat(domain("<hostdev mode='subsystem'/><filesystem/><tpm><backend type='emulator'/></tpm>")
                        .keepsNoMemory())
                .hasSize(3);
        assertThat(domain("<tpm><backend type='passthrough'/></tpm>").keepsNoMemory())
                .isEmpty();
    }

    @Test
    void whatIsNoDescriptionIsRefused() {
        for (String garbage : List.of(
                "",
                "paused (user)",
                "<domain>",
                "<network/>",
                "<domain><devices/></domain>",
                "<!DOCTYPE domain [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>" + HEAD + "&x;" + TAIL,
                HEAD.replace("'KiB'>65536", "'TiB'>1") + TAIL,
                HEAD.replace(">2<", ">two<") + TAIL)) {
            assertThatThrownBy(() -> Domain.parse(garbage)).as(garbage).isInstanceOf(IOException.class);
        }
    }

    @Test
    void sizesAreReadFromATable() {
        String table = """
                 Target   Capacity    Allocation   Physical
                -----------------------------------------------
                 vda      16777216    335872       393216
                 sda      -           -            -
                """;
        assertThat(DiskSizes.parse(table)).isEqualTo(Map.of("vda", 16777216L));
        assertThat(DiskSizes.parse(" vda   16777216   335872   393216\n vdb   5   0   0"))
                .isEqualTo(Map.of("vda", 16777216L, "vdb", 5L));
    }
}
