package dev.holdfast.agent.hypervisor.libvirt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.holdfast.agent.guard.Fired;
import dev.holdfast.agent.guard.GuardLab;
import dev.holdfast.agent.guard.GuardLab.Armer;
import dev.holdfast.agent.hypervisor.Capture;
import dev.holdfast.agent.hypervisor.CapturePlan;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.HypervisorKind;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.unix.DatagramStandIn;
import dev.holdfast.agent.virsh.LibvirtLab;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A libvirtd that hangs, dies, and comes back, under a domain that runs on. */
@Tag("qemu")
@Tag("libvirt")
@Tag("soak")
@Timeout(300)
class LibvirtRestartTest {
    private static final VmDefinition WEB =
            new VmDefinition(new Name("web"), HypervisorKind.LIBVIRT, Optional.empty(), List.of());

    @Test
    void withoutLibvirtdNobodyKnowsAndWithItsSuccessorAllIsAsBefore() throws Exception {
        try (LibvirtLab lab = new LibvirtLab()) {
            lab.disks("web", 0);
            lab.create("web");
            lab.outlivedBy("web");
            LibvirtHypervisor hypervisor = new LibvirtHypervisor(
                    new LibvirtSettings(lab.command(), lab.states(), Duration.ofSeconds(20)),
                    DatagramStandIn::word,
                    System::nanoTime);
            LibvirtHypervisor hasty = new LibvirtHypervisor(
                    new LibvirtSettings(lab.command(), lab.states(), Duration.ofMillis(500)),
                    DatagramStandIn::word,
                    System::nanoTime);
            RunningVm web = hypervisor.find(WEB).orElseThrow();
            assertThat(web.status()).isEqualTo(VmStatus.RUNNING);

            LibvirtLab.run("kill", "-STOP", Long.toString(lab.daemon()));
            assertUnknown(catchThrowableOfType(HypervisorException.class, () -> hasty.find(WEB)));
            lab.killDaemon();
            assertUnknown(catchThrowableOfType(HypervisorException.class, web::status));
            assertUnknown(catchThrowableOfType(HypervisorException.class, () -> hypervisor.find(WEB)));
            assertThat(web.isAlive()).isTrue();
            lab.awaitTicks("web", 3);

            lab.startDaemon();
            Awaitility.await("it is asked again after a while")
                    .atMost(LibvirtLab.PATIENCE)
                    .ignoreExceptionsInstanceOf(HypervisorException.class)
                    .until(() -> web.status() == VmStatus.RUNNING);
            RunningVm found = hypervisor.find(WEB).orElseThrow();
            assertThat(found.identity()).isEqualTo(web.identity());
            lab.killDaemon();
            lab.startDaemon();
            assertThat(found.status())
                    .as("it was restarted between two questions")
                    .isEqualTo(VmStatus.RUNNING);
            web.close();
            found.close();
        }
    }

    /** Agent and libvirtd are dead: nobody can reach the domain, until there is another libvirtd. */
    @Test
    void theGuardLetsASuspendedDomainRunAsSoonAsThereIsALibvirtdAgain() throws Exception {
        try (LibvirtLab lab = new LibvirtLab();
                GuardLab guard = new GuardLab()) {
            lab.disks("web", 0);
            lab.create("web");
            lab.outlivedBy("web");
            RunningVm web = RealLibvirt.hypervisor(lab).find(WEB).orElseThrow();
            Path home = Files.createDirectory(lab.root.resolve("run-web"));
            guard.client().watch(web.name(), home, web.control());
            Armer agent = guard.armer();
            Capture capture = web.newCapture(
                    new CapturePlan(Map.of(), Optional.empty(), CaptureMethod.DISK_ONLY, Duration.ofMinutes(1)));
            capture.prepare();
            assertThat(agent.ask("{\"op\":\"arm\",\"vm\":\"web\",\"token\":\"r1\",\"deadline_ms\":60000}"))
                    .isEqualTo("{\"ok\":true}");
            capture.freeze();
            lab.killDaemon();
            agent.kill();
            assertThat(home.resolve("frozen")).exists();

            lab.startDaemon();
            assertThat(guard.fired.poll(LibvirtLab.PATIENCE.toSeconds(), TimeUnit.SECONDS))
                    .isEqualTo(new Fired(web.name(), "r1", "eof", "resumed"));
            assertThat(home.resolve("frozen")).doesNotExist();
            lab.awaitTicks("web", 3);
            capture.close();
            web.close();
        }
    }

    private static void assertUnknown(HypervisorException e) {
        assertThat(e.kind()).isEqualTo(Kind.UNKNOWN);
    }
}
