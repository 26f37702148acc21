package dev.holdfast.coordinator.group;

import dev.holdfast.coordinator.protocol.Name;
import java.util.Collection;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jgroups.Address;

/**
 * Who is present, by name, this node included. Where two lives of one node are in a view (it was restarted, and its end has
 * not been noticed yet) the one that joined later counts. Immutable.
 */
record Roster(SortedMap<Name, Address> lives) {

    static Roster of(Collection<Address> members, Name self, Address own) {
        SortedMap<Name, Address> lives = new TreeMap<>();
        members.forEach(life -> NodeAddress.nameOf(life).ifPresent(node -> lives.put(node, life)));
        lives.put(self, own);
        return new Roster(lives);
    }

    Set<Name> nodes() {
        return Set.copyOf(lives.keySet());
    }

    /** Nodes of this roster that are not in the other one, or only in a later life. */
    Set<Name> missingFrom(Roster next) {
        return lives.entrySet().stream()
                .filter(entry -> !entry.getValue().equals(next.lives.get(entry.getKey())))
                .map(Map.Entry::getKey)
                .collect(Collectors.toUnmodifiableSet());
    }
}
