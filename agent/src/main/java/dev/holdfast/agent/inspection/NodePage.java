package dev.holdfast.agent.inspection;

import dev.holdfast.agent.fsck.NodeFacts;

/**
 * A part of what a node sees: an answer over the group channel has a bound, and chains may have thousands of snapshots.
 *
 * @param facts with some of the node's machines; the rest of it is the same on each page
 * @param next from where to ask for the next page; -1 after the last
 */
public record NodePage(NodeFacts facts, int next) {

    /** {@link #next} after the last page. */
    public static final int NONE = -1;
}
