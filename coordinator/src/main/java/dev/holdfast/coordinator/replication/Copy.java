package dev.holdfast.coordinator.replication;

import dev.holdfast.coordinator.protocol.Name;

/**
 * One copy of a machine: its disks, and on a standby the memory that belongs to them. A node is not a copy: a standby that
 * comes back after a power failure has the node's name and not its memory. So the id is kept on the medium of the copy's most
 * volatile part, and goes with it. Immutable.
 *
 * @param node where it is
 * @param id made when the copy is made, never used again
 */
public record Copy(Name node, Name id) implements Comparable<Copy> {

    @Override
    public int compareTo(Copy other) {
        int byNode = node.compareTo(other.node);
        return byNode != 0 ? byNode : id.compareTo(other.id);
    }

    @Override
    public String toString() {
        return node + "/" + id;
    }
}
