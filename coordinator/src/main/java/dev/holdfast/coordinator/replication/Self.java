package dev.holdfast.coordinator.replication;

import dev.holdfast.coordinator.protocol.Name;

/**
 * What does not change about one machine on one node. Immutable.
 *
 * @param node this node
 * @param policy what the administrator has chosen
 */
public record Self(Name node, Policy policy) {}
