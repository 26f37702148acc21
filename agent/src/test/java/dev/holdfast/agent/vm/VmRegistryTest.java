package dev.holdfast.agent.vm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.Answers;
import dev.holdfast.agent.hypervisor.Hypervisor;
import dev.holdfast.agent.hypervisor.HypervisorKind;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.round.FakeHypervisor;
import dev.holdfast.agent.round.Unheard;
import dev.holdfast.agent.snapshot.OneDisk;
import dev.holdfast.coordinator.protocol.Name;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a stop asks of a guest. */
class VmRegistryTest {
    private static final Name WEB = new Name("web");
    private static final Duration MINUTE = Duration.ofMinutes(1);

    private final FakeHypervisor hypervisor = new FakeHypervisor();
    private VmRegistry vms;
    private RunningVm web;

    @BeforeEach
    void startOne() throws Exception {
        vms = new VmRegistry(
                Map.of(FakeHypervisor.definition(WEB), Optional.empty()), Unreadable.NONE, hypervisor, new Unheard());
        vms.start(WEB, StartMode.NORMAL);
        web = vms.get(WEB).process().orElseThrow();
    }

    @Test
    void aGuestThatRunsIsAskedToShutDown() throws Exception {
        vms.stop(WEB, MINUTE, vm -> false);
        assertThat(hypervisor.shutDown).containsExactly(WEB);
        assertThat(web.isAlive()).isFalse();
    }

    @Test
    void aGuestThatAUserHasPausedIsEndedWithoutWaiting() throws Exception {
        web.pause();
        vms.stop(WEB, MINUTE, vm -> false);
        assertThat(hypervisor.shutDown).isEmpty();
        assertThat(web.isAlive()).isFalse();
    }

    @Test
    void aGuestInAFreezeThatEndsIsAsked() throws Exception {
        web.pause();
        vms.stop(WEB, MINUTE, WEB::equals);
        assertThat(hypervisor.shutDown).containsExactly(WEB);
    }

    @Test
    void nobodyIsAskedWithoutPatience() throws Exception {
        vms.stop(WEB, Duration.ZERO, vm -> false);
        assertThat(hypervisor.shutDown).isEmpty();
        assertThat(web.isAlive()).isFalse();
    }

    @Test
    void thoseThatSomebodyElseRunsComeLastAndAreUnknownUntilSomebodyHasLooked() throws Exception {
        Name app = new Name("app");
        List<Name> sought = new ArrayList<>();
        AtomicReference<VmRegistry> both = new AtomicReference<>();
        Hypervisor none = Answers.of(Hypervisor.class, Map.of("find", () -> {
            both.get().all().stream()
                    .filter(vm -> vm.lock().isHeldByCurrentThread())
                    .forEach(vm -> sought.add(vm.name()));
            return Optional.empty();
        }));
        VmDefinition foreign = new VmDefinition(app, HypervisorKind.LIBVIRT, Optional.empty(), List.of());
        both.set(new VmRegistry(
                Map.of(FakeHypervisor.definition(WEB), Optional.empty(), foreign, Optional.empty()),
                Unreadable.NONE,
                none,
                new Unheard()));
        both.get().adopt(vm -> vm.definition().hypervisor().isOwn());
        assertThat(sought).containsExactly(WEB);
        assertThat(both.get().get(app).state()).isEqualTo(ManagedVm.UNKNOWN);
        assertThat(both.get().get(WEB).state()).isEqualTo(ManagedVm.STOPPED);
        both.get().adopt();
        assertThat(sought).containsExactly(WEB, WEB, app);
        assertThat(both.get().get(app).state()).isEqualTo(ManagedVm.STOPPED);
    }

    @Test
    void whoSomebodyElseRunsIsAskedByTheLookAloneAndNotByWhoShowsIt() throws Exception {
        AtomicReference<VmStatus> status = new AtomicReference<>(VmStatus.PAUSED);
        AtomicInteger asked = new AtomicInteger();
        RunningVm process =
                Answers.of(RunningVm.class, Map.of("isAlive", () -> true, "endIfHung", () -> "", "status", () -> {
                    asked.incrementAndGet();
                    return status.get();
                }));
        VmRegistry one = OneDisk.machines(
                new VmDefinition(WEB, HypervisorKind.LIBVIRT, Optional.empty(), List.of()),
                Answers.of(Hypervisor.class, Map.of()));
        ManagedVm vm = one.get(WEB);
        vm.setProcess(process);
        assertThat(vm.state()).isEqualTo(ManagedVm.UNKNOWN);
        assertThat(asked).hasValue(0);
        one.adopt();
        status.set(VmStatus.RUNNING);
        assertThat(vm.state()).isEqualTo("paused");
        assertThat(asked).hasValue(1);
        one.adopt();
        assertThat(vm.state()).isEqualTo("running");
    }
}
