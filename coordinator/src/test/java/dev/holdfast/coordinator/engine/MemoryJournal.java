package dev.holdfast.coordinator.engine;

import dev.holdfast.coordinator.port.Journal;
import dev.holdfast.coordinator.protocol.JournalEntry;
import dev.holdfast.coordinator.protocol.RoundId;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** A journal that survives the engine, as a disk does. Thread-safe. */
public final class MemoryJournal implements Journal {
    private final Map<RoundId, JournalEntry> entries = new ConcurrentHashMap<>();

    @Override
    public void write(JournalEntry entry) {
        entries.put(entry.spec().id(), entry);
    }

    @Override
    public void remove(RoundId round) {
        entries.remove(round);
    }

    @Override
    public List<JournalEntry> entries() {
        return List.copyOf(entries.values());
    }
}
