package dev.holdfast.wrong.coordinator.codec;

import dev.holdfast.wrong.coordinator.engine.Knowing;

/** Wrong on purpose: a codec that knows the engine. */
record Talking(Knowing engine) {}
