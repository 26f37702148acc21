package dev.holdfast.agent.hypervisor.libvirt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.holdfast.agent.hypervisor.DiskState;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.HypervisorKind;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.virsh.LibvirtLab;
import dev.holdfast.agent.virsh.Virsh;
import dev.holdfast.coordinator.protocol.Name;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Domains of a real libvirtd are found, seen, and left to their owners. One of the tests runs always, the others with the soak. */
@Tag("qemu")
@Tag("libvirt")
@Timeout(300)
class LibvirtHypervisorTest {
    private static LibvirtLab lab;
    private static LibvirtHypervisor hypervisor;

    @BeforeAll
    static void start() throws Exception {
        lab = new LibvirtLab();
        hypervisor = RealLibvirt.hypervisor(lab);
    }

    @AfterAll
    static void end() throws Exception {
        lab.close();
    }

    private static VmDefinition definition(String name, String domain) {
        return new VmDefinition(
                new Name(name),
                HypervisorKind.LIBVIRT,
                Optional.empty(),
                domain,
                List.of(new VmDefinition.Disk("vda", lab.disk(name, "vda"))));
    }

    private static void ask(String... words) throws Exception {
        try (Virsh virsh = lab.virsh()) {
            virsh.ask(LibvirtLab.PATIENCE, words);
        }
    }

    @Test
    void aTransientDomainIsFoundWithWhatLibvirtKnowsOfIt() throws Exception {
        assertThat(hypervisor.find(definition("web", "web"))).isEmpty();
        lab.disks("web", 0);
        lab.create("web");
        RunningVm web = hypervisor.find(definition("web", "web")).orElseThrow();
        assertThat(web.kind()).isEqualTo(HypervisorKind.LIBVIRT);
        assertThat(web.hypervisor()).matches("libvirt \\d+\\..*, QEMU \\d+\\..*");
        assertThat(web.status()).isEqualTo(VmStatus.RUNNING);
        assertThat(web.identity().isAlive()).isTrue();
        assertThat(web.hardware().machine()).isEqualTo("pc-q35-7.2");
        assertThat(web.hardware().memoryBytes()).isEqualTo(64L << 20);
        assertThat(web.disks())
                .containsExactly(
                        new DiskState("vda", List.of(lab.disk("web", "vda")), 16L << 20),
                        new DiskState("vdb", List.of(lab.disk("web", "vdb")), 16L << 20));

        ask("suspend", "web");
        assertThat(web.status()).isEqualTo(VmStatus.PAUSED);
        RunningVm again = hypervisor.find(definition("web", "web")).orElseThrow();
        assertThat(again.identity()).isEqualTo(web.identity());
        ask("destroy", "web");
        Awaitility.await().atMost(LibvirtLab.PATIENCE).until(() -> !web.isAlive());
        assertThat(catchThrowableOfType(HypervisorException.class, web::status).kind())
                .isEqualTo(Kind.GONE);
        assertThat(hypervisor.find(definition("web", "web"))).isEmpty();
        web.close();
        again.close();
    }

    @Test
    @Tag("soak")
    void aPersistentDomainThatDoesNotRunIsNoMachineAndItsNextLifeIsAnother() throws Exception {
        lab.disks("kept", 0);
        Path file = Files.writeString(lab.root.resolve("kept.xml"), lab.xml("kept", ""));
        ask("define", file.toString());
        String uuid;
        try (Virsh virsh = lab.virsh()) {
            uuid = virsh.ask(LibvirtLab.PATIENCE, "domuuid", "kept");
        }
        assertThat(hypervisor.find(definition("kept", "kept"))).isEmpty();
        ask("start", "kept");
        lab.started("kept");
        RunningVm first = hypervisor.find(definition("kept", uuid)).orElseThrow();
        ask("destroy", "kept");
        ask("start", "kept");
        lab.started("kept");
        RunningVm second = hypervisor.find(definition("kept", uuid)).orElseThrow();
        assertThat(first.isAlive()).isFalse();
        assertThat(second.identity()).isNotEqualTo(first.identity());
        ask("destroy", "kept");
        ask("undefine", "kept");
        first.close();
        second.close();
    }

    @Test
    @Tag("soak")
    void aNumberIsNoNameForLibvirt() throws Exception {
        lab.disks("seven", 0);
        lab.create("seven");
        String id;
        try (Virsh virsh = lab.virsh()) {
            id = virsh.ask(LibvirtLab.PATIENCE, "domid", "seven");
        }
        HypervisorException unknown =
                catchThrowableOfType(HypervisorException.class, () -> hypervisor.find(definition("other", id)));
        assertThat(unknown.kind()).isEqualTo(Kind.UNKNOWN);
        assertThat(unknown).hasMessageContaining("for the domain seven").hasMessageContaining("write its UUID");
        ask("destroy", "seven");
    }

    @Test
    @Tag("soak")
    void whatItsOwnerDoesIsRefusedAndMachinesOfOtherDriversAreNotItsOwn() throws Exception {
        lab.disks("owned", 0);
        lab.create("owned");
        VmDefinition definition = definition("owned", "owned");
        RunningVm owned = hypervisor.find(definition).orElseThrow();
        assertRefused(() -> owned.shutdown(Duration.ofSeconds(1)));
        assertRefused(owned::quit);
        assertRefused(owned::kill);
        assertRefused(owned::relocation);
        assertRefused(() -> hypervisor.start(definition, StartMode.NORMAL));
        assertRefused(() -> hypervisor.kill(definition, Optional.empty()));
        assertThat(owned.surroundings(false).obstacles()).isEmpty();
        assertThat(owned.surroundings(true).obstacles())
                .singleElement()
                .asString()
                .contains("domain of libvirt");
        assertThat(owned.isAlive()).isTrue();

        VmDefinition ours = new VmDefinition(new Name("owned"), HypervisorKind.QEMU, Optional.empty(), List.of());
        assertThat(hypervisor.find(ours)).isEmpty();
        hypervisor.kill(ours, Optional.empty());
        assertThat(hypervisor.running()).isEmpty();
        lab.awaitTicks("owned", 3);
        ask("destroy", "owned");
        owned.close();
    }

    private static void assertRefused(org.assertj.core.api.ThrowableAssert.ThrowingCallable action) {
        assertThatThrownBy(action)
                .isInstanceOfSatisfying(
                        HypervisorException.class, e -> assertThat(e.kind()).isEqualTo(Kind.REFUSED))
                .hasMessageContaining("libvirt");
    }
}
