package dev.holdfast.agent.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.Relocation;
import dev.holdfast.agent.hypervisor.Relocation.Limits;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.VmStatus;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Two processes of one machine with disks of their own. The oracle finds out if memory and disks are of different moments. */
@Tag("qemu")
@Timeout(value = 240, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class QemuDiskCopiesTest {
    private static final Limits FAST = new Limits(1L << 30, Duration.ofMillis(2000));
    private static final Duration BOUND = Duration.ofSeconds(20);

    private final Map<String, Process> exports = new LinkedHashMap<>();
    private Lab here;
    private Lab there;
    private VmDefinition copied;
    private RunningVm sender;

    @BeforeEach
    void open() throws Exception {
        here = new Lab();
        there = new Lab();
        sender = here.start(here.definition("web"), StartMode.NORMAL);
        here.awaitTicks("web", 5);
        Map<String, Path> disks = new LinkedHashMap<>();
        for (String disk : new String[] {"d0", "d1"}) {
            Path image = there.root.resolve("layers/" + disk + "-000001.qcow2");
            Lab.run("qemu-img", "create", "-q", "-f", "qcow2", image.toString(), "16M");
            disks.put(disk, image);
            Process export = new ProcessBuilder(
                            "qemu-nbd", "-f", "qcow2", "-k", socket(disk).toString(), "-x", disk, image.toString())
                    .redirectErrorStream(true)
                    .redirectOutput(there.root.resolve(disk + ".log").toFile())
                    .start();
            exports.put(disk, export);
            await().atMost(BOUND).until(() -> Files.exists(socket(disk)) || !export.isAlive());
        }
        copied = Lab.definition("web", 64, disks);
    }

    private Path socket(String disk) {
        return there.root.resolve(disk + ".sock");
    }

    @AfterEach
    void close() throws Exception {
        exports.values().forEach(Process::destroyForcibly);
        there.close();
        here.close();
    }

    private void copy(long bytesPerSecond) throws HypervisorException {
        for (String disk : exports.keySet()) {
            sender.relocation().copies().begin(disk, socket(disk), disk, bytesPerSecond);
        }
    }

    private static void awaitPhase(RunningVm vm, Relocation.Phase phase) {
        await().pollInterval(Duration.ofMillis(5))
                .atMost(BOUND)
                .until(() -> vm.relocation().look().phase() == phase);
    }

    @Test
    void theMachineRunsOnFromItsCopies() throws Exception {
        RunningVm receiver = there.start(copied, StartMode.incoming("incoming"));
        Path memory = there.root.resolve("memory.sock");
        receiver.relocation().listen(memory);
        copy(1L << 30);
        await().atMost(BOUND).until(() -> sender.relocation().copies().look().whole());
        sender.relocation().send(memory, FAST);
        awaitPhase(sender, Relocation.Phase.AT_THE_END);
        sender.relocation().copies().end(BOUND);
        for (Process export : exports.values()) {
            assertThat(export.waitFor(BOUND.toSeconds(), TimeUnit.SECONDS))
                    .as("the export is closed")
                    .isTrue();
            assertThat(export.exitValue()).isZero();
        }
        sender.relocation().finish();
        awaitPhase(sender, Relocation.Phase.COMPLETED);
        awaitPhase(receiver, Relocation.Phase.COMPLETED);
        sender.quit();
        RunningVm moved = there.hypervisor.takePlace(receiver, copied);
        moved.resume();
        there.awaitTicks("web", 20);
        assertThat(there.console("web")).doesNotContain("START").doesNotContain("LOST");
        assertThat(moved.status()).isEqualTo(VmStatus.RUNNING);
    }

    @Test
    void copiesAreGivenUpBesideARunningGuest() throws Exception {
        copy(64 << 10);
        assertThat(sender.relocation().copies().look().whole()).isFalse();
        assertThatThrownBy(() -> sender.relocation().copies().end(BOUND)).hasMessageContaining("not been copied");
        sender.relocation().takeBack(BOUND);
        assertThat(sender.status()).isEqualTo(VmStatus.RUNNING);
        assertThat(sender.relocation().copies().look().total()).isZero();
        here.awaitTicks("web", 30);
        assertThat(here.console("web")).doesNotContain("LOST");
    }

    @Test
    void theGuestDoesNotHearOfATargetThatIsGone() throws Exception {
        copy(1L << 30);
        exports.values().forEach(Process::destroyForcibly);
        await().atMost(BOUND)
                .until(() -> !sender.relocation().copies().look().failure().isEmpty());
        assertThat(sender.status()).isEqualTo(VmStatus.RUNNING);
        sender.relocation().takeBack(BOUND);
        assertThat(sender.relocation().copies().look().total()).isZero();
        here.awaitTicks("web", 30);
    }
}
