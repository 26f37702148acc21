package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.DiskCopies;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.PortRange;
import dev.holdfast.agent.hypervisor.Relocation;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.qmp.QmpValue;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * QEMU's pre-copy migration over TCP.
 *
 * <p>The receiver is started with {@code -S -incoming defer} and gets {@code late-block-activate}: it neither runs nor opens
 * a disk for writing before {@code cont}. Without it QEMU 7.2 runs as soon as the stream has ended, while the sender may
 * find that its last bytes failed and run as well.
 *
 * <p>Where the disks are copied, too, it pauses before the switch-over: the guest stands still then, and QEMU still lets the
 * copies be ended; it gives up its disks only after that.
 *
 * @param vm the process
 */
record QemuRelocation(QemuVm vm) implements Relocation {
    private static final Set<String> OVER = Set.of("failed", "cancelled", "cancelling");

    @Override
    public int listen(String address, Optional<PortRange> ports) throws HypervisorException {
        turn(Migration.LATE, true);
        String which = ports.map(range -> range.first() + ",to=" + range.last()).orElse("0");
        try {
            monitor().call("migrate-incoming", Map.of("uri", "tcp:" + host(address) + ":" + which));
        } catch (HypervisorException e) {
            if (ports.isEmpty()) {
                throw e;
            }
            throw new HypervisorException(
                    e.kind(),
                    "%s: none of the ports %s of %s could be taken (%s); each machine that comes needs one: see migration.ports"
                            .formatted(vm.name(), ports.get(), address, e.getMessage()),
                    e);
        }
        for (QmpValue listening : migration().query().path("socket-address")) {
            String port = listening.path("port").asText();
            if (port.matches("[0-9]{1,5}")) {
                return Integer.parseInt(port);
            }
        }
        throw new HypervisorException(
                Kind.FAILED, "QEMU does not say on which port of " + address + " it waits for " + vm.name());
    }

    @Override
    public void listen(Path socket) throws HypervisorException {
        turn(Migration.LATE, true);
        monitor().owner().bind(socket, place -> monitor().call("migrate-incoming", Map.of("uri", "unix:" + place)));
    }

    @Override
    public void send(String address, int port, Limits limits) throws HypervisorException {
        send("tcp:" + host(address) + ":" + port, limits, Set.of());
    }

    @Override
    public void send(Path socket, Limits limits) throws HypervisorException {
        monitor().owner().lend(socket);
        send("unix:" + socket, limits, Set.of(Migration.HOLD));
    }

    private void send(String uri, Limits limits, Set<String> capabilities) throws HypervisorException {
        if (!migration().configure(capabilities)) {
            throw new HypervisorException(Kind.REFUSED, "this QEMU does not let its migration be configured");
        }
        turn(Migration.CONVERGE, true);
        monitor()
                .call(
                        "migrate-set-parameters",
                        Map.of(
                                "max-bandwidth",
                                limits.bytesPerSecond(),
                                "downtime-limit",
                                limits.downtime().toMillis()));
        monitor().call("migrate", Map.of("uri", uri));
    }

    @Override
    public void finish() throws HypervisorException {
        monitor().call("migrate-continue", Map.of("state", "pre-switchover"));
    }

    @Override
    public DiskCopies copies() {
        return new QemuDiskCopies(vm);
    }

    @Override
    public Stream look() throws HypervisorException {
        QmpValue info = migration().query();
        QmpValue ram = info.path("ram");
        String status = info.path("status").asText();
        return new Stream(
                phase(status),
                ram.path("transferred").asLong(),
                ram.path("remaining").asLong(),
                ram.path("total").asLong(),
                OVER.contains(status) ? Migration.failure(info) : "");
    }

    /** A receiver is through only when its run state says so, too; it changes a moment later. */
    private Phase phase(String status) throws HypervisorException {
        return switch (status) {
            case "", "none" -> Phase.NONE;
            case "failed", "cancelled", "cancelling" -> Phase.FAILED;
            case "pre-switchover" -> Phase.AT_THE_END;
            case "completed" -> monitor().status().still() ? Phase.COMPLETED : Phase.ACTIVE;
            default -> Phase.ACTIVE;
        };
    }

    @Override
    public void takeBack(Duration bound) throws HypervisorException {
        long start = monitor().nanoClock().getAsLong();
        migration().cancel(bound);
        while (isHeldByStream(vm.status())) {
            if (monitor().left(start, bound).isZero()) {
                throw new HypervisorException(
                        Kind.UNKNOWN, vm.name() + " could not be let run again after its memory was sent");
            }
            // Refused for as long as the stream winds up.
            if (!monitor().accepts("cont", Map.of())) {
                Pause.millis(1);
            }
        }
        copies().drop();
        // A capture must not be slowed down by it.
        turn(Migration.CONVERGE, false);
    }

    private static boolean isHeldByStream(VmStatus status) {
        return status == VmStatus.CAPTURED || status == VmStatus.CAPTURING;
    }

    @Override
    public void announce() throws HypervisorException {
        monitor().call("announce-self", Map.of("initial", 50, "max", 550, "rounds", 5, "step", 100));
    }

    private void turn(String capability, boolean on) throws HypervisorException {
        List<Map<String, Object>> wanted = new ArrayList<>();
        wanted.add(Map.of("capability", "events", "state", true));
        wanted.add(Map.of("capability", capability, "state", on));
        monitor().call("migrate-set-capabilities", Map.of("capabilities", wanted));
    }

    private Monitor monitor() {
        return vm.monitor();
    }

    private Migration migration() {
        return new Migration(vm.monitor());
    }

    private static String host(String address) {
        return address.contains(":") ? "[" + address + "]" : address;
    }
}
