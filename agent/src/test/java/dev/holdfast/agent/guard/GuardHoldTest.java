package dev.holdfast.agent.guard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.holdfast.agent.BesideOthers;
import dev.holdfast.agent.guard.GuardLab.Armer;
import dev.holdfast.agent.guard.GuardLab.Machine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A replicated machine stands still at its time, whoever has died. */
@BesideOthers
@Tag("qemu")
class GuardHoldTest {
    private static final Duration HOUR = Duration.ofHours(1);

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

    private Machine watched(String... more) throws IOException {
        Machine web = lab.machine("web", more);
        web.watchedBy(client);
        return web;
    }

    private Held held() throws InterruptedException {
        Held held = lab.held.poll(GuardLab.BOUND.toSeconds(), TimeUnit.SECONDS);
        assertThat(held).isNotNull();
        return held;
    }

    private static void becomes(Machine web, String status) {
        await().atMost(GuardLab.BOUND).until(() -> web.status().equals(status));
    }

    private static Path file(Machine web, String name) {
        return web.home().resolve(name);
    }

    private static Armer holding(GuardLab lab, Machine web, long millis) throws IOException {
        Armer armer = lab.armer();
        assertThat(armer.ask("{\"op\":\"hold\",\"vm\":\"web\",\"token\":\"g1\",\"after_ms\":%d}".formatted(millis)))
                .isEqualTo("{\"ok\":true}");
        return armer;
    }

    @Test
    void aGuestWhoseAgentHasDiedIsStoppedAndStaysSo() throws Exception {
        Machine web = watched();
        holding(lab, web, 800).kill();

        assertThat(held().result()).isEqualTo("stopped");
        assertThat(web.status()).isEqualTo("paused");
        assertThat(Files.readString(file(web, "held"))).startsWith("token=g1\nsince_boottime_ms=");
        assertThat(client.ping().held()).containsExactly("web");
        // A freeze that ends does not let it run, and neither does anybody else.
        client.arm(web.name(), "r1", Duration.ofMillis(20), false);
        assertThat(lab.nextFired().result()).isEqualTo("left stopped, as it is held for its standby");
        assertThat(client.disarm(web.name(), "r1")).isTrue();
        web.tell("cont", Map.of());
        becomes(web, "paused");
        assertThat(client.holdOff(web.name(), "g1")).isTrue();
        assertThat(file(web, "held")).doesNotExist();
        assertThat(file(web, "hold")).doesNotExist();
        web.tell("cont", Map.of());
        client.ping();
        assertThat(web.status()).isEqualTo("running");
        client.unwatch(web.name());
    }

    @Test
    void theNextHoldTakesThePlaceOfTheFormer() throws Exception {
        Machine web = watched();
        client.hold(web.name(), "g1", Duration.ofMillis(50));
        assertThat(held()).isEqualTo(new Held(web.name(), "g1", "lag", "stopped"));
        client.hold(web.name(), "g2", HOUR);
        assertThat(file(web, "held")).doesNotExist();
        assertThat(client.ping().held()).isEmpty();
        web.tell("cont", Map.of());
        client.ping();
        assertThat(web.status()).isEqualTo("running");
        assertThatThrownBy(() -> client.holdOff(web.name(), "g1")).hasMessageContaining("to be held with token g2");
        assertThatThrownBy(() -> client.unwatch(web.name())).hasMessageContaining("send \"hold_off\" first");
        // A guest that stands still already stays so, and the thaw script can be told that a person wants it to run.
        web.stop();
        client.hold(web.name(), "g2", Duration.ofMillis(1));
        assertThat(held().result()).isEqualTo("already stopped");
        Files.delete(file(web, "held"));
        web.tell("cont", Map.of());
        await().atMost(GuardLab.BOUND).until(() -> client.ping().held().isEmpty());
        assertThat(web.status()).isEqualTo("running");
        assertThat(file(web, "hold")).doesNotExist();
        assertThat(client.holdOff(web.name(), "g2")).isFalse();
    }

    @Test
    void anotherGuardHoldsWhatAGuardThatWasKilledWasToHold() throws Exception {
        Machine web = watched();
        client.hold(web.name(), "g1", Duration.ofMillis(500));
        lab.killGuard();
        lab.restartGuard();
        becomes(web, "paused");
        lab.killGuard();
        web.tell("cont", Map.of());
        lab.restartGuard();
        becomes(web, "paused");
        GuardClient next = lab.client();
        web.watchedBy(next);
        assertThat(next.ping().held()).containsExactly("web");
        // With its process goes what was to be held.
        web.qemu().destroyForcibly().waitFor();
        await().atMost(GuardLab.BOUND).until(() -> next.ping().held().isEmpty());
        assertThat(file(web, "held")).doesNotExist();
        assertThat(file(web, "hold")).doesNotExist();
    }

    @Test
    void disksThatHangAreCutOffSoThatQemuAnswersAgain() throws Exception {
        Path export = lab.directory.resolve("nbd.sock");
        Path image = Files.createFile(lab.directory.resolve("target.raw"));
        lab.start("truncate", "-s", "4G", image.toString()).waitFor();
        Process nbd = lab.start("qemu-nbd", "-f", "raw", "-k", export.toString(), "-x", "x", "-t", image.toString());
        await().atMost(GuardLab.BOUND).until(() -> Files.exists(export));
        Machine web = watched("-blockdev", "driver=null-co,node-name=source,size=4294967296");
        Map<String, String> server = Map.of("type", "unix", "path", export.toString());
        web.tell("blockdev-add", Map.of("driver", "nbd", "node-name", "peer", "export", "x", "server", server));
        web.tell("blockdev-mirror", Map.of("job-id", "m", "device", "source", "target", "peer", "sync", "full"));
        GuardLab.signal(nbd, "STOP");
        client.hold(web.name(), "g1", Duration.ofMillis(50));

        assertThat(held().result()).isEqualTo("stopped");
        assertThat(web.status()).isEqualTo("paused");
    }
}
