package dev.holdfast.agent.hypervisor.libvirt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import dev.holdfast.agent.hypervisor.Capture;
import dev.holdfast.agent.hypervisor.CapturePlan;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.HypervisorKind;
import dev.holdfast.agent.hypervisor.ProcessIdentity;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.unix.DatagramStandIn;
import dev.holdfast.agent.virsh.KeptVirsh;
import dev.holdfast.agent.virsh.Silence;
import dev.holdfast.agent.virsh.VirshStandIn;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What counts as a standstill, and what becomes of an order to stop that nobody answers, with a program in virsh's place. */
@Timeout(120)
class LibvirtCaptureTest {
    private static final String UUID = "12345678-1234-1234-1234-123456789012";
    private static final String RUNS = "running (unpaused)";
    private static final String STOPPED = "paused (user)";
    private static final String TIME = "2026-11-22 21:58:30.123+0000";
    private static final Duration DEADLINE = Duration.ofSeconds(3);

    @TempDir
    private Path directory;

    private final AtomicLong later = new AtomicLong();
    private Process guest;
    private LibvirtVm vm;
    private Capture capture;

    @BeforeEach
    void open() throws Exception {
        guest = new ProcessBuilder("sleep", "600").start();
        is(RUNS);
        Files.writeString(directory.resolve("events"), "");
        VirshStandIn.in(directory, """
                domstate*) cat '%1$s/state' ;;
                suspend*) while [ -e '%1$s/hang' ]; do sleep 0.05; done
                    [ -e '%1$s/deaf' ] || echo "%2$s: event 'lifecycle' for domain 'web': Suspended Paused" >>'%1$s/events'
                    echo '%3$s' >'%1$s/state' ;;
                resume*) [ ! -e '%1$s/crossed' ] || { cat '%1$s/crossed' >>'%1$s/events'; late=0.1; }
                    { sleep ${late:-0}; echo "%2$s: event 'lifecycle' for domain 'web': Resumed Unpaused" >>'%1$s/events'; } >/dev/null 2>&1 &
                    echo '%4$s' >'%1$s/state' ;;
                """.formatted(directory, TIME, STOPPED, RUNS));
        Path both = Files.writeString(
                directory.resolve("both"),
                "case \"$*\" in *lifecycle*) exec tail -n +1 -f '%1$s/events' ;; *) [ ! -e '%1$s/gone' ] || exit 1; exec sh '%1$s/virsh' ;; esac\n"
                        .formatted(directory));
        LibvirtSettings settings =
                new LibvirtSettings(List.of("sh", both.toString()), directory, Duration.ofSeconds(20));
        Silence silence = new Silence(() -> System.nanoTime() + later.get());
        Connections connections = new Connections(
                settings,
                bound -> new KeptVirsh(settings.virsh(), bound, DatagramStandIn::word, silence),
                () -> System.nanoTime() + later.get());
        vm = new LibvirtVm(
                new VmDefinition(new Name("web"), HypervisorKind.LIBVIRT, Optional.empty(), UUID, List.of()),
                Domain.parse("""
                        <domain type='qemu'><name>web</name><uuid>%s</uuid><memory unit='KiB'>65536</memory><vcpu>1</vcpu>
                          <os><type machine='pc-q35-7.2'>hvm</type></os><devices/></domain>
                        """.formatted(UUID)),
                ProcessIdentity.of(guest.pid()).orElseThrow(),
                "libvirt",
                connections);
        capture = vm.newCapture(new CapturePlan(Map.of(), Optional.empty(), CaptureMethod.DISK_ONLY, DEADLINE));
        capture.prepare();
    }

    @AfterEach
    void close() throws Exception {
        capture.close();
        vm.close();
        guest.destroyForcibly().waitFor();
    }

    private void is(String state) throws IOException {
        Files.writeString(directory.resolve("state"), state + "\n");
    }

    private String state() throws IOException {
        return Files.readString(directory.resolve("state")).strip();
    }

    private void happens(String what) throws IOException {
        Files.writeString(
                directory.resolve("events"),
                "%s: event 'lifecycle' for domain 'web': %s\n".formatted(TIME, what),
                StandardOpenOption.APPEND);
    }

    @Test
    void betweenItsStopAndOurResumeThereIsNothing() throws Exception {
        assertThat(capture.freeze().wallMicros())
                .isEqualTo(Instant.parse("2026-11-22T21:58:30.123Z").toEpochMilli() * 1000);
        capture.capture();
        assertThat(capture.proveAndThaw().stoodStill()).isTrue();
        assertThat(state()).isEqualTo(RUNS);
    }

    @Test
    void aResumeByAnybodyElseIsSeenAlsoWhenItIsUndone() throws Exception {
        capture.freeze();
        happens("Resumed Unpaused");
        happens("Suspended Paused");
        capture.capture();
        assertThat(capture.proveAndThaw().stoodStill()).isFalse();
        assertThat(state()).isEqualTo(RUNS);
    }

    /** It is heard when ours is awaited, and before it. */
    @Test
    void aResumeByAnybodyElseThatWasOnItsWayIsNotTakenForOurs() throws Exception {
        capture.freeze();
        Files.writeString(
                directory.resolve("crossed"),
                "%1$s: event 'lifecycle' for domain 'web': Resumed Unpaused\n%1$s: event 'lifecycle' for domain 'web': Suspended Paused\n"
                        .formatted(TIME));
        capture.capture();
        assertThat(capture.proveAndThaw().stoodStill()).isFalse();
        assertThat(state()).isEqualTo(RUNS);
    }

