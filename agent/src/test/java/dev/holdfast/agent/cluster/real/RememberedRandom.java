package dev.holdfast.agent.cluster.real;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.Provider;
import java.security.SecureRandomSpi;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/**
 * The system's randomness, by which an agent makes the secrets of its moves; a test can look up afterwards what they were. An agent
 * that is started with {@link #arguments} takes it for its own.
 */
public final class RememberedRandom extends Provider {
    private static final long serialVersionUID = 1L;
    private static final String NAME = "Remembered";
    private static final String FILE = "holdfast.test.remembered";
    private static final String SECURITY = "random.security";
    /** As long as the secret of a tunnel, and its salts. */
    private static final int LENGTH = 32;

    /** Made by Java itself. */
    public RememberedRandom() {
        super(NAME, "1", "randomness that a test can look up");
        putService(new Service(this, "SecureRandom", NAME, Urandom.class.getName(), null, null));
    }

    /** Has a node remember, from its next start on. */
    static void remember(Path home) throws IOException {
        // The place of another provider, which then comes last.
        Files.writeString(
                home.resolve(SECURITY),
                "security.provider.1=%s%nsecurity.provider.13=SUN%n".formatted(RememberedRandom.class.getName()));
    }

    /** What Java is to be started with; nothing for a node that does not remember. */
    static List<String> arguments(Path home) {
        Path security = home.resolve(SECURITY);
        return Files.exists(security)
                ? List.of("-Djava.security.properties=" + security, "-D" + FILE + "=" + file(home))
                : List.of();
    }

    static Path file(Path home) {
        return home.resolve("remembered");
    }

    /** What a node has made of the length of a secret. */
    static List<byte[]> of(Path home) throws IOException {
        List<byte[]> made = new ArrayList<>();
        for (String line : Files.readAllLines(file(home))) {
            made.add(HexFormat.of().parseHex(line));
        }
        return made;
    }

    /** Made by Java itself. */
    public static final class Urandom extends SecureRandomSpi {
        private static final long serialVersionUID = 1L;

        @Override
        protected void engineSetSeed(byte[] seed) {
            // The system has its own.
        }

        @Override
        protected byte[] engineGenerateSeed(int length) {
            byte[] bytes = new byte[length];
            engineNextBytes(bytes);
            return bytes;
        }

        @Override
        protected void engineNextBytes(byte[] bytes) {
            try (DataInputStream system = new DataInputStream(Files.newInputStream(Path.of("/dev/urandom")))) {
                system.readFully(bytes);
                if (bytes.length == LENGTH) {
                    Files.writeString(
                            Path.of(System.getProperty(FILE)),
                            HexFormat.of().formatHex(bytes) + "\n",
                            StandardOpenOption.CREATE,
                            StandardOpenOption.APPEND);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
