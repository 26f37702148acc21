package dev.holdfast.agent.hypervisor.uml;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.ProcessIdentity;
import dev.holdfast.agent.hypervisor.uml.GuestProcesses.Standstill;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What is concluded from a /proc that the test has written. */
@Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class GuestProcessesTest {
    private static final Duration LONG = Duration.ofSeconds(10);
    private static final Duration SHORT = Duration.ofMillis(20);
    private static final String AWAKE = "running\n";
    private static final String WAITS_FOR_CONSOLE = "45 0x3 0x7ffc 0x200\n";
    private static final String WAITS_FOR_WORK = "7 0x7ffc 0x1 0xffffffff\n";

    private static final ProcessIdentity FIRST = new ProcessIdentity(101, 5);
    private static final ProcessIdentity HELPER = new ProcessIdentity(102, 6);
    private static final ProcessIdentity TRACED = new ProcessIdentity(103, 7);
    private static final ProcessIdentity LATER = new ProcessIdentity(104, 8);

    @TempDir
    private Path proc;

    private final List<ProcessIdentity> living = new ArrayList<>(List.of(FIRST, HELPER, TRACED));
    private GuestProcesses processes;

    @BeforeEach
    void stoppedGuest() throws IOException {
        processes = new GuestProcesses(() -> living, FIRST, proc, System::nanoTime);
        task(FIRST, "S", 0, 10, WAITS_FOR_CONSOLE);
        task(HELPER, "S", 0, 20, WAITS_FOR_WORK);
        task(TRACED, "t", 101, 30, AWAKE);
        task(LATER, "S", 0, 1, WAITS_FOR_WORK);
    }

    private void task(ProcessIdentity process, String state, long tracer, long sleeps, String call) throws IOException {
        Path directory = Files.createDirectories(proc.resolve(Long.toString(process.pid())));
        Files.writeString(
                directory.resolve("status"),
                "Name:\tlinux\nState:\t%s (x)\nTracerPid:\t%d\nvoluntary_ctxt_switches:\t%d\n"
                        .formatted(state, tracer, sleeps));
        Files.writeString(directory.resolve("syscall"), call);
    }

    @Test
    void aStandstillLastsWhileNoHelperWakes() throws Exception {
        Standstill standstill = processes.awaitStandstill(LONG).orElseThrow();
        assertThat(standstill).isEqualTo(new Standstill(Set.of(HELPER), 20));
        assertThat(processes.lasts(standstill)).isTrue();
        task(HELPER, "S", 0, 21, WAITS_FOR_WORK);
        assertThat(processes.lasts(standstill)).as("it slept once more").isFalse();
    }

    @Test
    void aHelperThatIsAwakeAndNotYetCountedEndsIt() throws Exception {
        Standstill standstill = processes.awaitStandstill(LONG).orElseThrow();
        task(HELPER, "R", 0, 20, AWAKE);
        assertThat(processes.lasts(standstill)).isFalse();
        task(HELPER, "D", 0, 20, "18 0x5 0x7f 0x1000\n");
        assertThat(processes.lasts(standstill)).as("it writes").isFalse();
    }

    @Test
    void aHelperThatCameOrWentMeanwhileEndsIt() throws Exception {
        Standstill standstill = processes.awaitStandstill(LONG).orElseThrow();
        living.add(LATER);
        assertThat(processes.lasts(standstill)).isFalse();
        living.remove(LATER);
        assertThat(processes.lasts(standstill)).isTrue();
        living.remove(HELPER);
        assertThat(processes.lasts(standstill)).isFalse();
    }

    @Test
    void aGuestWithoutHelpersStandsStillOnlyIfItHasNotBegun() throws Exception {
        living.remove(HELPER);
        assertThatThrownBy(() -> processes.awaitStandstill(LONG))
                .isInstanceOfSatisfying(
                        HypervisorException.class, e -> assertThat(e.kind()).isEqualTo(Kind.FAILED))
                .hasMessageContaining("still boots");
        task(FIRST, "T", 0, 10, AWAKE);
        assertThat(processes.awaitStandstill(LONG)).contains(new Standstill(Set.of(), 0));
    }

    @Test
    void aHelperThatDoesNotComeToRestIsNotWaitedForForEver() throws Exception {
        task(HELPER, "R", 0, 20, AWAKE);
        assertThat(processes.awaitStandstill(SHORT)).isEmpty();
    }

    @Test
    void theFirstOneIsKilledLast() {
        assertThat(GuestProcesses.killOrder(living, Optional.of(FIRST), proc)).containsExactly(TRACED, HELPER, FIRST);
        assertThat(GuestProcesses.killOrder(List.of(HELPER, TRACED), Optional.empty(), proc))
                .containsExactly(TRACED, HELPER);
    }
}
