package dev.holdfast.agent.migration;

import dev.holdfast.agent.json.DurableFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Remembers for ever which moves with copied disks have come to this node, and which of them have made the machine this node's:
 * whoever asks long afterwards is told that it never ran here only by who knows that the move was here, and not because the
 * disks are not mounted, or the state directory is another one. Files of some bytes each.
 *
 * @param state the node's state directory
 */
record CopyNotes(Path state) {
    private static final DurableFile<Note> NOTES = new DurableFile<>("copied-move", 1, Note.class);
    private static final String RECEIVED = "received";
    private static final String TAKEN = "taken";

    record Note(String move) {}

    private Path file(String what, String move) {
        return state.resolve(what).resolve(move + ".json");
    }

    private void note(String what, String move) throws IOException {
        Files.createDirectories(state.resolve(what));
        DurableFile.flushDirectory(state);
        NOTES.write(file(what, move), new Note(move));
    }

    /** Copies of its disks are to come here. Before anything else is known of it. */
    void received(String move) throws IOException {
        note(RECEIVED, move);
    }

    /** The machine is this node's, and may run from now on. */
    void taken(String move) throws IOException {
        note(TAKEN, move);
    }

    /** It is not, and has not run. */
    void notTaken(String move) throws IOException {
        if (wasTaken(move)) {
            DurableFile.delete(file(TAKEN, move));
        }
    }

    /** @throws IOException nobody can tell */
    boolean wasReceived(String move) throws IOException {
        return DurableFile.isThere(file(RECEIVED, move));
    }

    /** @throws IOException nobody can tell */
    boolean wasTaken(String move) throws IOException {
        return DurableFile.isThere(file(TAKEN, move));
    }
}
