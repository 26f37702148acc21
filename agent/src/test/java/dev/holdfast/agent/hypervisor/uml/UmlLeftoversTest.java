package dev.holdfast.agent.hypervisor.uml;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.guard.StandInKernel;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.ProcessIdentity;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.unix.DatagramStandIn;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What is found of machines that an agent left behind. Shells stand in for guests: they have the words that tell whose they are. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class UmlLeftoversTest {
    @TempDir
    private Path run;

    private final List<Process> started = new ArrayList<>();
    private final VmDefinition web = UmlLab.definition("web", Map.of("d0", Path.of("/a"), "d1", Path.of("/b")));
    private UmlHypervisor hypervisor;
    private UmlDirectory directory;

    @BeforeEach
    void open() throws Exception {
        hypervisor = new UmlHypervisor(UmlSettings.installed(run), DatagramStandIn::word, System::nanoTime);
        directory = UmlDirectory.of(run.resolve("vms/web"), Optional.empty());
        Files.createDirectories(directory.path());
    }

    @AfterEach
    void close() throws Exception {
        for (Process process : started) {
            process.destroyForcibly().waitFor();
        }
    }

    /** A process that waits for its input, and can be told by these words. */
    private Process process(String... words) throws IOException {
        List<String> line = new ArrayList<>(List.of("sh", "-c", "read line", "stand-in"));
        line.addAll(List.of(words));
        Process process = new ProcessBuilder(line).start();
        started.add(process);
        return process;
    }

    private Process daemon(String socket) throws IOException {
        return process("--chardev", "socket,id=agent,path=" + socket + ",server=on,wait=off");
    }

    private Process guest() throws Exception {
        Process guest = process("umid=uml", "uml_dir=" + directory.path() + "/");
        Awaitility.await().until(() -> directory.tree().size() == 1);
        return guest;
    }

    /** As the kernel says it: {@link Process#isAlive} says yes until this JVM has reaped the zombie. */
    private static boolean runs(Process process) {
        return ProcessIdentity.of(process.pid()).isPresent();
    }

    private void assertInDoubt() {
        assertThatThrownBy(() -> hypervisor.find(web))
                .isInstanceOfSatisfying(
                        HypervisorException.class, e -> assertThat(e.kind()).isEqualTo(Kind.UNKNOWN))
                .hasMessageContaining("no pid file names it");
    }

    @Test
    void aGuestIsNotEndedBecauseItsPidFileSaysNothing() throws Exception {
        Process guest = guest();
        assertInDoubt();
        Files.writeString(directory.pidFile(), "");
        assertInDoubt();
        Process ended = process("other");
        ended.destroyForcibly().waitFor();
        Files.writeString(directory.pidFile(), Long.toString(ended.pid()));
        assertInDoubt();
        assertThat(guest.isAlive()).isTrue();
        Files.writeString(directory.pidFile(), ended.pid() + "\n");
        assertThat(hypervisor.find(web)).isEmpty();
        assertThat(guest.waitFor()).as("it was left over of one that has ended").isNotZero();
    }

    /** The agent that gave the order to stop is dead, and so is the guard. */
    @Test
    void anOrderToStopThatAGuestObeysLateIsUndoneByWhoReleasesIt() throws Exception {
        Files.writeString(directory.pidFile(), guest().pid() + "\n");
        try (StandInKernel kernel = new StandInKernel(directory.path())) {
            RunningVm vm = hypervisor.find(web).orElseThrow();
            kernel.lazyUntil("config -");
            kernel.stop();
            assertThat(vm.release()).as("it obeyed meanwhile").isTrue();
            assertThat(kernel.isStopped()).isFalse();
            assertThat(vm.release()).isFalse();
        }
    }

    @Test
    void aGuestThatMayObeySuchAnOrderYetIsNotReleased() throws Exception {
        Files.writeString(directory.pidFile(), guest().pid() + "\n");
        try (StandInKernel kernel = new StandInKernel(directory.path())) {
            RunningVm vm = hypervisor.find(web).orElseThrow();
            kernel.lazyUntil("never");
            assertThatThrownBy(vm::release)
                    .isInstanceOfSatisfying(
                            HypervisorException.class, e -> assertThat(e.kind()).isEqualTo(Kind.UNKNOWN));
        }
    }

    @Test
    void aMachineThatLostItsDisksCanBeStopped() throws Exception {
        Process guest = guest();
        Files.writeString(directory.pidFile(), guest.pid() + "\n");
        RunningVm vm = hypervisor.find(web).orElseThrow();
        assertThat(vm.identity().process().orElseThrow().pid()).isEqualTo(guest.pid());
        assertThat(vm.isAlive()).as("it is not looked for again and again").isTrue();
        assertThat(vm.status()).isEqualTo(VmStatus.IO_ERROR);
        assertThat(vm.hypervisor()).isEqualTo("User-Mode Linux");
        assertThatThrownBy(vm::disks)
                .isInstanceOfSatisfying(
                        HypervisorException.class, e -> assertThat(e.kind()).isEqualTo(Kind.GUEST_BROKEN))
                .hasMessageContaining("lost its disks");
        vm.quit();
        vm.close();
        assertThat(runs(guest)).isFalse();
        assertThat(directory.pidFile()).as("the number comes to mean another").doesNotExist();
    }

    @Test
    void aStorageDaemonThatNoPidFileNamesIsEndedToo() throws Exception {
        Process daemon = daemon(directory.storageSocket().toString());
        Process other = daemon(directory.storageSocket() + "2");
        Awaitility.await().until(() -> directory.storages().size() == 1);
        hypervisor.kill(web, Optional.empty());
        assertThat(runs(daemon)).isFalse();
        assertThat(runs(other)).isTrue();
    }

    @Test
    void whatOnlyHasItsWordsInItsCommandLineIsNoMachineAndNotEnded() throws Exception {
        String word = "uml_dir=" + directory.path() + "/";
        Process editor = process(word, "path=" + directory.storageSocket() + ",");
        Files.writeString(directory.pidFile(), editor.pid() + "\n");
        Awaitility.await().until(() -> ProcessIdentity.naming(word).size() == 1);
        assertThat(hypervisor.find(web)).isEmpty();
        hypervisor.kill(web, Optional.empty());
        assertThat(runs(editor)).isTrue();
    }

    @Test
    void whatAFailedStartLeavesIsEndedAndNothingOfItUnknown() throws Exception {
        assertThatThrownBy(() -> hypervisor.start(web, StartMode.NORMAL))
                .isInstanceOfSatisfying(
                        HypervisorException.class, e -> assertThat(e.kind()).isEqualTo(Kind.REFUSED))
                .hasMessageContaining("disk d0: cannot open");
        assertThat(directory.storages()).isEmpty();
        assertThat(directory.tree()).isEmpty();
    }
}
