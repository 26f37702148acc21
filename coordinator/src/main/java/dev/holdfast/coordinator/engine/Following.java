package dev.holdfast.coordinator.engine;

/** Somebody follows a round until this is closed. */
public interface Following extends AutoCloseable {

    @Override
    void close();
}
