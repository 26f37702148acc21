package dev.holdfast.agent.node;

import dev.holdfast.agent.json.DurableFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Supplier;

/**
 * The random identity that an agent makes at its first start: the same node name with another identity is another node.
 * Immutable.
 *
 * @param identity never changes while the state directory lives
 */
public record NodeIdentity(String identity) {

    private static final DurableFile<NodeIdentity> FILE = new DurableFile<>("node-identity", 1, NodeIdentity.class);

    /**
     * Reads the identity, or makes one if there is none.
     *
     * @param stateDirectory must exist
     * @param identities makes a random identity
     * @throws IOException if there is a file that cannot be read: never a new identity in its place
     */
    public static NodeIdentity load(Path stateDirectory, Supplier<String> identities) throws IOException {
        Path file = stateDirectory.resolve("identity.json");
        if (Files.exists(file)) {
            return FILE.read(file);
        }
        NodeIdentity made = new NodeIdentity(identities.get());
        FILE.write(file, made);
        return made;
    }
}
