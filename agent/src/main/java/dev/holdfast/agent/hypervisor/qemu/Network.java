package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.VmDefinition;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Network cards that can be connected later. Each card sits on a hub of its own inside QEMU; what it is connected to outside
 * is a second port of that hub. So a process that is loaded beside a held one needs no tap device, which serves one process
 * at a time, and takes it over when the old process is gone. The hub costs the card its offloads (no {@code vnet_hdr}).
 */
final class Network {

    private Network() {}

    /**
     * Words for the command line.
     *
     * @param connected whether the cards are connected from the start
     */
    static List<String> words(List<VmDefinition.Nic> nics, boolean connected) {
        List<String> words = new ArrayList<>();
        for (int hub = 0; hub < nics.size(); hub++) {
            VmDefinition.Nic nic = nics.get(hub);
            words.addAll(List.of("-netdev", "hubport,id=%s,hubid=%d".formatted(nic.id(), hub)));
            // Without a boot ROM: it would be one more file whose version has to match when memory is loaded.
            words.addAll(List.of(
                    "-device",
                    "virtio-net-pci,netdev=%s,id=dev-%s,mac=%s,romfile=".formatted(nic.id(), nic.id(), nic.mac())));
            if (connected) {
                for (String outside : outside(nic, hub)) {
                    words.addAll(List.of("-netdev", outside));
                }
            }
        }
        return words;
    }

    /** Connects the cards of a process that was started without. */
    static void connect(Monitor monitor, List<VmDefinition.Nic> nics) throws HypervisorException {
        for (int hub = 0; hub < nics.size(); hub++) {
            for (String outside : outside(nics.get(hub), hub)) {
                // The human monitor takes a back end in the same words as the command line.
                String answer = monitor.call("human-monitor-command", Map.of("command-line", "netdev_add " + outside))
                        .asText();
                if (!answer.isBlank()) {
                    throw new HypervisorException(
                            HypervisorException.Kind.FAILED,
                            "the network card " + nics.get(hub).id() + " cannot be connected: " + answer.strip());
                }
            }
        }
    }

    private static List<String> outside(VmDefinition.Nic nic, int hub) {
        String backend = nic.backend();
        int comma = backend.indexOf(',');
        String type = comma < 0 ? backend : backend.substring(0, comma);
        String rest = comma < 0 ? "" : backend.substring(comma);
        return List.of(
                "%s,id=%s-out%s".formatted(type, nic.id(), rest),
                "hubport,id=%s-hub,hubid=%d,netdev=%s-out".formatted(nic.id(), hub, nic.id()));
    }
}
