package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.replication.EpochContent;
import dev.holdfast.agent.hypervisor.replication.Primary;
import dev.holdfast.agent.hypervisor.replication.Replication;
import dev.holdfast.agent.hypervisor.replication.Standby;
import dev.holdfast.agent.hypervisor.replication.StandbyPlace;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * QEMU's block replication without COLO (docs/block-replication.txt), and memory by one migration per epoch that waits before
 * the switch-over. A standby that takes disks alone is a machine that was never run: its memory takes no room on the host yet.
 */
public final class QemuReplication implements Replication {
    private final QemuHypervisor hypervisor;

    /** @param hypervisor what starts the processes */
    public QemuReplication(QemuHypervisor hypervisor) {
        this.hypervisor = hypervisor;
    }

    @Override
    public RunningVm start(VmDefinition definition, StartMode mode) throws HypervisorException {
        return hypervisor.start(definition, mode, DiskWiring.FOLLOWED);
    }

    @Override
    public void checkNoneUnnoted(VmDefinition definition) throws HypervisorException {
        hypervisor.checkNoneUnnoted(definition);
    }

    @Override
    public Primary primary(RunningVm machine) throws HypervisorException {
        QemuVm vm = own(machine);
        CopyNodes nodes = CopyNodes.read(vm.monitor());
        for (VmDefinition.Disk disk : vm.definition().disks()) {
            if (nodes.layer(disk.id()).isEmpty()) {
                throw new HypervisorException(
                        Kind.REFUSED,
                        "disk " + disk.id() + " of " + vm.name()
                                + " was not opened so that it can be copied; restart the machine as a replicated one");
            }
        }
        return new QemuPrimary(vm);
    }

    @Override
    public Standby startStandby(VmDefinition definition, StandbyPlace place, EpochContent content)
            throws HypervisorException {
        if (hypervisor.look(definition, StandbyPlace.INSTANCE).isPresent()) {
            throw new HypervisorException(Kind.REFUSED, "a standby of " + definition.name() + " runs already");
        }
        StandbyFiles.create(place, definition, content);
        StartMode mode = switch (content) {
            case MEMORY_AND_DISKS -> StartMode.incoming(StandbyPlace.INSTANCE);
            case DISKS -> StartMode.PAUSED.beside(StandbyPlace.INSTANCE);
        };
        QemuVm vm = hypervisor.start(definition, mode, DiskWiring.following(place));
        try {
            for (VmDefinition.Disk disk : definition.disks()) {
                vm.monitor().owner().lend(place.active(disk.id()), 2);
                vm.monitor().owner().lend(place.hidden(disk.id()), 2);
            }
            return QemuStandby.fresh(hypervisor, vm, place, content);
        } catch (HypervisorException e) {
            vm.kill();
            vm.close();
            throw e;
        }
    }

    @Override
    public Optional<Standby> findStandby(VmDefinition definition, StandbyPlace place) throws HypervisorException {
        Optional<QemuVm> vm = hypervisor.look(definition, StandbyPlace.INSTANCE);
        if (vm.isEmpty()) {
            return Optional.empty();
        }
        try {
            return Optional.of(QemuStandby.found(hypervisor, vm.get(), place));
        } catch (HypervisorException e) {
            // QEMU serves one client at a time, and the next try is another one.
            vm.get().close();
            throw e;
        }
    }

    @Override
    public Optional<AtRest> atRest(VmDefinition definition, StandbyPlace place) throws HypervisorException {
        return hypervisor.look(definition, StandbyPlace.INSTANCE).isPresent()
                ? Optional.empty()
                : StandbyFiles.atRest(place, definition);
    }

    @Override
    public void clear(StandbyPlace place) throws HypervisorException {
        StandbyFiles.remove(place);
    }

    @Override
    public void settle(RunningVm machine, StandbyPlace place, Duration bound) throws HypervisorException {
        QemuVm vm = own(machine);
        QemuStandby.awaitRolledBack(vm, bound);
        for (VmDefinition.Disk disk : vm.definition().disks()) {
            vm.monitor().accepts("blockdev-del", Map.of("node-name", CopyNodes.active(disk.id())));
            vm.monitor().accepts("blockdev-del", Map.of("node-name", CopyNodes.hidden(disk.id())));
        }
        StandbyFiles.remove(place);
    }

    private static QemuVm own(RunningVm machine) {
        if (machine instanceof QemuVm vm) {
            return vm;
        }
        throw new IllegalArgumentException("not a machine of this driver");
    }
}
