package dev.holdfast.agent.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.Capture;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Network cards of a machine that is loaded beside a held one. */
@Tag("qemu")
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class QemuNetworkTest {
    /** Of this test alone: each connection to 127.0.0.1 that anybody makes meanwhile takes a port of that address. */
    private static final String ADDRESS = "127.9.0.1";

    private Lab lab;

    @BeforeEach
    void open() throws Exception {
        lab = new Lab();
    }

    @AfterEach
    void close() throws Exception {
        lab.close();
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName(ADDRESS))) {
            return socket.getLocalPort();
        }
    }

    private static VmDefinition on(VmDefinition vm, String... backends) {
        List<VmDefinition.Nic> nics = java.util.stream.IntStream.range(0, backends.length)
                .mapToObj(i -> new VmDefinition.Nic("n" + i, backends[i], "52:54:00:00:00:0" + i))
                .toList();
        return Lab.with(vm, nics);
    }

    private static String network(RunningVm vm, String what) throws Exception {
        return ((QemuVm) vm)
                .monitor()
                .call("human-monitor-command", Map.of("command-line", "info " + what))
                .asText();
    }

    @Test
    void aUserNetworkHasAStateAndIsThereWhenMemoryIsLoadedButTakesThePortsLater() throws Exception {
        int port = freePort();
        int other = freePort();
        String[] backends = {
            "user,hostfwd=tcp:" + ADDRESS + ":" + port + "-:22,restrict=on",
            "user",
            "socket,mcast=230.0.0.9:5599",
            "socket,listen=" + ADDRESS + ":" + other
        };
        RunningVm vm = lab.start(on(lab.definition("web"), backends), StartMode.NORMAL);
        lab.awaitTicks("web", 5);
        assertThat(network(vm, "usernet")).contains("TCP[HOST_FORWARD]", Integer.toString(port));
        Map<String, Path> captured = Lab.active(vm);
        try (Capture capture = vm.newCapture(lab.plan(vm, CaptureMethod.AUTO, "memory"))) {
            Lab.throughFreeze(capture);
            capture.capture();
            capture.proveAndThaw();
            capture.drain(Progress.NONE);
        }
        vm.pause();

        VmDefinition old = on(Lab.definition("web", 64, lab.overlays(captured)), backends);
        RunningVm beside =
                lab.start(old, StartMode.restore(lab.root.resolve("memory")).beside("r1"));
        assertThat(network(beside, "usernet")).doesNotContain("HOST_FORWARD");
        vm.quit();
        try (ServerSocket inTheWay = new ServerSocket(other, 1, InetAddress.getByName(ADDRESS))) {
            assertThatThrownBy(() -> lab.hypervisor.takePlace(beside, old))
                    .hasMessageContaining("n3 cannot be connected");
        }
        RunningVm placed = lab.hypervisor.takePlace(beside, old);
        placed.resume();

        assertThat(network(placed, "usernet")).contains("TCP[HOST_FORWARD]", Integer.toString(port));
        assertThat(network(placed, "network")).contains("n0-out", "restrict=on", "n1-out", "n2-out", "n3-out");
        lab.awaitTicks("web", 20);
        placed.close();
    }
}
