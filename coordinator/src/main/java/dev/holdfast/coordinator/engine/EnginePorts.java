package dev.holdfast.coordinator.engine;

import dev.holdfast.coordinator.port.DecisionLog;
import dev.holdfast.coordinator.port.GroupChannel;
import dev.holdfast.coordinator.port.Journal;
import dev.holdfast.coordinator.port.Snapshotter;
import dev.holdfast.coordinator.port.Timers;

/**
 * What an engine works with.
 *
 * @param log decisions
 * @param channel messages to other nodes
 * @param journal this node's stable memory
 * @param snapshotter this node's machines
 * @param timers delays
 */
public record EnginePorts(
        DecisionLog log, GroupChannel channel, Journal journal, Snapshotter snapshotter, Timers timers) {}
