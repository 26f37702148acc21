package dev.holdfast.agent.hypervisor.uml;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.holdfast.agent.guard.Fired;
import dev.holdfast.agent.guard.GuardLab;
import dev.holdfast.agent.guard.GuardLab.Armer;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.VmStatus;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A frozen guest runs again whoever is dead: what the stand-in of the guard's own tests claims, with a real kernel. */
@Tag("qemu")
@Tag("soak")
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class UmlGuardTest {
    private static final long SECOND = 1_000_000_000L;

    private UmlLab lab;
    private GuardLab guard;
    private RunningVm vm;
    private Path home;
    private Armer armer;

    @BeforeEach
    void open() throws Exception {
        lab = new UmlLab();
        guard = new GuardLab();
        vm = lab.startCounting("web");
        home = ((UmlVm) vm).directory().root();
        guard.client().watch(vm.name(), home, vm.control());
        armer = guard.armer();
    }

    @AfterEach
    void close() throws Exception {
        guard.close();
        lab.close();
    }

    private void freeze(long deadlineMillis) throws Exception {
        assertThat(armer.ask("{\"op\":\"arm\",\"vm\":\"web\",\"token\":\"r1\",\"deadline_ms\":%d}"
                        .formatted(deadlineMillis)))
                .isEqualTo("{\"ok\":true}");
        vm.pause();
        assertThat(vm.status()).isEqualTo(VmStatus.PAUSED);
    }

    /** As the host sees it. What the guest does next waits for its disks, and so for the host's. */
    private long nanosUntilItRuns() {
        long since = System.nanoTime();
        await().pollInSameThread()
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(2))
                .atMost(Duration.ofSeconds(10))
                .until(() -> vm.status() == VmStatus.RUNNING);
        return System.nanoTime() - since;
    }

    private boolean marked() {
        return Files.exists(home.resolve("frozen"));
    }

    private void isThawedBecauseOf(String reason) throws Exception {
        assertThat(guard.fired.poll(10, TimeUnit.SECONDS)).isEqualTo(new Fired(vm.name(), "r1", reason, "resumed"));
        assertThat(marked()).isFalse();
        assertThat(vm.status()).isEqualTo(VmStatus.RUNNING);
        UmlLab.awaitTicks(vm, 2);
    }

    @Test
    void runsAgainWithinASecondOfAKill() throws Exception {
        freeze(60_000);
        armer.kill();
        assertThat(nanosUntilItRuns()).isLessThan(SECOND);
        isThawedBecauseOf("eof");
    }

    @Test
    void runsAgainWithinASecondOfTheDeadlineOfAHungProcess() throws Exception {
        freeze(500);
        GuardLab.signal(armer.process(), "STOP");
        assertThat(nanosUntilItRuns()).isLessThan(3 * SECOND / 2);
        isThawedBecauseOf("deadline");
    }

    @Test
    void theScriptThawsItWhenTheGuardIsDeadToo() throws Exception {
        freeze(60_000);
        guard.killGuard();
        armer.kill();
        assertThat(marked()).isTrue();
        String run = lab.settings.runDirectory().toString();
        UmlLab.run("../ocf-wrapper/thaw", "--run-dir", run, "web");
        assertThat(marked()).isFalse();
        assertThat(vm.status()).isEqualTo(VmStatus.RUNNING);
        UmlLab.awaitTicks(vm, 2);
        UmlLab.run("../ocf-wrapper/thaw", "--run-dir", run, "--all");
    }

    @Test
    void aGuestThatIsStoppedAfterItsThawRunsAgain() throws Exception {
        freeze(300);
        assertThat(guard.fired.poll(10, TimeUnit.SECONDS)).isNotNull();
        for (int i = 0; i < 5; i++) {
            ((UmlVm) vm).stop(Duration.ofSeconds(3));
            assertThat(nanosUntilItRuns()).isLessThan(SECOND);
            assertThat(guard.fired.poll(10, TimeUnit.SECONDS)).isNotNull();
            UmlLab.awaitTicks(vm, 1);
        }
    }
}
