package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.VmDefinition;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Network cards that can be connected later. Each card sits on a hub of its own inside QEMU; what it is connected to outside
 * is a second port of that hub. So a process that is loaded beside a held one needs no tap device, which serves one process
 * at a time, and takes it over when the old process is gone. The hub costs the card its offloads (no {@code vnet_hdr}).
 *
 * <p>The back end {@code user} has a state of its own, a section {@code slirp} of the memory image, so that QEMU loads the
 * image only where that back end is there already. It takes nothing that serves one process at a time except the ports of
 * the host that it forwards; those are added when the old process is gone.
 */
final class Network {

    private static final String FORWARD = "hostfwd=";

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
            if (connected || hasState(nic)) {
                for (String outside : outside(nic, hub, connected)) {
                    words.addAll(List.of("-netdev", outside));
                }
            }
        }
        return words;
    }

    /**
     * Connects the cards of a process that was started without.
     *
     * @throws HypervisorException REFUSED if one cannot be connected; none is then
     */
    static void connect(Monitor monitor, List<VmDefinition.Nic> nics) throws HypervisorException {
        try {
            connectAll(monitor, nics);
        } catch (HypervisorException e) {
            if (e.kind() == HypervisorException.Kind.REFUSED) {
                disconnect(monitor, nics);
            }
            throw e;
        }
    }

    private static void disconnect(Monitor monitor, List<VmDefinition.Nic> nics) throws HypervisorException {
        for (VmDefinition.Nic nic : nics) {
            List<String> commands = hasState(nic)
                    ? forwards(nic)
                            .map(rule -> "hostfwd_remove " + nic.id() + "-out " + guestless(rule))
                            .toList()
                    : List.of("netdev_del " + nic.id() + "-hub", "netdev_del " + nic.id() + "-out");
            for (String command : commands) {
                // Of what is not there it says so.
                monitor.call("human-monitor-command", Map.of("command-line", command));
            }
        }
    }

    /** A rule without where it leads, as its removal wants it. */
    private static String guestless(String rule) {
        int dash = rule.lastIndexOf('-');
        return dash < 0 ? rule : rule.substring(0, dash);
    }

    private static void connectAll(Monitor monitor, List<VmDefinition.Nic> nics) throws HypervisorException {
        for (int hub = 0; hub < nics.size(); hub++) {
            VmDefinition.Nic nic = nics.get(hub);
            // The human monitor takes a back end in the same words as the command line.
            List<String> commands = hasState(nic)
                    ? forwards(nic)
                            .map(rule -> "hostfwd_add " + nic.id() + "-out " + rule)
                            .toList()
                    : outside(nic, hub, true).stream()
                            .map(words -> "netdev_add " + words)
                            .toList();
            for (String command : commands) {
                String answer = monitor.call("human-monitor-command", Map.of("command-line", command))
                        .asText();
                if (!answer.isBlank()) {
                    throw new HypervisorException(
                            HypervisorException.Kind.REFUSED,
                            "the network card " + nic.id() + " cannot be connected: " + answer.strip());
                }
            }
        }
    }

    private static boolean hasState(VmDefinition.Nic nic) {
        return type(nic).equals("user");
    }

    private static String type(VmDefinition.Nic nic) {
        return nic.backend().split(",", 2)[0];
    }

    private static Stream<String> options(VmDefinition.Nic nic) {
        return Stream.of(nic.backend().split(",")).skip(1);
    }

    /** The ports of the host that a back end {@code user} forwards, as the monitor takes them. */
    private static Stream<String> forwards(VmDefinition.Nic nic) {
        return options(nic)
                .filter(option -> option.startsWith(FORWARD))
                .map(option -> option.substring(FORWARD.length()));
    }

    /** @param forwarding whether ports of the host are taken */
    private static List<String> outside(VmDefinition.Nic nic, int hub, boolean forwarding) {
        String rest = options(nic)
                .filter(option -> forwarding || !option.startsWith(FORWARD))
                .map(option -> "," + option)
                .collect(Collectors.joining());
        return List.of(
                "%s,id=%s-out%s".formatted(type(nic), nic.id(), rest),
                "hubport,id=%s-hub,hubid=%d,netdev=%s-out".formatted(nic.id(), hub, nic.id()));
    }
}
