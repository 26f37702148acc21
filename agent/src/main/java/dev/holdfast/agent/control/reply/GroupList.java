package dev.holdfast.agent.control.reply;

import dev.holdfast.coordinator.protocol.Name;
import java.util.List;

/**
 * The answer to {@code group.list}, and with one element to {@code group.show}, {@code add} and {@code remove}.
 *
 * @param groups by name
 */
public record GroupList(List<Group> groups) {

    /** Copies the list. */
    public GroupList {
        groups = List.copyOf(groups);
    }

    /**
     * A group.
     *
     * @param name its name
     * @param members its machines
     */
    public record Group(Name name, List<Member> members) {
        /** Copies the list. */
        public Group {
            members = List.copyOf(members);
        }
    }

    /**
     * A member.
     *
     * @param vm the machine
     * @param node where it runs, or empty
     * @param state as in {@link VmDetails}
     */
    public record Member(Name vm, String node, String state) {}
}
