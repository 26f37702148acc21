package dev.holdfast.agent;

import dev.holdfast.agent.snapshot.DiskStorage;
import dev.holdfast.agent.storage.Commands;
import dev.holdfast.agent.storage.HostCommands;
import dev.holdfast.agent.storage.ImageStore;
import dev.holdfast.agent.storage.ImageStores;
import dev.holdfast.agent.storage.directory.DirectoryStore;
import dev.holdfast.agent.storage.drbd.DrbdStore;
import dev.holdfast.agent.storage.lvm.LvmStore;
import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.agent.vm.VmRegistry;
import java.util.List;

/** The storages of a node. What is a file costs no tool of the others. */
final class Storages {
    private Storages() {}

    /** @param vms whose chains the files are in */
    static ImageStore of(VmRegistry vms) {
        Commands commands = new HostCommands();
        ImageStore files = new DirectoryStore(
                commands, vm -> vms.find(vm).map(ManagedVm::definition).flatMap(DiskStorage::layers));
        return new DrbdStore(commands, new ImageStores(List.of(files, new LvmStore(commands))));
    }
}
