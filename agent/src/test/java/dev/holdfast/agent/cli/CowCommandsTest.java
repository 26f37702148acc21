package dev.holdfast.agent.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.json.Json;
import dev.holdfast.agent.json.JsonObject;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Without an agent, a configuration or a socket. */
class CowCommandsTest {
    private static final int SIZE = 16 * 512;
    private static final int DATA = 12288;

    @TempDir
    private Path directory;

    private final FakeEnvironment environment = new FakeEnvironment();
    private Path base;
    private Path cow;

    /** A COW file with its second sector written. */
    @BeforeEach
    void makeChain() throws IOException {
        environment.width = 200;
        base = Files.write(directory.resolve("base"), new byte[SIZE]);
        cow = directory.resolve("cow");
        ByteBuffer file = ByteBuffer.allocate(DATA + SIZE);
        file.putInt(0x4f4f4f4d)
                .putInt(3)
                .putInt((int) Files.getLastModifiedTime(base).to(TimeUnit.SECONDS))
                .putLong(SIZE)
                .putInt(512)
                .putInt(4096)
                .putInt(0)
                .put(base.toString().getBytes(StandardCharsets.UTF_8));
        file.put(8192, (byte) 2);
        Arrays.fill(file.array(), DATA + 512, DATA + 1024, (byte) 'x');
        Files.write(cow, file.array());
    }

    private int run(Object... arguments) {
        return environment.run(Arrays.stream(arguments).map(Object::toString).toArray(String[]::new));
    }

    @Test
    void aChainIsShown() throws IOException {
        assertThat(run("snapshot", "show-cow", cow)).isZero();
        assertThat(environment.out.toString().lines())
                .containsExactly(
                        "Device: 8.0 KiB (8192 bytes)",
                        "FORMAT  WRITTEN  VISIBLE  MIXED 4K  FILE",
                        "cow v3  512 B    512 B    1         " + cow,
                        "raw     8.0 KiB  7.5 KiB  -         " + base);

        assertThat(run("snapshot", "show-cow", cow, "-o", "json")).isZero();
        JsonObject answer = Json.object(environment.out.toString());
        assertThat(answer.number("device_bytes")).contains((long) SIZE);
        assertThat(answer.objects("layers").get(0).number("mixed_groups")).contains(1L);
    }

    @Test
    void aChainThatIsNotWholeIsShownAsFarAsItGoes() throws IOException {
        Path moved = Files.move(base, directory.resolve("moved"));
        assertThat(run("snapshot", "show-cow", cow)).isEqualTo(1);
        assertThat(environment.out).asString().contains("cow v3").doesNotContain("raw");
        assertThat(environment.err).asString().contains("the chain is not whole", base + " is not there", "--base");

        assertThat(run("snapshot", "show-cow", "-b", moved, cow)).isZero();
    }

    @Test
    void aChainIsMergedIntoAnImageOrACowFile() throws IOException {
        Path out = directory.resolve("out");
        assertThat(run("snapshot", "merge-cow", cow, out)).isZero();
        assertThat(environment.out).asString().isEqualTo(out + " is made: 8.0 KiB of the device.\n");
        byte[] expected = new byte[SIZE];
        Arrays.fill(expected, 512, 1024, (byte) 'x');
        assertThat(Files.readAllBytes(out)).isEqualTo(expected);

        assertThat(run("snapshot", "merge-cow", "--cow", cow, out)).isEqualTo(1);
        assertThat(environment.err).asString().contains(out + " is there already", "--force");
        assertThat(Files.readAllBytes(out)).isEqualTo(expected);

        assertThat(run("snapshot", "merge-cow", "--cow", "--force", cow, out)).isZero();
        assertThat(environment.out).asString().contains("4.0 KiB of the device, of which 3.5 KiB fill groups of 4 KiB");
        assertThat(run("snapshot", "merge-cow", "--cow", "--exact-sectors", "-f", cow, out, "-o", "json"))
                .isZero();
        assertThat(Json.object(environment.out.toString()).number("written_bytes"))
                .contains(512L);
    }

    @Test
    void whatDoesNotFitTogetherIsRefused() {
        assertThat(run("snapshot", "merge-cow", "--exact-sectors", cow, "out")).isEqualTo(2);
        assertThat(environment.err).asString().contains("--exact-sectors is for --cow");
        assertThat(run("snapshot", "merge-cow", cow)).isEqualTo(2);
        assertThat(run("snapshot", "show-cow", base)).isEqualTo(1);
        assertThat(environment.err).asString().startsWith("holdfast: " + base + " is not a COW file");
    }
}
