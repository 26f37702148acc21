package dev.holdfast.agent.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** What a command shows while several nodes get on at once. */
class ProgressViewTest {
    private static final long MIB = 1 << 20;

    private final FakeEnvironment environment = new FakeEnvironment();

    @Test
    void printsEachTenthOnceThoughTheReportsOfTheNodesComeMixed() {
        ProgressView view = new ProgressView(environment);

        view.bytes("draining", 51 * MIB, 100 * MIB);
        view.bytes("hashing", 11 * MIB, 100 * MIB);
        view.bytes("draining", 48 * MIB, 100 * MIB);
        view.bytes("draining", 59 * MIB, 100 * MIB);
        view.bytes("hashing", 12 * MIB, 100 * MIB);
        view.bytes("draining", 100 * MIB, 100 * MIB);
        view.end();

        assertThat(environment.err.toString().lines())
                .containsExactly(
                        "draining   51 % of 100 MiB", "hashing    11 % of 100 MiB", "draining   100 % of 100 MiB");
    }

    @Test
    void movesOneBarOnATerminal() {
        environment.interactive = true;
        ProgressView view = new ProgressView(environment);

        view.bytes("draining", 51 * MIB, 100 * MIB);
        view.bytes("hashing", 11 * MIB, 100 * MIB);
        assertThat(environment.err.toString()).doesNotContain("\n");

        view.phase("ready", "n1");
        assertThat(environment.err.toString().lines().toList()).last().isEqualTo("ready      n1");
    }
}
