package dev.holdfast.agent.inspection;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * The mark of a freeze in a machine's run directory, as guard and agent write it. Immutable.
 *
 * @param token the operation that froze; empty if the mark is torn
 * @param hold whether it has no bound
 * @param wasPaused whether the machine stood still before, and stays so
 * @param until when the guard ends it at the latest, by the wall clock
 */
record FreezeMark(String token, boolean hold, boolean wasPaused, Instant until) {

    private static final String FILE = "frozen";
    private static final String TOKEN = "token=";
    private static final String DEADLINE = "deadline_ms=";

    /** The guard needs a moment, and a mark that is just being written is none of ours. */
    private static final Duration GRACE = Duration.ofSeconds(5);

    /** The mark, if there is one. */
    static Optional<FreezeMark> read(Path runDirectory) throws IOException {
        Path file = runDirectory.resolve(FILE);
        try {
            List<String> lines = Files.readAllLines(file);
            // The guard writes the mark anew whenever the deadline begins anew.
            Instant since = Files.getLastModifiedTime(file).toInstant();
            long millis = value(lines, DEADLINE)
                    .filter(text -> text.matches("\\d{1,9}"))
                    .map(Long::parseLong)
                    .orElse(0L);
            return Optional.of(new FreezeMark(
                    value(lines, TOKEN).orElse(""),
                    lines.contains("kind=hold"),
                    lines.contains("was_paused=1"),
                    since.plusMillis(millis)));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    private static Optional<String> value(List<String> lines, String key) {
        return lines.stream()
                .filter(line -> line.startsWith(key))
                .map(line -> line.substring(key.length()))
                .findFirst();
    }

    /** Whether its bound has passed for certain. A hold has none. */
    boolean isOver(Instant now) {
        return !hold && now.isAfter(until.plus(GRACE));
    }

    /** Takes the mark away. */
    static void remove(Path runDirectory) throws IOException {
        Files.deleteIfExists(runDirectory.resolve(FILE));
    }
}
