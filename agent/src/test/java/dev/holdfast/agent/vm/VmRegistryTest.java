package dev.holdfast.agent.vm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.round.FakeHypervisor;
import dev.holdfast.agent.round.Unheard;
import dev.holdfast.coordinator.protocol.Name;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
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
}