    @Test
    void oneThatAPersonHasStoppedIsLeftSo() throws Exception {
        assertThat(capture.isStoppedByOthers()).isFalse();
        is(STOPPED);
        happens("Suspended Paused");
        await().until(capture::isStoppedByOthers);
        HypervisorException stopped = catchThrowableOfType(HypervisorException.class, capture::freeze);
        assertThat(stopped).hasMessageContaining("somebody else has stopped web");
        capture.abandon();
        assertThat(state()).isEqualTo(STOPPED);
    }

    @Test
    void aStopOfWhichLibvirtDoesNotTellIsTakenBack() throws Exception {
        Files.writeString(directory.resolve("deaf"), "");
        HypervisorException untold = catchThrowableOfType(HypervisorException.class, capture::freeze);
        assertThat(untold).hasMessageContaining("did not tell that web has stopped");
        assertThat(state()).isEqualTo(STOPPED);
        capture.abandon();
        assertThat(state()).isEqualTo(RUNS);
    }

    /** As long as libvirt may yet obey it, it is not certain that the domain runs, and the guard goes on watching. */
    @Test
    void anOrderToStopThatIsNotAnsweredKeepsTheCaptureFromBeingOver() throws Exception {
        Path hang = Files.writeString(directory.resolve("hang"), "");
        HypervisorException silent = catchThrowableOfType(HypervisorException.class, capture::freeze);
        assertThat(silent.kind()).isEqualTo(Kind.UNKNOWN);
        assertThat(state()).isEqualTo(RUNS);
        HypervisorException doubt = catchThrowableOfType(HypervisorException.class, capture::abandon);
        assertThat(doubt.kind()).isEqualTo(Kind.UNKNOWN);
        assertThat(doubt).hasMessageContaining("may yet obey it");

        is(STOPPED);
        capture.abandon();
        assertThat(state()).isEqualTo(RUNS);
        assertThat(Files.exists(hang)).isTrue();
    }

    @Test
    void afterHalfAMinuteNobodyObeysItAnyMore() throws Exception {
        Files.writeString(directory.resolve("hang"), "");
        catchThrowableOfType(HypervisorException.class, capture::freeze);
        assertThat(catchThrowableOfType(HypervisorException.class, capture::abandon))
                .isNotNull();
        later.set(Duration.ofSeconds(32).toNanos());
        capture.abandon();
        assertThat(state()).isEqualTo(RUNS);
    }

    /** libvirtd has gone since the preparation: nobody has heard the order. */
    @Test
    void anOrderToStopThatReachesNobodyIsNotWaitedFor() throws Exception {
        Files.delete(failingAFreeze());
        later.set(Duration.ofSeconds(11).toNanos());
        capture.abandon();
        assertThat(state()).isEqualTo(RUNS);
    }

    /** @return what has to be removed that it is there again */
    private Path libvirtdGoes() throws IOException {
        Path gone = Files.writeString(directory.resolve("gone"), "");
        List<ProcessHandle> asked = ProcessHandle.current()
                .children()
                .filter(child -> child.info()
                        .commandLine()
                        .orElse("")
                        .endsWith(directory.resolve("virsh").toString()))
                .toList();
        assertThat(asked).isNotEmpty();
        asked.forEach(ProcessHandle::destroyForcibly);
        await().until(() -> asked.stream().noneMatch(ProcessHandle::isAlive));
        return gone;
    }

    /** What the earlier one may still do is not forgotten. */
    @Test
    void anOrderThatReachesNobodyDoesNotEndTheWaitForAnEarlierOne() throws Exception {
        vm.orderToStop();
        Files.delete(failingAFreeze());
        later.set(Duration.ofSeconds(11).toNanos());
        assertThat(catchThrowableOfType(HypervisorException.class, vm::resume).kind())
                .isEqualTo(HypervisorException.Kind.UNKNOWN);
    }

    private Path failingAFreeze() throws IOException {
        Path gone = libvirtdGoes();
        assertThat(catchThrowableOfType(HypervisorException.class, capture::freeze))
                .hasMessageContaining("is libvirtd running?");
        return gone;
    }

    /** Agent and guard have died, and the next agent finds the domain running. */
    @Test
    void anOrderOfAnEarlierAgentIsAwaitedAsLongAsLibvirtMayObeyIt() throws Exception {
        HypervisorException doubt = catchThrowableOfType(HypervisorException.class, vm::release);
        assertThat(doubt.kind()).isEqualTo(Kind.UNKNOWN);
        assertThat(doubt).hasMessageContaining("may yet obey an order to stop it that an earlier agent gave");

        is(STOPPED);
        assertThat(vm.release()).as("that was the order").isTrue();
        assertThat(state()).isEqualTo(RUNS);

        later.set(Duration.ofSeconds(32).toNanos());
        assertThat(vm.release()).as("there is none any more").isFalse();
    }

    @Test
    void anOrderOfItsOwnThatIsNotAnsweredIsAwaitedToo() throws Exception {
        later.set(Duration.ofSeconds(32).toNanos());
        Files.writeString(directory.resolve("hang"), "");
        catchThrowableOfType(HypervisorException.class, capture::freeze);
        assertThat(catchThrowableOfType(HypervisorException.class, vm::release))
                .hasMessageContaining("may yet obey it");
        later.set(Duration.ofSeconds(64).toNanos());
        assertThat(vm.release()).isFalse();
    }
}
