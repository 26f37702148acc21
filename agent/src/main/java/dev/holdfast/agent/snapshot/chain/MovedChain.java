package dev.holdfast.agent.snapshot.chain;

import dev.holdfast.agent.json.DurableFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;

/**
 * A chain whose machine has gone to another node with a copy of it. Its head is set aside, so that nothing starts from it: it
 * is older than the copy from then on. {@code moved.json} says where the machine went. All changes are durable on return and
 * can be repeated. Not thread-safe.
 */
public final class MovedChain {
    static final String NOTE = "moved.json";
    private static final String HEAD = "head";
    private static final String ASIDE = "head.moved";
    private static final DurableFile<Note> NOTES = new DurableFile<>("moved-chain", 1, Note.class);

    private final Path path;

    private MovedChain(Path path) {
        this.path = path;
    }

    /**
     * Where it went.
     *
     * @param operation the move
     * @param target the node
     * @param certain whether it is known to have run there
     */
    public record Note(String operation, String target, boolean certain) {}

    /** @param path the chain's directory, which need not exist */
    public static MovedChain at(Path path) {
        return new MovedChain(path);
    }

    /** What was noted, if its head is set aside. */
    public Optional<Note> note() throws IOException {
        return isAside() ? Optional.of(read()) : Optional.empty();
    }

    private boolean isAside() throws IOException {
        return DurableFile.isThere(path.resolve(ASIDE)) && !DurableFile.isThere(path.resolve(HEAD));
    }

    private Note read() throws IOException {
        try {
            return NOTES.read(path.resolve(NOTE));
        } catch (NoSuchFileException e) {
            throw new ChainException(
                    path.resolve(ASIDE) + " is there and " + path.resolve(NOTE)
                            + " is not: nobody knows where the machine went; if it runs nowhere else and has not run"
                            + " elsewhere since, give the link back its name \"" + HEAD + "\"",
                    e);
        }
    }

    /** Nothing can start from it any more. */
    public void setAside(String operation, String target) throws IOException {
        if (isAside() && read().operation().equals(operation)) {
            return;
        }
        NOTES.write(path.resolve(NOTE), new Note(operation, target, false));
        // What an earlier move to this node may have left: without a head it would make the chain a half copy.
        DurableFile.delete(path.resolve(ArrivingChain.MARK));
        Files.move(path.resolve(HEAD), path.resolve(ASIDE), StandardCopyOption.ATOMIC_MOVE);
        DurableFile.flushDirectory(path);
    }

    /** It is the machine's again, because the copy has not become that. Does nothing if this move has not set it aside. */
    public void reopen(String operation) throws IOException {
        if (!DurableFile.isThere(path.resolve(NOTE)) || !read().operation().equals(operation)) {
            return;
        }
        if (isAside()) {
            Files.move(path.resolve(ASIDE), path.resolve(HEAD), StandardCopyOption.ATOMIC_MOVE);
            DurableFile.flushDirectory(path);
        }
        DurableFile.delete(path.resolve(NOTE));
    }

    /** The machine runs elsewhere. Does nothing if this move has not set it aside. */
    public void gone(String operation) throws IOException {
        if (isAside() && read().operation().equals(operation)) {
            NOTES.write(path.resolve(NOTE), new Note(operation, read().target(), true));
        }
    }

    /** For people: why there is no head; empty if that has another reason. */
    static Optional<String> explain(Path path) throws IOException {
        if (DurableFile.isThere(path.resolve(ArrivingChain.MARK))) {
            return Optional.of(
                    "the chain in " + path + " is being copied here from another node, or was when that was cut off;"
                            + " start the machine on the node that it comes from");
        }
        MovedChain moved = at(path);
        return moved.isAside()
                ? Optional.of(("the machine of %s has moved to node %s with a copy of its disks, and this one is older;"
                                + " start it there")
                        .formatted(path, moved.read().target()))
                : Optional.empty();
    }
}
