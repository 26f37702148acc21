package dev.holdfast.wrong.coordinator.engine;

import dev.holdfast.wrong.agent.Above;
import org.apache.zookeeper.ZooKeeper;

/** Wrong on purpose: an engine that knows the store's library and the agent. */
public record Knowing(ZooKeeper store, Above agent) {}
