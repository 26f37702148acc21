package dev.holdfast.agent.guard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.holdfast.agent.BesideOthers;
import dev.holdfast.agent.guard.GuardLab.Armer;
import dev.holdfast.agent.guard.GuardLab.Machine;
import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A quiesced guest counts as frozen. The guest agent is a fake; QEMU is real. */
@BesideOthers
@Tag("qemu")
class GuardQuiesceTest {
    private static final Duration MINUTE = Duration.ofMinutes(1);
    /** Of quiesces that nothing answers. */
    private static final Duration SHORT = Duration.ofMillis(300);
    /** Of those that are answered. */
    private static final Duration LONG = Duration.ofSeconds(30);
    /** Of a freeze that is not answered, while its sync is. */
    private static final Duration HALF_ANSWERED = Duration.ofSeconds(3);

    private GuardLab lab;
    private GuardClient client;
    private Machine web;
    private FakeGuestAgent guest;

    @BeforeEach
    void startEverything() throws IOException {
        lab = new GuardLab();
        client = lab.client();
        web = lab.machine("web");
        guest = new FakeGuestAgent(web.home().resolve("qga.sock"));
        client.watch(web.name(), web.home(), web.control(true));
    }

    @AfterEach
    void stopEverything() throws Exception {
        guest.close();
        lab.close();
    }

    private static void quiesce(Armer armer) throws IOException {
        assertThat(armer.ask("{\"op\":\"quiesce\",\"vm\":\"web\",\"token\":\"r1\",\"timeout_ms\":30000}"))
                .isEqualTo("{\"ok\":true,\"filesystems\":2}");
    }

    @Test
    void freezesAndThawsFileSystems() throws Exception {
        client.arm(web.name(), "r1", MINUTE, false);
        assertThat(client.quiesce(web.name(), "r1", LONG)).isEqualTo(2);
        assertThat(guest.frozen()).isTrue();
        assertThatThrownBy(() -> client.disarm(web.name(), "r1")).hasMessageContaining("unquiesce");
        assertThat(client.unquiesce(web.name(), "r1")).isEqualTo(2);
        assertThat(guest.frozen()).isFalse();
        assertThat(client.disarm(web.name(), "r1")).isFalse();
        assertThat(guest.commands).containsExactly("sync", "freeze", "sync", "thaw");
    }

    @Test
    void thawsFileSystemsAfterTheMachineWhenTheAgentDies() throws Exception {
        Armer armer = lab.armer();
        armer.arm(web, "r1", 60_000);
        quiesce(armer);
        web.stop();
        armer.kill();
        assertThat(web.nanosUntilRunning()).isLessThan(1_000_000_000L);
        await().atMost(Duration.ofSeconds(1)).until(() -> !guest.frozen());
        assertThat(lab.nextFired().result()).isEqualTo("resumed");
        assertThat(web.marked()).isFalse();
    }

    @Test
    void thawsFileSystemsOfARunningMachineAtTheDeadline() throws Exception {
        Armer armer = lab.armer();
        armer.arm(web, "r1", 60_000);
        quiesce(armer);
        armer.arm(web, "r1", 400);
        GuardLab.signal(armer.process(), "STOP");
        await().atMost(Duration.ofMillis(1400)).until(() -> !guest.frozen());
        assertThat(lab.nextFired().reason()).isEqualTo("deadline");
    }

    @Test
    void sendsNoFreezeToAGuestThatDoesNotAnswer() throws Exception {
        guest.deafTo("sync"::equals);
        client.arm(web.name(), "r1", MINUTE, false);
        assertThatThrownBy(() -> client.quiesce(web.name(), "r1", SHORT))
                .hasMessageContaining("does not answer in time");
        await().atMost(GuardLab.BOUND).until(() -> !guest.commands.isEmpty());
        assertThat(guest.commands).containsExactly("sync");
        assertThat(client.disarm(web.name(), "r1")).isFalse();
    }

    @Test
    void undoesAFreezeThatTakesTooLong() throws Exception {
        guest.deafTo("freeze"::equals);
        client.arm(web.name(), "r1", MINUTE, false);
        assertThatThrownBy(() -> client.quiesce(web.name(), "r1", HALF_ANSWERED))
                .hasMessageContaining("thawed again");
        assertThat(guest.frozen()).isFalse();
        assertThat(client.disarm(web.name(), "r1")).isFalse();
    }

    @Test
    void triesUntilTheGuestAgentAnswersAgain() throws Exception {
        client.arm(web.name(), "r1", MINUTE, false);
        client.quiesce(web.name(), "r1", LONG);
        guest.deafTo(command -> true);
        client.arm(web.name(), "r1", Duration.ofMillis(100), false);
        await().atMost(GuardLab.BOUND).until(() -> guest.commands.size() >= 6);
        assertThat(web.marked()).isTrue();
        assertThat(lab.fired).isEmpty();
        guest.deafTo(command -> false);
        assertThat(lab.nextFired().result()).isEqualTo("resumed");
        assertThat(web.marked()).isFalse();
    }

    @Test
    void thawingWhatIsNotFrozenDoesNothing() throws Exception {
        client.arm(web.name(), "r1", MINUTE, false);
        assertThat(client.unquiesce(web.name(), "r1")).isZero();
        client.quiesce(web.name(), "r1", LONG);
        client.arm(web.name(), "r1", Duration.ofMillis(300), false);
        assertThat(lab.nextFired().result()).isEqualTo("resumed");
        assertThat(client.unquiesce(web.name(), "r1")).isZero();
        assertThat(client.disarm(web.name(), "r1")).isTrue();
    }

    @Test
    void thawsAGuestThatWasRestoredWithFrozenFileSystems() throws Exception {
        client.armRestored(web.name(), "r1/restored", MINUTE);
        assertThat(client.unquiesce(web.name(), "r1/restored")).isEqualTo(2);
        assertThat(client.disarm(web.name(), "r1/restored")).isFalse();
        assertThat(guest.commands).containsExactly("sync", "thaw");
    }

    @Test
    void thawsARestoredGuestWhenTheAgentDies() throws Exception {
        Armer armer = lab.armer();
        armer.ask("{\"op\":\"arm\",\"vm\":\"web\",\"token\":\"r1\",\"deadline_ms\":60000,\"quiesced\":true}");
        armer.kill();
        await().atMost(Duration.ofSeconds(1)).until(() -> guest.commands.contains("thaw"));
        assertThat(lab.nextFired().result()).isEqualTo("resumed");
    }

    @Test
    void refusesWithoutAnArmOrAGuestAgent() throws Exception {
        assertThatThrownBy(() -> client.quiesce(web.name(), "r1", SHORT)).hasMessageContaining("arm it first");
        Machine db = lab.machine("db");
        db.watchedBy(client);
        client.arm(db.name(), "r1", MINUTE, false);
        assertThatThrownBy(() -> client.quiesce(db.name(), "r1", SHORT)).hasMessageContaining("guest_agent = true");
        assertThatThrownBy(() -> client.armRestored(db.name(), "r1", MINUTE))
                .hasMessageContaining("guest_agent = true");
    }
}
