package dev.holdfast.agent.hypervisor.libvirt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.HypervisorKind;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.unix.DatagramStandIn;
import dev.holdfast.agent.virsh.VirshStandIn;
import dev.holdfast.coordinator.protocol.Name;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** When it is certain that a domain does not run, with a program in virsh's place. */
@Timeout(60)
class LibvirtFindTest {
    private static final String NO_DOMAIN = "domstate*) echo \"error: failed to get domain 'web'\" >&2 ;;";

    @TempDir
    private Path directory;

    private Optional<RunningVm> find(String cases) throws Exception {
        LibvirtHypervisor hypervisor = new LibvirtHypervisor(
                new LibvirtSettings(VirshStandIn.in(directory, cases), directory, Duration.ofSeconds(20)),
                DatagramStandIn::word,
                System::nanoTime);
        return hypervisor.find(
                new VmDefinition(new Name("web"), HypervisorKind.LIBVIRT, Optional.empty(), "web", List.of()));
    }

    private void assertUnknown(String cases) {
        HypervisorException unknown = catchThrowableOfType(HypervisorException.class, () -> find(cases));
        assertThat(unknown.kind()).isEqualTo(Kind.UNKNOWN);
        assertThat(unknown).hasMessageContaining("web is a domain of libvirt");
    }

    @Test
    void oneThatIsNotListedAndHasNoProcessIsCertainlyNone() throws Exception {
        assertThat(find(NO_DOMAIN + " 'list --all --name') echo web2 ;; 'list --all --uuid') echo 1-2 ;;"))
                .isEmpty();
    }

    @Test
    void oneThatIsListedOrOfWhichNothingIsHeardMayRun() {
        assertUnknown(NO_DOMAIN + " 'list --all --name') echo web2; echo web ;;");
        assertUnknown(NO_DOMAIN + " 'list --all --name') ;; 'list --all --uuid') echo web ;;");
        assertUnknown(NO_DOMAIN + " list*) echo 'error: Cannot recv data: Connection reset by peer' >&2 ;;");
        assertUnknown("domstate*) echo 'error: Cannot recv data: Connection reset by peer' >&2 ;;");
    }

    @Test
    void oneWhoseProcessLivesMayRun() throws Exception {
        Process guest = new ProcessBuilder("sh", "-c", "sleep 600; :", "qemu").start();
        try {
            Files.writeString(directory.resolve("web.pid"), Long.toString(guest.pid()));
            assertUnknown(NO_DOMAIN + " list*) ;;");
        } finally {
            guest.descendants().forEach(ProcessHandle::destroyForcibly);
            guest.destroyForcibly();
        }
    }
}
