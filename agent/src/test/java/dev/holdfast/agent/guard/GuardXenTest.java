package dev.holdfast.agent.guard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.holdfast.agent.BesideOthers;
import dev.holdfast.agent.guard.GuardLab.Armer;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** As {@link GuardThawTest}, for domains of Xen: a script stands in for xl. With the real one: deploy/test/soak/xen.bats. */
@BesideOthers
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class GuardXenTest {
    private static final long SECOND = 1_000_000_000L;
    /** An order is a process or two, which take a busy machine its time. */
    private static final long BOUND = 5 * SECOND;

    private static final Name WEB = new Name("web");
    private static final Duration MINUTE = Duration.ofMinutes(1);
    private static final Duration A_WHILE = Duration.ofMillis(1500);

    private Path bin;
    private StandInXl xl;
    private GuardLab lab;
    private GuardClient observer;
    private Path home;
    private Armer armer;

    @BeforeEach
    void startEverything() throws IOException {
        bin = Files.createTempDirectory("xl-");
        xl = new StandInXl(bin);
        lab = new GuardLab("--xl", xl.program().toString());
        observer = lab.client();
        home = Files.createDirectories(lab.directory.resolve("vms/web"));
        watch();
        armer = lab.armer();
    }

    @AfterEach
    void stopEverything() throws Exception {
        lab.close();
        for (String name : List.of("xl", "domain", "calls", "broken", "hangs")) {
            Files.deleteIfExists(bin.resolve(name));
        }
        Files.delete(bin);
    }

    private void watch() throws IOException {
        observer.watch(WEB, home, StandInXl.control());
    }

    private void arm(String token, long deadlineMillis) throws IOException {
        assertThat(armer.ask("{\"op\":\"arm\",\"vm\":\"web\",\"token\":\"%s\",\"deadline_ms\":%d}"
                        .formatted(token, deadlineMillis)))
                .isEqualTo("{\"ok\":true}");
    }

    private boolean marked() {
        return Files.exists(home.resolve("frozen"));
    }

    private void staysPaused() {
        await().during(A_WHILE).atMost(GuardLab.BOUND).until(xl::isPaused);
    }

    @Test
    void runsAgainAfterAKill() throws Exception {
        arm("r1", 60_000);
        xl.isPaused(1);
        armer.kill();
        assertThat(xl.nanosUntilRunning()).isLessThan(BOUND);
        assertThat(lab.nextFired()).isEqualTo(new Fired(WEB, "r1", "eof", "resumed"));
        assertThat(marked()).isFalse();
        xl.isPaused(1);
        staysPaused();
    }

    @Test
    void runsAgainAtTheDeadlineOfAHungProcess() throws Exception {
        arm("r1", 300);
        xl.isPaused(1);
        GuardLab.signal(armer.process(), "STOP");
        assertThat(xl.nanosUntilRunning()).isLessThan(BOUND);
        assertThat(lab.nextFired()).isEqualTo(new Fired(WEB, "r1", "deadline", "resumed"));
    }

    /** Xen counts. */
    @Test
    void eachPauseIsUndone() throws Exception {
        arm("r1", 60_000);
        xl.isPaused(2);
        armer.kill();
        assertThat(xl.nanosUntilRunning()).isLessThan(BOUND);
        assertThat(lab.nextFired().result()).isEqualTo("resumed");
    }

    /** The dead agent's own xl may live on for a moment. */
    @Test
    void aPauseThatWasOnItsWayIsUndone() throws Exception {
        arm("r1", 60_000);
        armer.kill();
        await().atMost(GuardLab.BOUND).until(() -> xl.heard("unpause 7") > 0 && xl.heard("list") > 1);
        xl.isPaused(1);
        assertThat(xl.nanosUntilRunning()).isLessThan(BOUND);
        assertThat(lab.nextFired().result()).isEqualTo("resumed");
        assertThat(xl.isPaused()).isFalse();
    }

    @Test
    void aHungProcessThatWakesCannotFreezeAnyMore() throws Exception {
        observer.arm(WEB, "r1", Duration.ofMillis(50), false);
        assertThat(lab.nextFired().result()).isEqualTo("already running");
        xl.isPaused(1);
        assertThat(xl.nanosUntilRunning()).isLessThan(BOUND);
        assertThat(lab.nextFired()).isEqualTo(new Fired(WEB, "r1", "deadline", "resumed"));
        assertThat(observer.disarm(WEB, "r1")).isTrue();
        xl.isPaused(1);
        staysPaused();
    }

    @Test
    void leavesAPausedMachinePaused() throws Exception {
        xl.isPaused(1);
        watch();
        observer.arm(WEB, "r1", Duration.ofMillis(100), true);
        assertThat(lab.nextFired().result()).isEqualTo("left paused, as its user wants it");
        staysPaused();
        assertThat(xl.heard("unpause 7")).isZero();
        assertThat(marked()).isFalse();
    }

    @Test
    void doesNothingToAMachineThatIsDisarmedInTime() throws Exception {
        observer.arm(WEB, "r1", MINUTE, false);
        xl.isPaused(1);
        staysPaused();
        assertThat(observer.disarm(WEB, "r1")).isFalse();
        assertThat(xl.heard("unpause 7")).isZero();
        assertThat(marked()).isFalse();
    }

    @Test
    void saysThatTheDomainIsGoneOrHasEnded() throws Exception {
        arm("r1", 60_000);
        xl.hasShutDown();
        armer.kill();
        assertThat(lab.nextFired().result()).isEqualTo("left in state ---s--, which is no freeze of ours");
        armer = lab.armer();
        arm("r2", 60_000);
        xl.isGone();
        armer.kill();
        assertThat(lab.nextFired()).isEqualTo(new Fired(WEB, "r2", "eof", "gone: its domain has ended"));
        assertThat(observer.ping().armed()).isEmpty();
        assertThat(marked()).isFalse();
    }

    @Test
    void whatXlDoesNotTellProvesNothing() throws Exception {
        arm("r1", 60_000);
        xl.isPaused(1);
        xl.isBroken("broken", true);
        armer.kill();
        await().during(A_WHILE).atMost(GuardLab.BOUND).until(() -> lab.fired.isEmpty());
        assertThat(xl.heard("unpause 7")).isGreaterThan(1);
        assertThat(marked()).isTrue();
        xl.isBroken("broken", false);
        assertThat(xl.nanosUntilRunning()).isLessThan(BOUND);
        assertThat(lab.nextFired().result()).isEqualTo("resumed");
        assertThat(marked()).isFalse();
    }

    /** Each call is ended after ten seconds. */
    @Test
    void anXlThatHangsIsCalledAnew() throws Exception {
        arm("r1", 60_000);
        xl.isPaused(1);
        xl.isBroken("hangs", true);
        armer.kill();
        await().atMost(GuardLab.BOUND).until(() -> xl.heard("unpause 7") > 0);
        xl.isBroken("hangs", false);
        assertThat(xl.nanosUntilRunning()).isLessThan(BOUND + 10 * SECOND);
        assertThat(lab.nextFired().result()).isEqualTo("resumed");
    }

    @Test
    void aShellThatWasKilledIsStartedAgain() throws Exception {
        arm("r1", 60_000);
        xl.isPaused(1);
        ProcessHandle shell = lab.guard().children().findFirst().orElseThrow();
        shell.destroyForcibly();
        await().atMost(GuardLab.BOUND).until(() -> !shell.isAlive());
        armer.kill();
        assertThat(xl.nanosUntilRunning()).isLessThan(BOUND);
        assertThat(lab.nextFired().result()).isEqualTo("resumed");
    }

    @Test
    void aGuardThatIsToldToStopThawsFirst() throws Exception {
        arm("r1", 60_000);
        xl.isPaused(1);
        ProcessHandle shell = lab.guard().children().findFirst().orElseThrow();
        GuardLab.signal(lab.guard(), "TERM");
        assertThat(lab.guard().waitFor(10, TimeUnit.SECONDS)).isTrue();
        assertThat(lab.guard().exitValue()).isZero();
        assertThat(xl.isPaused()).isFalse();
        assertThat(marked()).isFalse();
        await().atMost(GuardLab.BOUND).until(() -> !shell.isAlive());
    }

    @Test
    void watchingWaitsForXl() throws Exception {
        xl.isBroken("broken", true);
        assertThatThrownBy(this::watch)
                .isInstanceOf(GuardRefusedException.class)
                .hasMessageContaining("xl does not tell of its domain");
        assertThatThrownBy(() -> observer.arm(WEB, "r1", MINUTE, false))
                .hasMessageContaining("xl has not told of its domain");
        assertThat(marked()).isFalse();
        xl.isBroken("broken", false);
        watch();
        observer.arm(WEB, "r1", MINUTE, false);
        assertThat(marked()).isTrue();
    }

    @Test
    void aDomainThatIsNotThereIsNotWatched() throws Exception {
        xl.isGone();
        assertThatThrownBy(this::watch)
                .isInstanceOf(GuardRefusedException.class)
                .hasMessageContaining("there is no such domain");
        assertThat(armer.ask("{\"op\":\"watch\",\"vm\":\"db\",\"dir\":\"/tmp/db\",\"control\":\"xen\"}"))
                .contains("\\\"domain\\\" must be its number");
        assertThat(
                        armer.ask(
                                "{\"op\":\"watch\",\"vm\":\"db\",\"dir\":\"/tmp/db\",\"control\":\"xen\",\"domain\":\"7; reboot\"}"))
                .contains("\\\"domain\\\" must be its number");
    }

    @Test
    void refusesWhatNeedsAGuestAgentOrAStandby() throws Exception {
        observer.arm(WEB, "r1", MINUTE, false);
        assertThatThrownBy(() -> observer.quiesce(WEB, "r1", Duration.ofSeconds(1)))
                .hasMessageContaining("no guest agent")
                .hasMessageContaining("--quiesce=no");
        observer.disarm(WEB, "r1");
        assertThatThrownBy(() -> observer.hold(WEB, "e1", MINUTE)).hasMessageContaining("not replicated");
        ProcessHandle shell = lab.guard().children().findFirst().orElseThrow();
        observer.unwatch(WEB);
        await().atMost(GuardLab.BOUND).until(() -> !shell.isAlive());
    }
}
