/**
 * The ports of the engine on ZooKeeper: decisions, catalogue, nodes, election, queues; and a ZooKeeper server for a first
 * try. Start reading at {@link dev.holdfast.coordinator.zookeeper.Schema} (every path there is) and
 * {@link dev.holdfast.coordinator.zookeeper.ZooKeeperStore} (what an agent opens).
 *
 * <p>Curator's recipes serve liveness and order only. What must be true is in multis that name versions; those go to
 * ZooKeeper's own client, because Curator repeats an operation whose connection was lost, and a decision must never be
 * repeated blindly.
 *
 * <p>The only package that imports Curator and ZooKeeper.
 */
@NullMarked
package dev.holdfast.coordinator.zookeeper;

import org.jspecify.annotations.NullMarked;
