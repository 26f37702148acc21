package dev.holdfast.agent.guard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.holdfast.agent.BesideOthers;
import dev.holdfast.agent.guard.GuardLab.Armer;
import dev.holdfast.agent.guard.GuardLab.Machine;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Requests, good and bad. */
@BesideOthers
@Tag("qemu")
class GuardProtocolTest {
    private static final Duration MINUTE = Duration.ofMinutes(1);

    private GuardLab lab;
    private GuardClient client;

    @BeforeEach
    void startGuard() throws IOException {
        lab = new GuardLab();
        client = lab.client();
    }

    @AfterEach
    void stopEverything() throws Exception {
        lab.close();
    }

    private Machine watched(String name) throws IOException {
        Machine machine = lab.machine(name);
        machine.watchedBy(client);
        return machine;
    }

    @Test
    void survivesWhatIsNoRequest() throws Exception {
        Armer raw = lab.armer();
        for (String bad : List.of(
                "",
                "{{{",
                "[1]",
                "{}",
                "{\"op\":1}",
                "{\"op\":\"format\"}",
                "{\"op\":\"arm\"}",
                "{\"op\":\"ping\",\"op\":\"ping\"}",
                "[".repeat(4000),
                "{\"op\":\"arm\",\"vm\":\"\u00e9\",\"token\":\"\\u0000\"}",
                "{\"op\":\"watch\",\"vm\":\"../x\",\"dir\":\"/tmp\",\"pid\":2}",
                "{\"op\":\"watch\",\"vm\":\"x\",\"dir\":\"tmp\",\"pid\":2}",
                "{\"op\":\"watch\",\"vm\":\"x\",\"dir\":\"/tmp\",\"pid\":\"2\"}",
                "{\"op\":\"watch\",\"vm\":\"x\",\"dir\":\"/tmp\",\"pid\":2147483647}")) {
            assertThat(raw.ask(bad)).startsWith("{\"ok\":false,\"error\":\"").contains(";");
        }
        raw.send("x".repeat(100_000));
        assertThat(raw.answer()).contains("too long");
        assertThat(raw.ask("{\"op\":\"ping\"}")).startsWith("{\"ok\":true,\"version\":\"0.1.0\"");
    }

    @Test
    void armingAgainStartsTheCountdownAnew() throws Exception {
        Machine web = watched("web");
        client.arm(web.name(), "r1", Duration.ofSeconds(2), false);
        client.arm(web.name(), "r1", MINUTE, false);
        web.stop();
        await().during(Duration.ofMillis(2500))
                .atMost(GuardLab.BOUND)
                .until(() -> web.status().equals("paused"));
        assertThat(client.ping().armed()).containsExactly("web");
        web.tell("cont", java.util.Map.of());
        assertThat(client.disarm(web.name(), "r1")).isFalse();
        assertThat(client.ping().armed()).isEmpty();
        assertThat(web.marked()).isFalse();
        assertThat(lab.fired).isEmpty();
    }

    @Test
    void tellsThatItHasFiredAndRefusesTheTokenAfterwards() throws Exception {
        Machine web = watched("web");
        // Before it is armed: a guest that is stopped after the deadline is thawed a second time.
        web.stop();
        client.arm(web.name(), "r1", Duration.ofMillis(50), false);
        assertThat(lab.nextFired().reason()).isEqualTo("deadline");
        assertThatThrownBy(() -> client.arm(web.name(), "r1", MINUTE, false))
                .isInstanceOf(GuardRefusedException.class)
                .hasMessageContaining("its deadline passed");
        assertThat(client.disarm(web.name(), "r1")).isTrue();
        client.arm(web.name(), "r2", MINUTE, false);
        assertThat(client.disarm(web.name(), "r2")).isFalse();
    }

