package dev.holdfast.agent.hypervisor.uml;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.LayerFiles;
import dev.holdfast.agent.hypervisor.ProcessIdentity;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.snapshot.OneDisk;
import dev.holdfast.agent.unix.DatagramStandIn;
import dev.holdfast.agent.vm.ConsoleBound;
import dev.holdfast.agent.vm.VmRegistry;
import dev.holdfast.coordinator.protocol.Name;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Tag("qemu")
@Tag("soak")
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class UmlHypervisorTest {
    private UmlLab lab;

    @BeforeEach
    void open() throws Exception {
        lab = new UmlLab();
    }

    @AfterEach
    void close() throws Exception {
        lab.close();
    }

    private static UmlDirectory directory(RunningVm vm) {
        return ((UmlVm) vm).directory();
    }

    private static VmDefinition definition(RunningVm vm) {
        return ((UmlVm) vm).definition();
    }

    private static String parent(long pid) throws Exception {
        String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"), StandardCharsets.ISO_8859_1);
        return stat.substring(stat.lastIndexOf(')') + 2).split(" ")[1];
    }

    private void assertNothingIsLeft(UmlDirectory directory) throws Exception {
        assertThat(directory.tree()).isEmpty();
        assertThat(directory.storage()).isEmpty();
        assertThat(Files.readString(Path.of("/proc/self/mounts"))).doesNotContain(lab.root.toString());
    }

    @Test
    void aMachineIsFoundAgainAndIsNobodysChild() throws Exception {
        RunningVm vm = lab.startCounting("web");
        String own = Long.toString(ProcessHandle.current().pid());
        assertThat(parent(vm.identity().process().orElseThrow().pid())).isNotEqualTo(own);
        assertThat(parent(directory(vm).storage().orElseThrow().pid())).isNotEqualTo(own);
        assertThat(lab.hypervisor.running()).containsExactly(new Name("web"));
        assertThatThrownBy(() -> lab.start(definition(vm), StartMode.NORMAL)).hasMessageContaining("runs already");
        vm.close();

        UmlHypervisor next = new UmlHypervisor(lab.settings, DatagramStandIn::word, System::nanoTime);
        RunningVm found = next.find(definition(vm)).orElseThrow();
        assertThat(found.identity()).isEqualTo(vm.identity());
        assertThat(found.isAlive()).isTrue();
        assertThat(found.status()).isEqualTo(VmStatus.RUNNING);
        assertThat(found.disks().get(0).layers())
                .containsExactly(definition(vm).disk("d0").path());
        assertThat(found.disks().get(1).virtualBytes()).isEqualTo(4 << 20);
        UmlLab.awaitTicks(found, 2);
        found.quit();
        assertThat(next.find(definition(vm))).isEmpty();
        assertThat(lab.hypervisor.running()).isEmpty();
        assertNothingIsLeft(directory(vm));
    }

    @Test
    void aGuestGoesOnWritingToAConsoleThatWasCutDown() throws Exception {
        RunningVm vm = lab.startCounting("web");
        vm.close();
        VmRegistry machines = OneDisk.machines(definition(vm), lab.hypervisor);
        machines.adopt();
        Path console = vm.consoleLog().orElseThrow();
        long before = Files.size(console);
        new ConsoleBound(before - 1, 64).keep(machines);
        UmlLab.awaitTicks(vm, 2);
        assertThat(Files.size(console)).isLessThan(before);
        assertThat(Files.readString(console)).doesNotContain("\0");
        machines.get(new Name("web")).process().orElseThrow().kill();
        machines.close();
    }

    @Test
    void theButtonLetsTheGuestEndInOrder() throws Exception {
        RunningVm vm = lab.startCounting("web");
        assertThat(vm.hasShutDown()).isFalse();
        assertThat(vm.shutdown(Duration.ofSeconds(20))).isTrue();
        assertThat(vm.hasShutDown()).isTrue();
        assertThat(UmlLab.console(vm)).contains("BYE");
        assertThatThrownBy(vm::status)
                .isInstanceOfSatisfying(
                        HypervisorException.class, e -> assertThat(e.kind()).isEqualTo(Kind.GONE));
        assertNothingIsLeft(directory(vm));
    }

    @Test
    void aFrozenGuestDoesNothingUntilItIsThawed() throws Exception {
        RunningVm vm = lab.startCounting("web");
        UmlVm uml = (UmlVm) vm;
        for (int round = 0; round < 20; round++) {
            UmlLab.awaitTicks(vm, 1);
            assertThat(vm.pause().early()).isFalse();
            assertThat(vm.status()).isEqualTo(VmStatus.PAUSED);
            List<ProcessIdentity> helpers = uml.processes().helpers();
            long sleeps = uml.processes().sleeps(helpers);
            String written = io(uml);
            byte[] layer = Files.readAllBytes(vm.disks().get(1).active());
            assertThat(vm.pause().early()).isTrue();
            assertThat(uml.processes().sleeps(helpers)).isEqualTo(sleeps);
            assertThat(io(uml)).isEqualTo(written);
            assertThat(Files.readAllBytes(vm.disks().get(1).active())).isEqualTo(layer);
            vm.resume();
            assertThat(vm.status()).isEqualTo(VmStatus.RUNNING);
        }
        vm.resume();
        vm.pause();
        vm.thaw(Duration.ofSeconds(5));
        UmlLab.awaitTicks(vm, 2);
    }

    /** What the processes that write to the disks have written. */
    private static String io(UmlVm vm) throws Exception {
        StringBuilder all = new StringBuilder();
        for (ProcessIdentity helper : vm.processes().helpers()) {
            all.append(Files.readString(Path.of("/proc", Long.toString(helper.pid()), "io")));
        }
        assertThat(all.toString()).contains("wchar");
        return all.toString();
    }

    @Test
    void aKillEndsTheHelpersToo() throws Exception {
        RunningVm vm = lab.startCounting("web");
        assertThat(directory(vm).tree()).hasSizeGreaterThan(2);
        vm.kill();
        assertNothingIsLeft(directory(vm));
        assertThat(vm.hasShutDown()).isFalse();
        assertThat(lab.hypervisor.find(definition(vm))).isEmpty();
    }

    /** A helper that waits for a daemon which does nothing is not ended by a signal: only when that daemon has gone. */
    @Test
    void aKillEndsAGuestWhoseDisksHang() throws Exception {
        RunningVm vm = lab.startCounting("web");
        ProcessIdentity daemon = directory(vm).storage().orElseThrow();
        UmlLab.run("kill", "-STOP", Long.toString(daemon.pid()));
        AtomicLong last = new AtomicLong(-1);
        Awaitility.await().pollInterval(Duration.ofSeconds(1)).until(() -> {
            long now = UmlLab.ticks(vm);
            return last.getAndSet(now) == now;
        });
        vm.kill();
        assertThat(daemon.isAlive()).isFalse();
        assertNothingIsLeft(directory(vm));
    }

    /** The helpers of a kernel that was killed hold its disks, and qemu-storage-daemon knows nothing of its end. */
    @Test
    void whatACrashLeavesBehindDoesNotKeepTheMachineFromItsNextStart() throws Exception {
        RunningVm vm = lab.startCounting("web");
        vm.close();
        vm.identity().process().orElseThrow().signal(true);
        Awaitility.await().until(() -> !vm.identity().isAlive());
        assertThat(directory(vm).tree()).isNotEmpty();
        assertThat(lab.hypervisor.running()).isEmpty();
        assertThat(lab.hypervisor.find(definition(vm))).isEmpty();
        assertNothingIsLeft(directory(vm));
        RunningVm again = lab.startCounting(definition(vm));
        assertThat(UmlLab.console(again)).anyMatch(line -> line.matches("FOUND first=[1-9].*"));
    }

    @Test
    void aGuestWithoutItsDisksIsToldFromOneThatRuns() throws Exception {
        RunningVm vm = lab.startCounting("web");
        directory(vm).storage().orElseThrow().signal(true);
        Awaitility.await().until(() -> directory(vm).storage().isEmpty());
        assertThat(vm.isAlive()).isFalse();
        assertThat(vm.status()).isEqualTo(VmStatus.IO_ERROR);
        RunningVm found = lab.hypervisor.find(definition(vm)).orElseThrow();
        assertThat(found.isAlive()).as("it is not looked for again and again").isTrue();
        assertThat(found.status()).isEqualTo(VmStatus.IO_ERROR);
        assertThatThrownBy(found::disks)
                .isInstanceOfSatisfying(
                        HypervisorException.class, e -> assertThat(e.kind()).isEqualTo(Kind.GUEST_BROKEN))
                .hasMessageContaining("lost its disks");
        found.quit();
        assertNothingIsLeft(directory(vm));
    }

    @Test
    void aMachineWithoutItsPidFileIsNotTakenForNone() throws Exception {
        RunningVm vm = lab.startCounting("web");
        Files.delete(directory(vm).pidFile());
        assertThatThrownBy(() -> lab.hypervisor.find(definition(vm))).hasMessageContaining("no pid file names it");
        assertThatThrownBy(() -> lab.start(definition(vm), StartMode.NORMAL)).hasMessageContaining("runs already");
        assertThat(vm.isAlive()).isTrue();
    }

    @Test
    void oneThatIsHeldBootsWhenItIsLetRunAndCanTakeThePlaceOfTheMachine() throws Exception {
        RunningVm old = lab.startCounting("web");
        VmDefinition definition = definition(old);
        VmDefinition beside = UmlLab.definition("web", lab.layers.overlays(LayerFiles.active(old)));
        old.quit();
        RunningVm held = lab.start(beside, StartMode.PAUSED.beside("r1"));
        assertThat(held.status()).isEqualTo(VmStatus.PAUSED);
        assertThat(UmlLab.console(held)).isEmpty();
        assertThat(held.shutdown(Duration.ofSeconds(1)))
                .as("there is nobody to ask")
                .isFalse();
        assertThat(lab.hypervisor.find(definition)).isEmpty();
        RunningVm machine = lab.hypervisor.takePlace(held, definition);
        assertThat(lab.hypervisor.find(definition, Optional.of("r1"))).isEmpty();
        machine.resume();
        UmlLab.awaitTicks(machine, 2);
        machine.close();
        RunningVm found = lab.hypervisor.find(definition).orElseThrow();
        assertThat(found.identity()).isEqualTo(held.identity());
        assertThat(found.status()).isEqualTo(VmStatus.RUNNING);
        found.quit();
    }

    @Test
    void doesNotStartWhatWasStoppedMeanwhile() throws Exception {
        VmDefinition definition = lab.definition("web");
        Path note = Files.createDirectories(lab.root.resolve("run/vms/web")).resolve("stopped");
        Files.writeString(note, "stopped by pacemaker\n");
        assertThatThrownBy(() -> lab.hypervisor.start(definition, StartMode.NORMAL))
                .hasMessageContaining(note.toString());
        lab.hypervisor.permit(definition);
        assertThat(note).doesNotExist();
    }

    @Test
    void whatCannotStartLeavesNothingBehindAndSaysWhy() throws Exception {
        VmDefinition good = lab.definition("web");
        VmDefinition noKernel =
                with(good, Optional.of(new VmDefinition.Kernel(Path.of("/nowhere/linux"), Optional.empty(), "")), 1);
        assertThatThrownBy(() -> lab.hypervisor.start(noKernel, StartMode.NORMAL))
                .hasMessageContaining("/nowhere/linux");
        VmDefinition noDisk =
                UmlLab.definition("web", Map.of("d0", Path.of("/nowhere/a"), "d1", Path.of("/nowhere/b")));
        assertThatThrownBy(() -> lab.hypervisor.start(noDisk, StartMode.NORMAL))
                .hasMessageContaining("disk d0: cannot open");
        assertThatThrownBy(() -> lab.hypervisor.start(with(good, Optional.empty(), 2), StartMode.NORMAL))
                .hasMessageContaining("User-Mode Linux has one");
        assertThatThrownBy(() -> lab.hypervisor.start(good, StartMode.restore(Path.of("/memory"))))
                .isInstanceOfSatisfying(
                        HypervisorException.class, e -> assertThat(e.kind()).isEqualTo(Kind.REFUSED))
                .hasMessageContaining("no memory images");
        assertNothingIsLeft(UmlDirectory.of(lab.root.resolve("run/vms/web"), Optional.empty()));
        lab.startCounting(good);
    }

    private static VmDefinition with(VmDefinition vm, Optional<VmDefinition.Kernel> kernel, int cpus) {
        return new VmDefinition(
                vm.name(),
                vm.hypervisor(),
                Optional.of(new VmDefinition.Hardware(
                        vm.ownHardware().machine(),
                        vm.ownHardware().accelerator(),
                        vm.ownHardware().cpu(),
                        cpus,
                        vm.ownHardware().memoryBytes(),
                        vm.ownHardware().guestAgent(),
                        kernel,
                        List.of("init=/init"),
                        vm.ownHardware().nics())),
                vm.disks());
    }
}
