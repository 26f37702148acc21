package dev.holdfast.agent.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.ProcessIdentity;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.image.MemoryKeys;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Tag("qemu")
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class QemuHypervisorTest {
    private Lab lab;

    @BeforeEach
    void open() throws Exception {
        lab = new Lab();
    }

    @AfterEach
    void close() throws Exception {
        lab.close();
    }

    @Test
    void startsAMachineThatIsNoChildOfOurs() throws Exception {
        RunningVm vm = lab.startOracle("web");
        assertThat(vm.status()).isEqualTo(VmStatus.RUNNING);
        String stat = Files.readString(Path.of(
                "/proc", Long.toString(vm.identity().process().orElseThrow().pid()), "stat"));
        String parent = stat.substring(stat.lastIndexOf(')') + 2).split(" ")[1];
        assertThat(parent).isNotEqualTo(Long.toString(ProcessHandle.current().pid()));
        assertThat(lab.settings.runDirectory().resolve("vms/web"))
                .isDirectoryContaining(p -> p.endsWith("guard.sock"))
                .isDirectoryContaining(p -> p.endsWith("rescue.sock"));
    }

    @Test
    void findsARunningMachineAgain() throws Exception {
        RunningVm vm = lab.startOracle("web");
        VmDefinition definition = ((QemuVm) vm).definition();
        vm.close();
        RunningVm found = lab.hypervisor.find(definition).orElseThrow();
        assertThat(found.identity()).isEqualTo(vm.identity());
        lab.awaitTicks("web", 5);
        found.quit();
        assertThat(lab.hypervisor.find(definition)).isEmpty();
    }

    @Test
    void aPidFileThatNamesAStrangerIsNoMachine() throws Exception {
        VmDefinition definition = lab.definition("web");
        Path directory = Files.createDirectories(lab.settings.runDirectory().resolve("vms/web"));
        Files.writeString(directory.resolve("pid"), ProcessHandle.current().pid() + "\n");
        assertThat(lab.hypervisor.find(definition)).isEmpty();
        Files.writeString(directory.resolve("pid"), "rubbish");
        assertThat(lab.hypervisor.find(definition)).isEmpty();
    }

    /** The resource agent writes the note when it stops a machine, also while an agent is still busy with its start. */
    @Test
    void doesNotStartWhatWasStoppedMeanwhile() throws Exception {
        lab.startOracle("web").quit();
        VmDefinition definition = lab.definition("web");
        Path note = lab.settings.runDirectory().resolve("vms/web/stopped");
        Files.writeString(note, "stopped by pacemaker\n");
        assertThatThrownBy(() -> lab.hypervisor.start(definition, StartMode.NORMAL))
                .isInstanceOf(HypervisorException.class)
                .hasMessageContaining(note.toString());
        assertThat(lab.hypervisor.find(definition)).isEmpty();
        lab.hypervisor.permit(definition);
        assertThat(note).doesNotExist();
        lab.hypervisor.start(definition, StartMode.NORMAL).quit();
    }

    @Test
    void refusesToStartTwice() throws Exception {
        RunningVm vm = lab.startOracle("web");
        assertThatThrownBy(() -> lab.start(((QemuVm) vm).definition(), StartMode.NORMAL))
                .hasMessageContaining("runs already");
    }

    @Test
    void tellsWhyQemuDidNotStart() throws Exception {
        VmDefinition good = lab.definition("web");
        VmDefinition bad = new VmDefinition(
                good.name(),
                good.hypervisor(),
                Optional.of(new VmDefinition.Hardware(
                        "pc-q35-99.9",
                        good.ownHardware().accelerator(),
                        good.ownHardware().cpu(),
                        1,
                        good.ownHardware().memoryBytes(),
                        false,
                        good.ownHardware().kernel(),
                        List.of(),
                        good.ownHardware().nics())),
                good.disks());
        assertThatThrownBy(() -> lab.start(bad, StartMode.NORMAL))
                .isInstanceOf(HypervisorException.class)
                .hasMessageContaining("unsupported machine type");
        VmDefinition gone = Lab.definition("web", 64, Map.of("d0", Path.of("/nowhere/a"), "d1", Path.of("/nowhere/b")));
        assertThatThrownBy(() -> lab.start(gone, StartMode.NORMAL)).hasMessageContaining("disk d0: cannot open");
    }

    /** As QEMU does with -daemonize: what was started waits for a process that has written its pid file and opens disks. */
    @Test
    void endsTheProcessThatHangsInItsStart() throws Exception {
        Path directory = lab.settings.runDirectory().resolve("vms/web");
        Path emulator = Files.writeString(
                lab.root.resolve("qemu"),
                "#!/bin/sh\ntouch %1$s/keep\ntail -f %1$s/keep & echo $! >%1$s/pid\nwait\n".formatted(directory));
        Files.setPosixFilePermissions(emulator, PosixFilePermissions.fromString("rwx------"));
        QemuHypervisor hanging = new QemuHypervisor(
                QemuSettings.of(emulator.toString(), lab.settings.runDirectory()),
                System::nanoTime,
                Duration.ofSeconds(2),
                MemoryKeys.NONE);
        VmDefinition definition = lab.definition("web");
        assertThatThrownBy(() -> hanging.start(definition, StartMode.NORMAL))
                .isInstanceOfSatisfying(
                        HypervisorException.class, e -> assertThat(e.kind()).isEqualTo(HypervisorException.Kind.FAILED))
                .hasMessageContaining("was ended");
        long pid = Long.parseLong(Files.readString(directory.resolve("pid")).strip());
        assertThat(ProcessIdentity.of(pid)).isEmpty();
    }

    @Test
    void tellsThatQemuIsNotThere() throws Exception {
        QemuHypervisor none =
                new QemuHypervisor(QemuSettings.of("/nowhere/qemu", lab.settings.runDirectory()), System::nanoTime);
        VmDefinition definition = lab.definition("web");
        assertThatThrownBy(() -> none.start(definition, StartMode.NORMAL)).hasMessageContaining("is QEMU installed?");
    }

    @Test
    void opensLayersByTheirOwnNamesThroughTheHead() throws Exception {
        VmDefinition plain = lab.definition("web");
        Path head = Files.createDirectory(lab.root.resolve("head"));
        for (VmDefinition.Disk disk : plain.disks()) {
            Files.createSymbolicLink(head.resolve(disk.id()), disk.path());
        }
        VmDefinition linked = Lab.definition("web", 64, Map.of("d0", head.resolve("d0"), "d1", head.resolve("d1")));
        RunningVm vm = lab.start(linked, StartMode.NORMAL);
        assertThat(vm.disks().get(0).layers()).containsExactly(plain.disk("d0").path());
        assertThat(vm.disks().get(1).virtualBytes()).isEqualTo(16 << 20);
    }

    @Test
    void pausesAndResumes() throws Exception {
        RunningVm vm = lab.startOracle("web");
        assertThat(vm.pause().wallMicros()).isPositive();
        assertThat(vm.status()).isEqualTo(VmStatus.PAUSED);
        vm.resume();
        lab.awaitTicks("web", 5);
    }

    @Test
    void endsAStoppedProcessToo() throws Exception {
        RunningVm vm = lab.startOracle("web");
        Lab.signal(vm, "STOP");
        vm.kill();
        assertThat(vm.identity().isAlive()).isFalse();
        assertThat(ProcessIdentity.of(vm.identity().process().orElseThrow().pid()))
                .isNotEqualTo(Optional.of(vm.identity()));
    }

    @Test
    void aHungProcessIsAnErrorAndNotAnAbsence() throws Exception {
        RunningVm vm = lab.startOracle("web");
        vm.close();
        Lab.signal(vm, "STOP");
        assertThatThrownBy(() -> lab.hypervisor.find(((QemuVm) vm).definition()))
                .hasMessageContaining("does not answer");
    }

    /** Its sockets are closed some time before the process is gone: that long it is no machine that hangs. */
    @Test
    void whatIsBeingEndedIsAbsent() throws Exception {
        VmDefinition definition = lab.definition("web");
        Path directory = Files.createDirectories(lab.settings.runDirectory().resolve("vms/web"));
        Process ending = new ProcessBuilder("sh", "-c", "sleep 0.15; exit", directory + "/").start();
        Files.writeString(directory.resolve("pid"), ending.pid() + "\n");
        assertThat(lab.hypervisor.find(definition)).isEmpty();
        // Process.isAlive() still says yes until the JVM has reaped the zombie.
        assertThat(ProcessIdentity.of(ending.pid())).isEmpty();
    }
}
