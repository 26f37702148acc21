package dev.holdfast.agent.snapshot.chain;

import dev.holdfast.agent.json.DurableFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotLinkException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * The link that is the head of a chain. While a running machine turns from its layers to the images below them, the link is set
 * aside as {@code head.aside}: whoever starts the machine then finds nothing, instead of the side that may be the older one. Not thread-safe.
 */
final class HeadLink {
    static final String NAME = "head";
    static final String ASIDE = "head.aside";

    private final Path chain;

    /** @param chain the directory of the chain */
    HeadLink(Path chain) {
        this.chain = chain;
    }

    /** Whether it is set aside. */
    boolean isAside() throws IOException {
        return DurableFile.isThere(chain.resolve(ASIDE)) && !DurableFile.isThere(chain.resolve(NAME));
    }

    /**
     * The generation that a start finds.
     *
     * @throws ChainException if it leads to none, saying why
     */
    int generation() throws IOException {
        return read(NAME);
    }

    /** The generation that it leads to, or led to before it was set aside. */
    int lastGeneration() throws IOException {
        return read(isAside() ? ASIDE : NAME);
    }

    /** Nothing can start from it any more. Atomic, not durable on return. Again: does nothing. */
    void setAside() throws IOException {
        if (!isAside()) {
            // What an earlier move to this node may have left: without a head it would make the chain a half copy.
            DurableFile.delete(chain.resolve(ArrivingChain.MARK));
            Files.move(chain.resolve(NAME), chain.resolve(ASIDE), StandardCopyOption.ATOMIC_MOVE);
        }
    }

    /** Forgets what was set aside, if there is a head. */
    void dropAside() throws IOException {
        if (!isAside()) {
            Files.deleteIfExists(chain.resolve(ASIDE));
        }
    }

    private int read(String name) throws IOException {
        Path link = chain.resolve(name);
        Path target;
        try {
            target = Files.readSymbolicLink(link);
        } catch (NoSuchFileException | NotLinkException e) {
            throw new ChainException(explain(link), e);
        }
        String number = target.getFileName().toString();
        if (!target.equals(Path.of("generations", number)) || !number.matches("[0-9]{6,9}")) {
            throw new ChainException(link + " points to " + target + ", which is no generation of this chain");
        }
        return Integer.parseInt(number);
    }

    private String explain(Path link) throws IOException {
        if (isAside()) {
            return "the disks in " + chain
                    + " are going back into the images below their layers, which takes some milliseconds"
                    + " from when the guest is stopped; if it lasts, run \"holdfast fsck\" and do not start the machine";
        }
        return MovedChain.explain(chain)
                .orElse(link
                        + " is not a symbolic link to a generation; run \"holdfast fsck\" and do not start"
                        + " the machine");
    }
}
