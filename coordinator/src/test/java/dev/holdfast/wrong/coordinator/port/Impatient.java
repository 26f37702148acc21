package dev.holdfast.wrong.coordinator.port;

import dev.holdfast.wrong.coordinator.engine.Knowing;

/** Wrong on purpose: a port that knows the engine. */
interface Impatient {
    Knowing engine();
}
