package dev.holdfast.agent.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.Answers;
import dev.holdfast.agent.hypervisor.Hypervisor;
import dev.holdfast.agent.hypervisor.HypervisorKind;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.snapshot.chain.ChainDirectory;
import dev.holdfast.agent.snapshot.chain.ChainImport;
import dev.holdfast.agent.snapshot.chain.QemuImages;
import dev.holdfast.agent.storage.ImageStore;
import dev.holdfast.agent.storage.ImageStores;
import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.agent.vm.Unreadable;
import dev.holdfast.agent.vm.VmRegistry;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The machines of a node that has one, with one disk. */
public final class OneDisk {
    /** A machine that does not run, and that nothing starts. */
    static final VmSlot STOPPED = new VmSlot() {
        @Override
        public Optional<RunningVm> running() {
            return Optional.empty();
        }

        @Override
        public void became(Optional<RunningVm> process) {
            assertThat(process).isEmpty();
        }
    };

    private OneDisk() {}

    /** A small machine that nothing but its disks is special about. */
    public static VmDefinition definition(Name vm, VmDefinition.Disk... disks) {
        return definition(vm, HypervisorKind.QEMU, disks);
    }

    /** @param kind what runs it */
    public static VmDefinition definition(Name vm, HypervisorKind kind, VmDefinition.Disk... disks) {
        String machine = kind == HypervisorKind.UML ? "uml-6.1" : "pc-q35-7.2";
        VmDefinition.Hardware hardware = new VmDefinition.Hardware(
                machine,
                VmDefinition.Accelerator.TCG,
                Optional.empty(),
                1,
                64 << 20,
                false,
                Optional.empty(),
                List.of(),
                List.of());
        return new VmDefinition(vm, kind, Optional.of(hardware), List.of(disks));
    }

    /** A chain with the disk {@code d0}, of 1 MiB. */
    public static ChainDirectory chain(Path directory) throws IOException {
        return new ChainImport(new QemuImages("qemu-img"), InstantSource.system())
                .create(directory, new TreeMap<>(Map.of("d0", 1L << 20)));
    }

    /** With no guard, which must not be needed. */
    public static SnapshotTools tools(Hypervisor hypervisor) {
        return tools(hypervisor, new ImageStores(List.of()));
    }

    /** @param storage of its raw disks */
    public static SnapshotTools tools(Hypervisor hypervisor, ImageStore storage) {
        return new SnapshotTools(
                hypervisor,
                new QemuImages("qemu-img"),
                Answers.of(FreezeWatch.class, Map.of()),
                InstantSource.system(),
                System::nanoTime,
                16,
                storage);
    }

    /** @param chain has the disk {@code d0} */
    public static VmRegistry machines(Name vm, ChainDirectory chain, Hypervisor hypervisor) {
        return machines(definition(vm, new VmDefinition.Disk("d0", chain.headFile("d0"))), hypervisor);
    }

    /** @param definition of the only machine */
    public static VmRegistry machines(VmDefinition definition, Hypervisor hypervisor) {
        return new VmRegistry(
                Map.of(definition, Optional.empty()), Unreadable.NONE, hypervisor, new VmRegistry.Listener() {
                    @Override
                    public void onProcess(ManagedVm machine, RunningVm process) {
                        requireIts(machine);
                    }

                    @Override
                    public void onGone(ManagedVm machine) {
                        requireIts(machine);
                    }

                    private void requireIts(ManagedVm machine) {
                        if (!machine.name().equals(definition.name())) {
                            throw new AssertionError("there is no " + machine.name());
                        }
                    }
                });
    }
}
