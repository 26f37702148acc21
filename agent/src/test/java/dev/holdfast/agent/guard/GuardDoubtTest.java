package dev.holdfast.agent.guard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.holdfast.agent.BesideOthers;
import dev.holdfast.agent.guard.GuardLab.Armer;
import dev.holdfast.agent.hypervisor.Control;
import dev.holdfast.agent.hypervisor.ProcessIdentity;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A kernel whose worker does not answer for longer than the guard waits: it runs, and may yet obey an order to stop. Who gave that order is
 * dead, or wakes too late.
 */
@BesideOthers
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class GuardDoubtTest {
    private static final Name WEB = new Name("web");
    private static final Duration MINUTE = Duration.ofMinutes(1);
    private static final Fired DOUBT = new Fired(
            WEB, "r1", "eof", "resumed, but it may yet obey an order to stop from before; if it does, that is undone");

    private GuardLab lab;
    private GuardClient observer;
    private Path mark;
    private Process process;
    private StandInKernel kernel;

    @BeforeEach
    void thawAGuestWhoseWorkerSleeps() throws Exception {
        lab = new GuardLab("--doubt-after", "600");
        observer = lab.client();
        Path home = lab.directory.resolve("vms/web");
        mark = home.resolve("frozen");
        kernel = new StandInKernel(home.resolve("own"));
        process = lab.start("sleep", "600");
        observer.watch(
                WEB, home, Control.console(ProcessIdentity.of(process.pid()).orElseThrow()));
        Armer armer = lab.armer();
        assertThat(armer.ask("{\"op\":\"arm\",\"vm\":\"web\",\"token\":\"r1\",\"deadline_ms\":60000}"))
                .isEqualTo("{\"ok\":true}");
        kernel.lazy(true);
        kernel.stop();
        armer.kill();
        assertThat(lab.nextFired()).isEqualTo(DOUBT);
    }

    @AfterEach
    void stopEverything() throws Exception {
        kernel.close();
        lab.close();
    }

    private void awaitTold(String command, int more) {
        long before = kernel.heard(command);
        await().atMost(GuardLab.BOUND).until(() -> kernel.heard(command) >= before + more);
    }

    @Test
    void theGuestIsToldToGoOnUntilItsWorkerHasAnswered() throws Exception {
        assertThat(mark).as("for the monitor and the thaw script").exists();
        awaitTold("go", 5);
        awaitTold("config -", 1);
        assertThat(mark).exists();
        assertThat(lab.fired).as("it is said once").isEmpty();

        kernel.lazy(false);
        assertThat(lab.nextFired()).isEqualTo(new Fired(WEB, "r1", "eof", "resumed"));
        assertThat(kernel.isStopped()).as("it obeyed, and that was undone").isFalse();
        assertThat(mark).doesNotExist();

        kernel.stop();
        await().during(Duration.ofMillis(900)).atMost(GuardLab.BOUND).until(kernel::isStopped);
    }

    /** What its owner or the thaw script believes is no proof. */
    @Test
    void aMarkThatSomebodyTakesAwayEndsNothing() throws Exception {
        Files.delete(mark);
        kernel.lazy(false);
        assertThat(lab.nextFired().result()).isEqualTo("resumed");
        assertThat(kernel.isStopped()).isFalse();
    }

    @Test
    void nobodyFreezesTheGuestMeanwhile() throws Exception {
        assertThatThrownBy(() -> observer.arm(WEB, "r2", MINUTE, false))
                .isInstanceOf(GuardRefusedException.class)
                .hasMessageContaining("being thawed with token r1")
                .hasMessageContaining("'holdfast vm thaw web'");
        assertThatThrownBy(() -> observer.unwatch(WEB)).hasMessageContaining("being thawed");
        kernel.lazy(false);
        assertThat(lab.nextFired().result()).isEqualTo("resumed");
        observer.arm(WEB, "r2", MINUTE, false);
        assertThat(observer.disarm(WEB, "r2")).isFalse();
    }

    @Test
    void anotherProcessIsNotTakenForTheMachineBeforeThisOneHasEnded() throws Exception {
        Process next = lab.start("sleep", "600");
        assertThatThrownBy(() -> watch(next)).hasMessageContaining("being thawed");
        process.destroyForcibly().waitFor();
        assertThat(lab.nextFired().result()).isEqualTo("gone: its process has ended");
        assertThat(mark).doesNotExist();
        watch(next);
    }

    private void watch(Process other) throws IOException {
        observer.watch(
                WEB,
                mark.getParent(),
                Control.console(ProcessIdentity.of(other.pid()).orElseThrow()));
    }
}
