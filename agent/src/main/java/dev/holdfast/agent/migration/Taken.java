package dev.holdfast.agent.migration;

import dev.holdfast.agent.json.DurableFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Remembers for ever which moves with copied disks have made this node the machine's: whoever asks long afterwards must not be
 * told that it never ran here because the disks are not mounted. A file of some bytes each.
 */
final class Taken {
    private static final DurableFile<Note> NOTES = new DurableFile<>("taken-move", 1, Note.class);

    record Note(String move) {}

    private Taken() {}

    private static Path file(Path state, String move) {
        return state.resolve("taken").resolve(move + ".json");
    }

    static void note(Path state, String move) throws IOException {
        Files.createDirectories(state.resolve("taken"));
        DurableFile.flushDirectory(state);
        NOTES.write(file(state, move), new Note(move));
    }

    static void forget(Path state, String move) throws IOException {
        if (is(state, move)) {
            DurableFile.delete(file(state, move));
        }
    }

    static boolean is(Path state, String move) {
        return Files.exists(file(state, move));
    }
}
