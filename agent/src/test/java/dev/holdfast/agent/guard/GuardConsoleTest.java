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
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** As {@link GuardThawTest}, for machines of User-Mode Linux: a socket stands in for the console, a process that sleeps for the kernel. */
@BesideOthers
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class GuardConsoleTest {
    private static final long SECOND = 1_000_000_000L;
    private static final Name WEB = new Name("web");
    private static final Duration MINUTE = Duration.ofMinutes(1);

    /** More than the guard waits between two orders. */
    private static final Duration A_WHILE = Duration.ofMillis(900);

    private GuardLab lab;
    private GuardClient observer;
    private Path home;
    private Process process;
    private StandInKernel kernel;
    private Armer armer;

    @BeforeEach
    void startEverything() throws IOException {
        lab = new GuardLab();
        observer = lab.client();
        home = lab.directory.resolve("vms/web");
        kernel = new StandInKernel(home.resolve("own"));
        process = lab.start("sleep", "600");
        watch();
        armer = lab.armer();
    }

    @AfterEach
    void stopEverything() throws Exception {
        kernel.close();
        lab.close();
    }

    private void watch() throws IOException {
        observer.watch(
                WEB, home, Control.console(ProcessIdentity.of(process.pid()).orElseThrow()));
    }

    private void arm(String token, long deadlineMillis) throws IOException {
        assertThat(armer.ask("{\"op\":\"arm\",\"vm\":\"web\",\"token\":\"%s\",\"deadline_ms\":%d}"
                        .formatted(token, deadlineMillis)))
                .isEqualTo("{\"ok\":true}");
    }

    private boolean marked() {
        return Files.exists(home.resolve("frozen"));
    }

    private Fired fired() throws InterruptedException {
        Fired fired = lab.fired.poll(GuardLab.BOUND.toMillis(), TimeUnit.MILLISECONDS);
        assertThat(fired).isNotNull();
        return fired;
    }

    private void staysStopped() {
        await().during(A_WHILE).atMost(GuardLab.BOUND).until(kernel::isStopped);
    }

    private void nothingIsSaid() {
        await().during(A_WHILE).atMost(GuardLab.BOUND).until(() -> lab.fired.isEmpty());
    }

    @Test
    void runsAgainWithinASecondOfAKill() throws Exception {
        arm("r1", 60_000);
        kernel.stop();
        assertThat(marked()).isTrue();
        armer.kill();
        assertThat(kernel.nanosUntilRunning()).isLessThan(SECOND);
        assertThat(fired()).isEqualTo(new Fired(WEB, "r1", "eof", "resumed"));
        assertThat(marked()).isFalse();
        kernel.stop();
        staysStopped();
    }

    @Test
    void runsAgainAtTheDeadlineOfAHungProcess() throws Exception {
        arm("r1", 300);
        kernel.stop();
        GuardLab.signal(armer.process(), "STOP");
        assertThat(kernel.nanosUntilRunning()).isLessThan(13 * SECOND / 10);
        assertThat(fired()).isEqualTo(new Fired(WEB, "r1", "deadline", "resumed"));
    }

    @Test
    void isNotSaidToRunWhileAnOrderToStopMayStillWaitInTheGuest() throws Exception {
        arm("r1", 60_000);
        kernel.lazy(true);
        kernel.stop();
        armer.kill();
        nothingIsSaid();
        assertThat(kernel.heard("go")).as("each quarter of a second").isGreaterThanOrEqualTo(3);
        assertThat(marked()).isTrue();
        assertThat(kernel.isStopped()).as("it was never obeyed").isFalse();
        kernel.lazy(false);
        assertThat(fired().result()).isEqualTo("resumed");
        assertThat(kernel.isStopped()).isFalse();
        assertThat(marked()).isFalse();
    }

    /** The worker obeys the latest order first, so that the guard's question waits while the guest is stopped. */
    @Test
    void anOrderToStopThatComesAfterTheQuestionIsUndone() throws Exception {
        arm("r1", 60_000);
        kernel.lazy(true);
        armer.kill();
        await().atMost(GuardLab.BOUND).until(() -> kernel.heard("config -") > 0);
        kernel.stop();
        kernel.lazy(false);
        assertThat(kernel.nanosUntilRunning()).isLessThan(SECOND);
        assertThat(fired().result()).isEqualTo("resumed");
        assertThat(kernel.isStopped()).isFalse();
    }

    @Test
    void aHungProcessThatWakesCannotFreezeAnyMore() throws Exception {
        observer.arm(WEB, "r1", Duration.ofMillis(50), false);
        assertThat(fired().result()).isEqualTo("already running");
        kernel.stop();
        assertThat(kernel.nanosUntilRunning()).isLessThan(SECOND);
        assertThat(fired()).isEqualTo(new Fired(WEB, "r1", "deadline", "resumed"));
        assertThat(observer.disarm(WEB, "r1")).isTrue();
        kernel.stop();
        staysStopped();
    }

    @Test
    void leavesAPausedMachinePaused() throws Exception {
        kernel.stop();
        observer.arm(WEB, "r1", Duration.ofMillis(100), true);
        assertThat(fired().result()).isEqualTo("left paused, as its user wants it");
        staysStopped();
        assertThat(kernel.heard("go")).isZero();
        assertThat(marked()).isFalse();
    }

    @Test
    void doesNothingToAMachineThatIsDisarmedInTime() throws Exception {
        observer.arm(WEB, "r1", MINUTE, false);
        kernel.stop();
        staysStopped();
        assertThat(observer.disarm(WEB, "r1")).isFalse();
        assertThat(kernel.heard("go")).isZero();
        assertThat(marked()).isFalse();
    }

    /** Helpers of a kernel that was killed hold its socket open, and read nothing. */
    @Test
    void saysThatTheMachineIsGone() throws Exception {
        arm("r1", 60_000);
        kernel.stop();
        kernel.hung(true);
        process.destroyForcibly().waitFor();
        armer.kill();
        assertThat(fired()).isEqualTo(new Fired(WEB, "r1", "eof", "gone: its process has ended"));
        assertThat(observer.ping().armed()).isEmpty();
        assertThat(marked()).isFalse();
    }

    /** The queue of its socket takes eleven. */
    @Test
    void aGuestThatReadsNothingIsToldAgainWithoutHaste() throws Exception {
        arm("r1", 60_000);
        kernel.stop();
        kernel.hung(true);
        long since = System.nanoTime();
        armer.kill();
        Duration before = process(lab.guard()).totalCpuDuration().orElseThrow();
        await().during(Duration.ofSeconds(4)).atMost(Duration.ofSeconds(10)).until(() -> lab.fired.isEmpty());
        Duration used = process(lab.guard()).totalCpuDuration().orElseThrow().minus(before);
        assertThat(used).as("of four seconds").isLessThan(Duration.ofMillis(400));
        assertThat(observer.ping().watched()).containsExactly("web");
        kernel.hung(false);
        assertThat(fired().result()).isEqualTo("resumed");
        long quarters = Duration.ofNanos(System.nanoTime() - since).toMillis() / 250;
        assertThat(kernel.heard("go")).isBetween(8L, quarters + 4);
    }

    private static ProcessHandle.Info process(Process process) {
        return process.toHandle().info();
    }

    @Test
    void aKernelThatBootsAnewIsToldOnItsNewSocket() throws Exception {
        arm("r1", 60_000);
        kernel.stop();
        kernel.close();
        armer.kill();
        nothingIsSaid();
        kernel = new StandInKernel(home.resolve("own"));
        kernel.stop();
        assertThat(kernel.nanosUntilRunning()).isLessThan(SECOND);
        assertThat(fired().result()).isEqualTo("resumed");
    }

    @Test
    void goesToThePlaceOfTheMachine() throws Exception {
        Files.createSymbolicLink(home.resolve("place"), Path.of("revert1"));
        try (StandInKernel placed = new StandInKernel(home.resolve("revert1"))) {
            watch();
            arm("r1", 60_000);
            placed.stop();
            kernel.stop();
            armer.kill();
            assertThat(placed.nanosUntilRunning()).isLessThan(SECOND);
            assertThat(fired().result()).isEqualTo("resumed");
            assertThat(kernel.heard("go")).isZero();
        }
    }

    @Test
    void whatIsNoAnswerOfAConsoleProvesNothing() throws Exception {
        arm("r1", 60_000);
        kernel.strange();
        armer.kill();
        nothingIsSaid();
        assertThat(kernel.heard("go")).as("each quarter of a second").isGreaterThanOrEqualTo(2);
        assertThat(marked()).isTrue();
    }

    @Test
    void runsAgainAlsoWhenTheNameForTheAnswersIsGone() throws Exception {
        arm("r1", 60_000);
        kernel.stop();
        Files.delete(home.resolve("answers.sock"));
        armer.kill();
        assertThat(kernel.nanosUntilRunning()).isLessThan(SECOND);
        assertThat(fired().result())
                .as("the answer that it had been stopped was lost")
                .isEqualTo("already running");
    }

    @Test
    void watchingAgainGivesTheAnswersTheirNameBack() throws Exception {
        Files.delete(home.resolve("answers.sock"));
        watch();
        arm("r1", 60_000);
        kernel.stop();
        armer.kill();
        assertThat(fired().result()).isEqualTo("resumed");
    }

    @Test
    void aGuardThatIsToldToStopThawsFirst() throws Exception {
        arm("r1", 60_000);
        kernel.stop();
        GuardLab.signal(lab.guard(), "TERM");
        assertThat(lab.guard().waitFor(5, TimeUnit.SECONDS)).isTrue();
        assertThat(lab.guard().exitValue()).isZero();
        assertThat(kernel.isStopped()).isFalse();
        assertThat(marked()).isFalse();
    }

    @Test
    void aGuardThatIsStartedAnewWatchesAgain() throws Exception {
        lab.killGuard();
        lab.restartGuard();
        observer = lab.client();
        watch();
        armer = lab.armer();
        arm("r1", 60_000);
        kernel.stop();
        armer.kill();
        assertThat(kernel.nanosUntilRunning()).isLessThan(SECOND);
    }

    @Test
    void watchingWaitsForAnAnswer() throws Exception {
        kernel.hung(true);
        assertThatThrownBy(this::watch)
                .isInstanceOf(GuardRefusedException.class)
                .hasMessageContaining("its console does not answer");
        assertThatThrownBy(() -> observer.arm(WEB, "r1", MINUTE, false))
                .hasMessageContaining("its console has not answered the guard");
        assertThat(marked()).isFalse();
        kernel.hung(false);
        watch();
        observer.arm(WEB, "r1", MINUTE, false);
        assertThat(marked()).isTrue();
    }

    @Test
    void aMachineWithoutAConsoleIsNotWatched() throws Exception {
        kernel.close();
        Files.deleteIfExists(home.resolve("own/uml/mconsole"));
        assertThatThrownBy(this::watch)
                .isInstanceOf(GuardRefusedException.class)
                .hasMessageContaining("No such file");
    }

    @Test
    void refusesWhatNeedsAGuestAgentOrAStandby() throws Exception {
        observer.arm(WEB, "r1", MINUTE, false);
        assertThatThrownBy(() -> observer.quiesce(WEB, "r1", Duration.ofSeconds(1)))
                .hasMessageContaining("no guest agent")
                .hasMessageContaining("--quiesce=no");
        observer.disarm(WEB, "r1");
        assertThatThrownBy(() -> observer.armRestored(WEB, "r2", MINUTE)).hasMessageContaining("no guest agent");
        assertThatThrownBy(() -> observer.hold(WEB, "e1", MINUTE)).hasMessageContaining("not replicated");
        assertThat(observer.ping().held()).isEmpty();
        observer.unwatch(WEB);
        assertThat(home.resolve("answers.sock")).doesNotExist();
    }

    @Test
    void aControlThatIsNotKnownIsRefused() throws Exception {
        assertThat(armer.ask("{\"op\":\"watch\",\"vm\":\"db\",\"dir\":\"/tmp/db\",\"pid\":%d,\"control\":\"xl\"}"
                        .formatted(process.pid())))
                .contains("must be qmp, mconsole, libvirt or xen");
        assertThat(observer.ping().watched()).containsExactly("web");
    }
}
