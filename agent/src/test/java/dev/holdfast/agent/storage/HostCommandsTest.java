package dev.holdfast.agent.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.process.BoundedProcess.Ended;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class HostCommandsTest {
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final Duration SHORT = Duration.ofMillis(200);

    private final HostCommands commands = new HostCommands();

    @TempDir
    Path directory;

    /** Waits for a file, then says its session in another one. */
    private List<String> waiting() {
        String script =
                "while [ -d \"$0\" ] && [ ! -e \"$0/go\" ]; do sleep 0.02; done; cut -d ' ' -f 6 </proc/self/stat >\"$0/said.new\"; "
                        + "mv \"$0/said.new\" \"$0/said\"";
        return List.of("sh", "-c", script, directory.toString());
    }

    @Test
    void aToolThatIsNotThereSaysSo() throws Exception {
        List<String> missing = List.of("env", "LC_ALL=C", "holdfast-no-such-tool");
        assertThat(commands.run(missing, LONG).status()).isEqualTo(Commands.NOT_INSTALLED);
        assertThat(commands.run(missing.subList(2, 3), LONG).status()).isEqualTo(Commands.NOT_INSTALLED);
        assertThat(commands.finish(missing, LONG).map(Ended::status)).contains(Commands.NOT_INSTALLED);
    }

    @Test
    void whatMustNotBeKilledGoesOnInASessionOfItsOwn() throws Exception {
        assertThat(commands.finish(waiting(), SHORT)).isEmpty();
        Files.writeString(directory.resolve("go"), "");
        Path said = directory.resolve("said");
        Awaitility.await().atMost(LONG).until(() -> Files.exists(said));
        String ours = commands.run(List.of("cut", "-d", " ", "-f", "6", "/proc/self/stat"), LONG)
                .output();
        assertThat(said).content().isNotBlank().isNotEqualTo(ours + "\n");
        assertThat(commands.finish(waiting(), LONG)).contains(new Ended(0, ""));
    }

    @Test
    void whoIsInterruptedDoesNotKillItEither() throws Exception {
        Thread.currentThread().interrupt();
        assertThat(commands.finish(waiting(), LONG)).isEmpty();
        assertThat(Thread.interrupted()).isTrue();
        Files.writeString(directory.resolve("go"), "");
        Awaitility.await().atMost(LONG).until(() -> Files.exists(directory.resolve("said")));
    }

    @Test
    void whatMayBeKilledIs() throws Exception {
        assertThatThrownBy(() -> commands.run(waiting(), SHORT))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("was killed");
        assertThat(commands.run(List.of("sh", "-c", "echo out; echo err >&2; exit 3"), LONG))
                .isEqualTo(new Ended(3, "out\nerr"));
    }
}
