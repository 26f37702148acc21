package dev.holdfast.agent.hypervisor.libvirt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.holdfast.agent.hypervisor.ForeignMachines.Found;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.unix.DatagramStandIn;
import dev.holdfast.agent.virsh.VirshStandIn;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What is said for and against looking after a domain, with a program in virsh's place. */
@Timeout(60)
class LibvirtAdoptionTest {
    private static final String UUID = "5885e0be-828c-4196-ae95-95b9727f56be";

    @TempDir
    private Path directory;

    private Found look(String name, String devices) throws Exception {
        String xml =
                ("<domain type=\"kvm\"><name>%s</name><uuid>%s</uuid><memory unit=\"KiB\">65536</memory><vcpu>1</vcpu>"
                                + "<os><type machine=\"pc-q35-7.2\">hvm</type></os><devices>%s</devices></domain>")
                        .formatted(name, UUID, devices);
        return adoption("dumpxml*) echo '%s' ;; 'vol-path web --pool fast') echo /dev/fast/web ;;".formatted(xml))
                .look("asked");
    }

    private LibvirtAdoption adoption(String cases) throws IOException {
        return new LibvirtAdoption(
                new LibvirtSettings(VirshStandIn.in(directory, cases), directory, Duration.ofSeconds(20)),
                DatagramStandIn::word,
                System::nanoTime);
    }

    private static String disk(String more) {
        return "<disk type=\"file\" device=\"disk\"><source file=\"/srv/web.img\"/><target dev=\"vda\"/>%s</disk>"
                .formatted(more);
    }

    @Test
    void filesDevicesAndVolumesAreTaken() throws Exception {
        Found found = look(
                "web",
                disk("")
                        + "<disk type=\"block\"><source dev=\"/dev/vg/web\"/><target dev=\"vdb\"/></disk>"
                        + "<disk type=\"volume\"><source pool=\"fast\" volume=\"web\"/><target dev=\"vdc\"/></disk>"
                        + "<disk type=\"file\" device=\"cdrom\"><target dev=\"sda\"/></disk>");
        assertThat(found.obstacles()).isEmpty();
        assertThat(found.remarks()).isEmpty();
        assertThat(found.disks())
                .containsExactly(
                        new VmDefinition.Disk("vda", Path.of("/srv/web.img")),
                        new VmDefinition.Disk("vdb", Path.of("/dev/vg/web")),
                        new VmDefinition.Disk("vdc", Path.of("/dev/fast/web")));
    }

    @Test
    void itIsCalledByWhatIsMistakenForNothingElse() throws Exception {
        assertThat(look("Web server", disk("")).called()).isEqualTo("Web server");
        assertThat(look("17", disk("")).called()).isEqualTo(UUID);
        assertThat(look("w\u00e9b", disk("")).called()).isEqualTo(UUID);
    }

    @Test
    void eachDiskThatCannotBeKeptIsNamedWithTheReason() throws Exception {
        assertThat(look("web", disk("<shareable/>")).obstacles())
                .singleElement()
                .asString()
                .contains("vda", "shareable");
        assertThat(look("web", disk("<transient/>")).obstacles()).hasSize(1);
        assertThat(look("web", disk("<encryption format=\"luks\"/>")).obstacles())
                .hasSize(1);
        assertThat(look("web", disk("").replace("\"disk\"", "\"lun\"")).obstacles())
                .singleElement()
                .asString()
                .contains("device='disk'");
        assertThat(look(
                                "web",
                                "<disk type=\"network\"><source protocol=\"rbd\" name=\"p/i\"/><target dev=\"vda\"/></disk>")
                        .obstacles())
                .singleElement()
                .asString()
                .contains("'network'", "no path on this host");
        assertThat(look("web", "").obstacles()).singleElement().asString().contains("no disks");
    }

    @Test
    void whatWillNotWorkIsSaidAndIsNoObstacle() throws Exception {
        Found found = look("web", disk("") + "<hostdev/>");
        assertThat(found.obstacles()).isEmpty();
        assertThat(found.remarks()).singleElement().asString().contains("memory", "hostdev");
    }

    @Test
    void withoutSuchADomainOrLibvirtItIsRefusedOrUnknown() throws Exception {
        HypervisorException refused = catchThrowableOfType(
                HypervisorException.class,
                () -> adoption("dumpxml*) echo \"error: failed to get domain 'x'\" >&2 ;;")
                        .look("x"));
        assertThat(refused.kind()).isEqualTo(Kind.REFUSED);
        assertThat(refused).hasMessageContaining("failed to get domain 'x'").hasMessageContaining("virsh list --all");
        HypervisorException unknown = catchThrowableOfType(
                HypervisorException.class, () -> adoption("dumpxml*) exit 1 ;;").look("x"));
        assertThat(unknown.kind()).isEqualTo(Kind.UNKNOWN);
        HypervisorException garbage = catchThrowableOfType(
                HypervisorException.class,
                () -> adoption("dumpxml*) echo gibberish ;;").look("x"));
        assertThat(garbage.kind()).isEqualTo(Kind.REFUSED);
    }
}
