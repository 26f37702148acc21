package dev.holdfast.coordinator.group;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.holdfast.coordinator.walls.BesideOthers;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Three nodes that stay up, each in a process of its own. */
@BesideOthers
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ChannelProcessesTest {

    private static final String ALL = "[n1, n2, n3]";

    private Lab lab;
    private NodeProcess one;
    private NodeProcess two;
    private NodeProcess three;

    @BeforeAll
    void startsThreeNodes(@TempDir Path directory) throws Exception {
        lab = new Lab(directory, 1);
        lab.register(1);
        one = lab.node(1);
        String first = one.await("started", 60);
        lab.register(2);
        two = lab.node(2);
        String second = two.await("started", 60);
        lab.register(3);
        three = lab.node(3);
        String third = three.await("started", 60);
        System.out.printf("group channel: start took %s, %s, %s ms%n", first, second, third);
        Lab.awaitPresent(one, ALL);
        Lab.awaitPresent(two, ALL);
        Lab.awaitPresent(three, ALL);
        assertThat(Long.parseLong(first)).as("the first node waits for nobody").isLessThan(5_000);
    }

    @AfterAll
    void stops() throws InterruptedException {
        lab.close();
    }

    @Test
    void freezeIsAnsweredWithinMilliseconds() throws Exception {
        one.ask("bench 1000 n2,n3", 60);
        long[] micros = numbers(one.ask("bench 5000 n2,n3", 60));
        System.out.printf(
                "group channel: one hop, slower of two peers, 5000 exchanges: p50 %d us, p99 %d us, p99.9 %d us, max %d us%n",
                micros[0], micros[1], micros[2], micros[3]);
        assertThat(micros[0]).as("p50 in us").isLessThan(10_000);
        assertThat(micros[4]).as("lost").isZero();
    }

    @Test
    void clocksAreComparedWithinTheErrorGiven() {
        await().atMost(Duration.ofMinutes(1)).untilAsserted(() -> {
            long[] offset = numbers(one.ask("clock n3", 60));
            assertThat(offset[1]).as("error in ns").isBetween(1L, 20_000_000L);
            assertThat(Math.abs(offset[0] - 200_000_000L)).isLessThanOrEqualTo(offset[1]);
        });
    }

    @Test
    void nodeWithAnotherKeyStaysAloneAndIsCounted() throws Exception {
        lab.writeKey("other.key", "fedcba9876543210fedcba9876543210");
        try (NodeProcess four = lab.node(4, "other.key")) {
            four.await("started", 60);
            await().atMost(Duration.ofMinutes(1)).until(() -> unsealed(one) + unsealed(two) + unsealed(three) > 0);
            assertThat(four.ask("present", 60)).isEqualTo("[n4]");
            assertThat(one.ask("present", 60)).isEqualTo(ALL);
        }
        assertThat(one.hasSeenDepartures()).isFalse();
    }

    @Test
    void foreignBytesChangeNothing() throws Exception {
        for (int seed = 0; seed < 20; seed++) {
            pour(NodeProcess.PORT, new Random(seed));
        }
        assertThat(one.ask("present", 60)).isEqualTo(ALL);
        assertThat(numbers(one.ask("bench 200 n2,n3", 60))[4]).as("lost").isZero();
        assertThat(one.hasSeenDepartures()).isFalse();
    }

    private void pour(int port, Random random) throws IOException {
        byte[] noise = new byte[64 * 1024];
        random.nextBytes(noise);
        try (Socket socket = new Socket(InetAddress.getByName(lab.address(1)), port);
                OutputStream out = socket.getOutputStream()) {
            out.write(noise);
        } catch (SocketException hungUp) {
            assertThat(hungUp).hasMessageMatching("(?i).*(reset|broken pipe|closed).*");
        }
    }

    private static long unsealed(NodeProcess node) throws Exception {
        Matcher figure = Pattern.compile("UNSEALED=(\\d+)").matcher(node.ask("figures", 60));
        assertThat(figure.find()).isTrue();
        return Long.parseLong(figure.group(1));
    }

    static long[] numbers(String text) {
        return Arrays.stream(text.split(" ")).mapToLong(Long::parseLong).toArray();
    }
}
