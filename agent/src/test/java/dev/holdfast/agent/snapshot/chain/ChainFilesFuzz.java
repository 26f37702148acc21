package dev.holdfast.agent.snapshot.chain;

import dev.holdfast.agent.json.Json;
import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.UnreadableFileException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** Any content of a sidecar, an intent or an image's header: read, or refused as unreadable; also past the digest. */
public final class ChainFilesFuzz {
    private static final Path FILE = file();

    private ChainFilesFuzz() {}

    private static Path file() {
        try {
            return Files.createTempFile("holdfast-fuzz", ".json");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The first byte says what it is. */
    public static void fuzzerTestOneInput(byte[] input) throws IOException {
        if (input.length == 0) {
            return;
        }
        byte[] bytes = Arrays.copyOfRange(input, 1, input.length);
        String text = new String(bytes, StandardCharsets.UTF_8);
        switch (Math.floorMod(input[0] - '0', 5)) {
            case 0 -> whole(ChainDirectory.SIDECARS::read, bytes);
            case 1 -> whole(ChainDirectory.INTENTS::read, bytes);
            case 2 -> body(text, SnapshotRecord.class);
            case 3 -> body(text, Intent.class);
            default -> header(bytes);
        }
    }

    private interface Reader {
        Object read(Path file) throws IOException;
    }

    private static void whole(Reader reader, byte[] bytes) throws IOException {
        Files.write(FILE, bytes);
        try {
            reader.read(FILE);
        } catch (UnreadableFileException refused) {
            use(refused.getMessage());
        }
    }

    private static void body(String text, Class<?> type) {
        try {
            use(Json.read(text, type));
        } catch (JsonException refused) {
            use(refused.getMessage());
        }
    }

    private static void header(byte[] bytes) throws IOException {
        Files.write(FILE, bytes);
        try {
            use(Qcow2Header.read(FILE));
        } catch (IOException refused) {
            use(refused.getMessage());
        }
    }

    private static void use(Object value) {
        if (value == null || value.toString().isBlank()) {
            throw new AssertionError("neither content nor a reason");
        }
    }
}
