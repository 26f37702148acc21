package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.qmp.QmpValue;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Names of the block nodes that make a copy on another node, and how they hang together when asked. Immutable.
 *
 * @param edges what is below what
 */
record CopyNodes(List<Edge> edges) {
    private static final Pattern NUMBERED = Pattern.compile(".+\\.(?:wire|sender)-([0-9]+)");

    /** One node uses another as {@code role}. */
    record Edge(String parent, String child, String role) {}

    static String top(String diskId) {
        return diskId + ".top";
    }

    static String hidden(String diskId) {
        return diskId + ".hidden";
    }

    static String active(String diskId) {
        return diskId + ".active";
    }

    static String receiver(String diskId) {
        return diskId + ".receiver";
    }

    /** The connection to a standby. Numbers are not used twice in one process. */
    static String wire(String diskId, long number) {
        return diskId + ".wire-" + number;
    }

    static boolean isWire(String node) {
        return node.contains(".wire-");
    }

    static boolean isSender(String node) {
        return node.contains(".sender-");
    }

    static String sender(String diskId, long number) {
        return diskId + ".sender-" + number;
    }

    static CopyNodes read(Monitor monitor) throws HypervisorException {
        QmpValue graph = monitor.call("x-debug-query-block-graph");
        Map<Long, String> names = new HashMap<>();
        for (QmpValue node : graph.path("nodes")) {
            names.put(node.path("id").asLong(), node.path("name").asText());
        }
        List<Edge> edges = new ArrayList<>();
        for (QmpValue edge : graph.path("edges")) {
            edges.add(new Edge(
                    names.getOrDefault(edge.path("parent").asLong(), ""),
                    names.getOrDefault(edge.path("child").asLong(), ""),
                    edge.path("name").asText()));
        }
        return new CopyNodes(List.copyOf(edges));
    }

    /** As what a node uses another; empty if it does not. */
    Optional<String> role(String parent, String child) {
        return edges.stream()
                .filter(e -> e.parent().equals(parent) && e.child().equals(child))
                .map(Edge::role)
                .findFirst();
    }

    /** The sender that a disk's writes go to. */
    Optional<String> sender(String diskId) {
        return edges.stream()
                .filter(e -> e.parent().equals(top(diskId)) && e.child().contains(".sender-"))
                .map(Edge::child)
                .findFirst();
    }

    /** Whether the disks are on their way back to the last checkpoint. */
    boolean isRollingBack(VmDefinition vm) {
        return vm.disks().stream()
                .anyMatch(d -> edges.stream()
                        .anyMatch(e -> e.parent().equals(receiver(d.id()))
                                && (e.role().equals("hidden disk") || e.role().equals("secondary disk"))));
    }

    /** The layer node a copied disk stands on, found from its top; empty if the path to it is not one of ours. */
    Optional<String> layer(String diskId) {
        String node = top(diskId);
        for (int depth = 0; depth < 2; depth++) {
            String parent = node;
            Optional<String> next = edges.stream()
                    .filter(e -> e.parent().equals(parent) && !e.child().contains(".sender-"))
                    .filter(e -> e.role().equals("file") || e.role().startsWith("children."))
                    .map(Edge::child)
                    .findFirst();
            if (next.isEmpty()) {
                return next;
            }
            node = next.get();
            if (!node.equals(receiver(diskId))) {
                return next;
            }
        }
        return Optional.empty();
    }

    /** A number that no wire or sender has. */
    static long next(Monitor monitor) throws HypervisorException {
        long highest = 0;
        for (QmpValue node : monitor.call("query-named-block-nodes", Map.of("flat", true))) {
            Matcher matcher = NUMBERED.matcher(node.path("node-name").asText());
            if (matcher.matches()) {
                highest = Math.max(highest, Long.parseLong(matcher.group(1)));
            }
        }
        return highest + 1;
    }
}
