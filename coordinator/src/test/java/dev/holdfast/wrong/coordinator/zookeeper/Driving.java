package dev.holdfast.wrong.coordinator.zookeeper;

import dev.holdfast.wrong.coordinator.engine.Knowing;

/** Wrong on purpose: a store that knows the engine. */
record Driving(Knowing engine) {}
