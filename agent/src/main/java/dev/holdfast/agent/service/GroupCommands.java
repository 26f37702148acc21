package dev.holdfast.agent.service;

import dev.holdfast.agent.control.Arguments;
import dev.holdfast.agent.control.CommandTable;
import dev.holdfast.agent.control.ControlCommand;
import dev.holdfast.agent.control.ControlException;
import dev.holdfast.agent.control.ErrorCode;
import dev.holdfast.agent.control.Progress;
import dev.holdfast.agent.control.reply.GroupList;
import dev.holdfast.coordinator.port.Catalogue;
import dev.holdfast.coordinator.port.NodeRegistry;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.Name;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** {@code group.*}. Thread-safe. */
public final class GroupCommands {
    private static final String UNREADABLE = "unreadable";

    private final Catalogue catalogue;
    private final NodeRegistry nodes;

    /**
     * @param catalogue the groups there are
     * @param nodes where their members run
     */
    public GroupCommands(Catalogue catalogue, NodeRegistry nodes) {
        this.catalogue = catalogue;
        this.nodes = nodes;
    }

    /** Adds the handlers. */
    public void register(CommandTable table) {
        table.register(ControlCommand.GROUP_LIST, this::list)
                .register(ControlCommand.GROUP_SHOW, (arguments, progress) -> show(arguments.name("group")))
                .register(ControlCommand.GROUP_ADD, this::add)
                .register(ControlCommand.GROUP_REMOVE, this::remove);
    }

    private Object list(Arguments arguments, Progress progress) throws ControlException, InterruptedException {
        return Failures.told(() -> {
            List<NodeRegistry.Node> present = nodes.nodes();
            return new GroupList(catalogue.groups().stream()
                    .map(group -> describe(group, present))
                    .toList());
        });
    }

    private GroupList show(Name group) throws ControlException, InterruptedException {
        return Failures.told(() -> new GroupList(List.of(describe(find(group), nodes.nodes()))));
    }

    private Catalogue.Group find(Name group) throws StoreUnreachableException, ControlException {
        return catalogue
                .group(group)
                .orElseThrow(() -> new ControlException(
                        ErrorCode.NOT_FOUND,
                        "there is no group " + group,
                        "",
                        "'holdfast group list' shows what there is"));
    }

    private Object add(Arguments arguments, Progress progress) throws ControlException, InterruptedException {
        Name group = arguments.name("group");
        Name vm = arguments.name("vm");
        return Failures.told(() -> {
            catalogue.addToGroup(group, vm);
            return show(group);
        });
    }

    private Object remove(Arguments arguments, Progress progress) throws ControlException, InterruptedException {
        Name group = arguments.name("group");
        Name vm = arguments.name("vm");
        return Failures.told(() -> {
            if (!find(group).vms().contains(vm)) {
                throw ControlException.of(ErrorCode.NOT_FOUND, vm + " is no member of " + group);
            }
            catalogue.removeFromGroup(group, vm);
            return new GroupList(catalogue.group(group).stream()
                    .map(left -> describe(left, List.of()))
                    .toList());
        });
    }

    private static GroupList.Group describe(Catalogue.Group group, List<NodeRegistry.Node> present) {
        List<GroupList.Member> members = new ArrayList<>();
        for (Name vm : group.vms()) {
            List<NodeRegistry.Node> hosts =
                    present.stream().filter(node -> node.vms().containsKey(vm)).toList();
            // A machine may be defined on several nodes and run on one of them.
            NodeRegistry.Node host = hosts.stream()
                    .filter(node -> !"stopped".equals(node.vms().get(vm)))
                    .findFirst()
                    .orElse(hosts.isEmpty() ? null : hosts.get(0));
            members.add(
                    host == null
                            ? unreadable(vm, present)
                            : new GroupList.Member(
                                    vm, host.node().value(), host.vms().get(vm)));
        }
        present.forEach(node -> node.unreadable().stream()
                .filter(file -> file.groups().contains(group.name()))
                .flatMap(file -> file.vm().stream())
                .filter(vm -> !group.vms().contains(vm))
                .forEach(vm -> members.add(new GroupList.Member(vm, node.node().value(), UNREADABLE))));
        return new GroupList.Group(group.name(), members);
    }

    private static GroupList.Member unreadable(Name vm, List<NodeRegistry.Node> present) {
        return present.stream()
                .filter(node ->
                        node.unreadable().stream().anyMatch(file -> file.vm().equals(Optional.of(vm))))
                .findFirst()
                .map(node -> new GroupList.Member(vm, node.node().value(), UNREADABLE))
                .orElseGet(() -> new GroupList.Member(vm, "", "unknown"));
    }
}
