package dev.holdfast.coordinator.engine;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;

/** What a class has said at level warning or above, from now on. Thread-safe. */
final class Warnings extends Handler implements AutoCloseable {

    private final List<String> texts = new CopyOnWriteArrayList<>();
    private final Logger logger;

    private Warnings(Logger logger) {
        this.logger = logger;
    }

    static Warnings of(Class<?> speaker) {
        Warnings warnings = new Warnings(Logger.getLogger(speaker.getName()));
        warnings.logger.addHandler(warnings);
        return warnings;
    }

    List<String> texts() {
        return List.copyOf(texts);
    }

    @Override
    public void publish(LogRecord said) {
        if (said.getLevel().intValue() >= Level.WARNING.intValue()) {
            texts.add(new SimpleFormatter().formatMessage(said));
        }
    }

    @Override
    public void flush() {
        // Nothing is kept back.
    }

    @Override
    public void close() {
        logger.removeHandler(this);
    }
}