    @Test
    void anArmBelongsToItsConnection() throws Exception {
        Machine web = watched("web");
        GuardClient other = lab.client();
        client.arm(web.name(), "r1", MINUTE, false);
        assertThatThrownBy(() -> other.arm(web.name(), "r1", MINUTE, false)).hasMessageContaining("it is armed");
        assertThatThrownBy(() -> other.disarm(web.name(), "r1")).hasMessageContaining("not armed with token r1");
        assertThatThrownBy(() -> client.arm(web.name(), "r2", MINUTE, false)).hasMessageContaining("token r1");
        assertThatThrownBy(() -> client.unwatch(web.name())).hasMessageContaining("disarm it first");
        client.disarm(web.name(), "r1");
        client.unwatch(web.name());
        assertThat(client.ping().watched()).isEmpty();
    }

    @Test
    void doesNotArmWhatItCannotThaw() throws Exception {
        assertThatThrownBy(() -> client.arm(new Name("none"), "r1", MINUTE, false))
                .hasMessageContaining("not watched");
        Machine web = watched("web");
        web.qemu().destroyForcibly().waitFor();
        await().atMost(GuardLab.BOUND)
                .untilAsserted(() -> assertThatThrownBy(() -> client.arm(web.name(), "r1", MINUTE, false))
                        .hasMessageContaining("no QMP session"));
        assertThat(web.marked()).isFalse();
    }

    @Test
    void doesNotArmWithoutAMarker() throws Exception {
        Machine web = watched("web");
        Files.createDirectory(web.home().resolve(".frozen.guard"));
        assertThatThrownBy(() -> client.arm(web.name(), "r1", MINUTE, false))
                .hasMessageContaining("marker")
                .hasMessageContaining("Is a directory");
    }

    @Test
    void leavesTheMarkOfAHold() throws Exception {
        Machine web = watched("web");
        client.arm(web.name(), "r1", MINUTE, false);
        Files.writeString(web.home().resolve("frozen"), "token=r1\nkind=hold\n");
        client.disarm(web.name(), "r1");
        assertThat(web.marked()).isTrue();
    }

    @Test
    void watchingWaitsForAGreeting() throws Exception {
        Machine web = lab.machine("web");
        try (AutoCloseable holder = lab.monitor(web.home(), "guard.sock")) {
            assertThatThrownBy(() -> web.watchedBy(client)).hasMessageContaining("no QMP greeting");
        }
        web.watchedBy(client);
    }

    /** Arming refuses for the half second until the guard connects by itself. */
    @Test
    void watchingAgainBringsALostSessionBack() throws Exception {
        Machine machine = watched("web");
        for (int i = 0; i < 5; i++) {
            machine.tell("yank", Map.of("instances", List.of(Map.of("type", "chardev", "id", "guard"))));
            machine.watchedBy(client);
            client.arm(machine.name(), "r" + i, MINUTE, false);
            assertThat(machine.marked()).isTrue();
            client.disarm(machine.name(), "r" + i);
        }
    }

    @Test
    void aSecondGuardIsRefusedAndAStaleSocketIsReplaced() throws Exception {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(lab.socket())))
                .isEqualTo("rw-------");
        Process second = lab.start(
                "target/guard/holdfast-guard", "--socket", lab.socket().toString());
        assertThat(second.waitFor()).isEqualTo(1);
        lab.guard().destroyForcibly().waitFor();
        assertThatThrownBy(client::ping).isInstanceOf(GuardUnavailableException.class);
        assertThatThrownBy(() -> GuardClient.connect(lab.socket(), GuardLab.BOUND, fired -> {}))
                .isInstanceOf(GuardUnavailableException.class)
                .hasMessageContaining("start it");
        lab.start("target/guard/holdfast-guard", "--socket", lab.socket().toString());
        await().atMost(GuardLab.BOUND)
                .ignoreExceptions()
                .until(() -> !lab.client().ping().version().isEmpty());
    }

    @Test
    void refusesAnUnsafeDirectory() throws Exception {
        Path open = Files.createDirectory(lab.directory.resolve("open"));
        Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxrwxrwx"));
        Process guard = lab.start("target/guard/holdfast-guard", "--socket", open + "/guard.sock");
        assertThat(guard.waitFor()).isEqualTo(1);
    }
}
