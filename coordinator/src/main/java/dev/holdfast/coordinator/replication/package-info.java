/**
 * The pure rules of replicated machines: who may be promoted, when the in-sync set changes, when a primary has to keep its guest
 * still. Nothing here owns a thread, a clock or a socket.
 *
 * <p>Start with {@link dev.holdfast.coordinator.replication.Promotion}, which fits on a page, then
 * {@link dev.holdfast.coordinator.replication.ReplicaState}, whose javadoc is the table of transitions of one machine on one
 * node.
 */
@NullMarked
package dev.holdfast.coordinator.replication;

import org.jspecify.annotations.NullMarked;
