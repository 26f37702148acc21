package dev.holdfast.wrong.coordinator.protocol.message;

/** Wrong on purpose: a message that is not a record. */
class Mutable {
    int value;
}
