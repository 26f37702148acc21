package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.replication.StandbyPlace;
import dev.holdfast.agent.qmp.QmpValue;
import java.nio.file.Path;
import java.util.Map;

/** Makes the disks of a standby writable, if they are not, and lets a primary in over NBD. */
record StandbyDoor(Monitor monitor, VmDefinition vm, StandbyPlace place) {
    /** @param inactive the process waits for memory */
    void open(boolean inactive) throws HypervisorException {
        if (inactive) {
            activate();
        }
        serve(place.disks());
        for (VmDefinition.Disk disk : vm.disks()) {
            export("copy-" + disk.id(), BlockGraph.firstNode(disk.id()), disk.id());
        }
    }

    /** A process that waits for memory has its block nodes inactive; replication that is started upon them crashes QEMU 7.2. */
    private void activate() throws HypervisorException {
        if (knows("blockdev-set-active")) {
            monitor.call("blockdev-set-active", Map.of("active", true));
            return;
        }
        // A writable export activates everything below it, and it stays so.
        serve(place.directory().resolve("activate.sock"));
        for (VmDefinition.Disk disk : vm.disks()) {
            String id = "activate-" + disk.id();
            export(id, CopyNodes.top(disk.id()), disk.id());
            monitor.call("block-export-del", Map.of("id", id, "mode", "hard"));
        }
        monitor.call("nbd-server-stop");
    }

    private boolean knows(String command) throws HypervisorException {
        for (QmpValue known : monitor.call("query-commands")) {
            if (known.path("name").asText().equals(command)) {
                return true;
            }
        }
        return false;
    }

    private void serve(Path socket) throws HypervisorException {
        monitor.owner()
                .bind(
                        socket,
                        place -> monitor.call(
                                "nbd-server-start",
                                Map.of("addr", Map.of("type", "unix", "data", Map.of("path", place.toString())))));
    }

    private void export(String id, String node, String name) throws HypervisorException {
        monitor.call(
                "block-export-add", Map.of("type", "nbd", "id", id, "node-name", node, "name", name, "writable", true));
    }
}
