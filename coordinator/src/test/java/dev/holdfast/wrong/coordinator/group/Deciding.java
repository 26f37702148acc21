package dev.holdfast.wrong.coordinator.group;

import org.apache.zookeeper.ZooKeeper;

/** Wrong on purpose: a channel that knows the store. */
record Deciding(ZooKeeper store) {}
