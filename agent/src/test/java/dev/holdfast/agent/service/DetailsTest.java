package dev.holdfast.agent.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.Answers;
import dev.holdfast.agent.control.reply.VmDetails;
import dev.holdfast.agent.hypervisor.GuestHardware;
import dev.holdfast.agent.hypervisor.Hypervisor;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.HypervisorKind;
import dev.holdfast.agent.hypervisor.Keep;
import dev.holdfast.agent.hypervisor.ProcessIdentity;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.VmIdentity;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.snapshot.DiskStorage;
import dev.holdfast.agent.snapshot.OneDisk;
import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.coordinator.protocol.Name;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is shown of a machine whose definition does not say what it is made of. */
class DetailsTest {
    private static final Name NODE = new Name("n1");

    private ManagedVm web;

    @BeforeEach
    void define() throws Exception {
        VmDefinition definition = new VmDefinition(
                new Name("web"),
                HypervisorKind.LIBVIRT,
                Optional.empty(),
                List.of(new VmDefinition.Disk("vda", Path.of("/srv/web.img"))));
        web = OneDisk.machines(definition, Answers.of(Hypervisor.class, Map.of()))
                .get(definition.name());
    }

    private static RunningVm process(VmIdentity identity, Answers.Answer hardware) {
        return Answers.of(
                RunningVm.class,
                Map.of(
                        "isAlive", () -> true,
                        "status", () -> VmStatus.RUNNING,
                        "identity", () -> identity,
                        "hypervisor", () -> "libvirt 9.0.0",
                        "disks", List::of,
                        "hardware", hardware));
    }

    @Test
    void whatBecomesOfADiskStandsBesideIt() {
        VmDetails shown = Details.of(web, NODE, Optional.empty());
        assertThat(shown.disks()).extracting(VmDetails.Disk::kept).containsExactly("");
        DiskStorage cloned =
                new DiskStorage("vda", Keep.CLONE, "file on xfs", Optional.empty(), 4096, Optional.empty());
        VmDetails.Disk disk = Details.with(shown, List.of(cloned)).disks().get(0);
        assertThat(disk.kept()).isEqualTo("clone (file on xfs)");
        assertThat(disk.path()).isEqualTo("/srv/web.img");
        assertThat(Details.with(shown, List.of())).isEqualTo(shown);
    }

    @Test
    void whileItRunsItTells() {
        GuestHardware hardware = new GuestHardware("pc-q35-7.2", "kvm", "", 2, 64L << 20, List.of());
        web.setProcess(process(new ProcessIdentity(4711, 1), () -> hardware));
        VmDetails shown = Details.of(web, NODE, Optional.empty());
        assertThat(shown.machine()).isEqualTo("pc-q35-7.2");
        assertThat(shown.cpus()).isEqualTo(2);
        assertThat(shown.memoryBytes()).isEqualTo(64L << 20);
        assertThat(shown.pid()).contains(4711L);
        assertThat(shown.disks()).extracting(VmDetails.Disk::path).containsExactly("/srv/web.img");
    }

    @Test
    void whatRunsAndIsNotDescribedAnyMoreIsAnErrorThatAListSurvives() {
        assertThatThrownBy(() -> GuestHardware.still(web.definition()))
                .isInstanceOf(HypervisorException.class)
                .hasMessageContaining("does not describe any more")
                .hasMessageContaining("put its definition back");
        web.setProcess(process(new ProcessIdentity(4711, 1), () -> GuestHardware.still(web.definition())));
        assertThat(Details.of(web, NODE, Optional.empty()).machine()).isEmpty();
    }

    @Test
    void whileItDoesNotOrNobodyAnswersThereIsNothing() {
        assertThat(Details.of(web, NODE, Optional.empty()).machine()).isEmpty();
        VmIdentity domain = new VmIdentity() {
            @Override
            public boolean isAlive() {
                return true;
            }

            @Override
            public String word() {
                return "7";
            }

            @Override
            public String label() {
                return "domain 7";
            }
        };
        web.setProcess(process(domain, () -> {
            throw new HypervisorException(Kind.UNKNOWN, "libvirtd hangs");
        }));
        VmDetails shown = Details.of(web, NODE, Optional.empty());
        assertThat(shown.cpus()).isZero();
        assertThat(shown.pid()).as("it has no process of its own").isEmpty();
        assertThat(shown.hypervisor()).isEqualTo("libvirt 9.0.0");
    }
}
