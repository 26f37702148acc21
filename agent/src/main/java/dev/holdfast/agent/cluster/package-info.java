/**
 * The cluster's side of the agent: finding the leader, handing it a caller's wish, and doing for other agents what only this
 * node can do to its machines' parts.
 */
@NullMarked
package dev.holdfast.agent.cluster;

import org.jspecify.annotations.NullMarked;
