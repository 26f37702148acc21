package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.hypervisor.replication.EpochEnd;
import dev.holdfast.agent.hypervisor.replication.EpochLimits;
import dev.holdfast.agent.hypervisor.replication.Primary;
import dev.holdfast.agent.hypervisor.replication.StandbyLink;
import dev.holdfast.agent.hypervisor.replication.Standstill;
import dev.holdfast.agent.qmp.QmpCommand;
import dev.holdfast.agent.qmp.QmpEvent;
import dev.holdfast.agent.qmp.QmpEvents;
import dev.holdfast.agent.qmp.QmpException;
import dev.holdfast.agent.qmp.QmpFuture;
import dev.holdfast.agent.qmp.QmpValue;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A QEMU whose disks stand under a quorum. */
final class QemuPrimary implements Primary {
    private static final Duration CLEAN_UP = Duration.ofSeconds(10);
    private static final int LOOK_MILLIS = 20;
    /** Longer than an epoch stops a guest: what stands still for that long does not shut down. */
    private static final Duration STILL = Duration.ofSeconds(2);

    /** Asks whether the standby has got all that was written. */
    private static final QmpCommand FOLLOWED = QmpCommand.of("query-xen-replication-status");

    private final QemuVm vm;
    private final Monitor monitor;
    /** QEMU tells the guest nothing of a write that failed at the standby, only us. */
    private final QmpEvents lost;

    private boolean hasLost;
    private @Nullable Epoch sent;
    /** Of the nodes of the last standby that was attached here; 0 if an agent before this one has attached it. */
    private long number;

    private long written;
    private boolean stopsNext;

    QemuPrimary(QemuVm vm) {
        this.vm = vm;
        this.monitor = vm.monitor();
        this.lost = monitor.client().subscribe("QUORUM_REPORT_BAD", "QUORUM_FAILURE");
    }

    QemuVm vm() {
        return vm;
    }

    Monitor monitor() {
        return monitor;
    }

    /** Whether the guest is to stand still while this epoch goes over; notes it for the next one. */
    boolean stopsNext(boolean then) {
        boolean now = stopsNext;
        stopsNext = then;
        return now;
    }

    @Override
    public void attach(StandbyLink standby, long bytesPerSecond, Progress progress, Standstill stop)
            throws HypervisorException {
        if (isAttached()) {
            throw new HypervisorException(
                    HypervisorException.Kind.REFUSED, vm.name() + " has a standby already; take that off first");
        }
        lost.takeAll();
        hasLost = false;
        number = Math.max(number + 1, CopyNodes.next(monitor));
        Seeding seeding = new Seeding(this, standby, number);
        try {
            seeding.run(bytesPerSecond, progress, stop);
            newlyWritten();
        } catch (HypervisorException e) {
            giveUp(e);
            throw e;
        }
    }

    private void giveUp(HypervisorException why) throws HypervisorException {
        try {
            detach(CLEAN_UP);
        } catch (HypervisorException e) {
            e.addSuppressed(why);
            throw e;
        }
    }

    @Override
    public boolean isAttached() throws HypervisorException {
        CopyNodes nodes = CopyNodes.read(monitor);
        return vm.definition().disks().stream()
                .anyMatch(d -> nodes.sender(d.id()).isPresent());
    }

    @Override
    public boolean isComplete() throws HypervisorException {
        return isAttached() && hasLostNothing();
    }

    private boolean hasLostNothing() throws HypervisorException {
        return hasLostNothing(monitor.call(FOLLOWED.name()));
    }

    /**
     * Gives an order after which all writes have been answered, or have been already, and asks with it whether the standby has got
     * them: a lost one is known here alone.
     */
    void checkNothingLost(QmpCommand order, Duration patience) throws HypervisorException {
        List<QmpFuture> answers;
        try {
            answers = monitor.client().send(order, FOLLOWED);
        } catch (QmpException e) {
            throw monitor.translate(e);
        }
        monitor.await(answers.get(0), patience);
        if (!hasLostNothing(monitor.await(answers.get(1), Monitor.QUICK).value())) {
            throw new HypervisorException(
                    HypervisorException.Kind.FAILED, "the standby has lost writes; it has to be built anew");
        }
    }

    /** Bytes that the guest has written to its disks since this was asked last. */
    long newlyWritten() throws HypervisorException {
        long total = 0;
        for (QmpValue device : monitor.call("query-blockstats")) {
            total += device.path("stats").path("wr_bytes").asLong();
        }
        long since = total - written;
        written = total;
        return since;
    }

    private boolean hasLostNothing(QmpValue status) {
        hasLost |= lost.overflowed() || lost.takeAll().stream().anyMatch(this::isOfTheOneAttached);
        return !hasLost && status.path("error").asText().equals("false");
    }

    /** QEMU tells of such things once a second at most, so that some are told when their standby is long off. */
    private boolean isOfTheOneAttached(QmpEvent event) {
        String node = event.data().path("node-name").asText();
        return number == 0 || !CopyNodes.isSender(node) || node.endsWith("-" + number);
    }

    @Override
    public EpochEnd epoch(StandbyLink standby, long epoch, EpochLimits limits) throws HypervisorException {
        return send(new Epoch(this, standby, epoch, limits, false));
    }

    @Override
    public EpochEnd lastEpoch(StandbyLink standby, long epoch, EpochLimits limits) throws HypervisorException {
        return send(new Epoch(this, standby, epoch, limits, true));
    }

    private EpochEnd send(Epoch next) throws HypervisorException {
        sent = next;
        return next.run();
    }

    @Override
    public EpochEnd commitAgain(StandbyLink standby, long epoch, EpochLimits limits) throws HypervisorException {
        Epoch asked = sent;
        if (asked == null) {
            asked = new Epoch(this, standby, epoch, limits, false);
        }
        return asked.commitAgain(standby, limits);
    }

    @Override
    public boolean shutDown(Duration patience) throws HypervisorException {
        monitor.call("system_powerdown");
        long start = monitor.nanoClock().getAsLong();
        long ran = start;
        VmStatus status = monitor.status();
        while (status != VmStatus.GUEST_ENDED
                && !monitor.left(start, patience).isZero()
                && !monitor.left(ran, STILL).isZero()) {
            Pause.millis(LOOK_MILLIS);
            status = monitor.status();
            if (status == VmStatus.RUNNING) {
                ran = monitor.nanoClock().getAsLong();
            }
        }
        return status == VmStatus.GUEST_ENDED;
    }

    private boolean hasEnded() throws HypervisorException {
        return monitor.status() == VmStatus.GUEST_ENDED;
    }

    @Override
    public void startAnew() throws HypervisorException {
        if (!hasEnded()) {
            return;
        }
        long start = monitor.nanoClock().getAsLong();
        monitor.call("system_reset");
        while (hasEnded()) {
            if (monitor.left(start, CLEAN_UP).isZero()) {
                throw new HypervisorException(
                        HypervisorException.Kind.UNKNOWN, vm.name() + " has shut down and cannot be reset");
            }
            Pause.millis(LOOK_MILLIS);
        }
        vm.beganAnew();
    }

    @Override
    public void endCapture(Duration bound) throws HypervisorException {
        new UnfinishedCapture(vm).end(bound);
    }

    @Override
    public void cut() throws HypervisorException {
        List<Map<String, ?>> instances = new ArrayList<>();
        for (QmpValue instance : overtake("query-yank", Map.of())) {
            String node = instance.path("node-name").asText();
            if (CopyNodes.isWire(node)) {
                instances.add(Map.of("type", "block-node", "node-name", node));
            } else if (instance.path("type").asText().equals("migration")) {
                instances.add(Map.of("type", "migration"));
            }
        }
        if (!instances.isEmpty()) {
            overtake("yank", Map.of("instances", instances));
        }
    }

    /** Out of band: the main loop may be waiting for exactly what is to be cut. */
    private QmpValue overtake(String command, Map<String, ?> arguments) throws HypervisorException {
        try {
            QmpCommand now = new QmpCommand(command, arguments, monitor.client().outOfBand());
            return monitor.client().send(now).get(0).await(Monitor.QUICK).value();
        } catch (QmpException e) {
            throw monitor.translate(e);
        }
    }

    @Override
    public void detach(Duration bound) throws HypervisorException {
        long start = monitor.nanoClock().getAsLong();
        cut();
        awaitAnswer(bound);
        Seeding.end(monitor);
        if (!hasEnded()) {
            vm.thaw(monitor.left(start, bound));
        }
        CopyNodes nodes = CopyNodes.read(monitor);
        for (VmDefinition.Disk disk : vm.definition().disks()) {
            Optional<String> sender = nodes.sender(disk.id());
            if (sender.isPresent()) {
                String role = nodes.role(CopyNodes.top(disk.id()), sender.get()).orElse("");
                monitor.call("x-blockdev-change", Map.of("parent", CopyNodes.top(disk.id()), "child", role));
            }
        }
        removeNodes(".sender-");
        removeNodes(".wire-");
        new HeldOutput(monitor, vm.definition()).releaseAll();
        new Migration(monitor).configure(Set.of());
    }

    /** What QEMU waited for takes a moment to fail. */
    private void awaitAnswer(Duration bound) throws HypervisorException {
        long start = monitor.nanoClock().getAsLong();
        while (true) {
            try {
                monitor.call("query-status");
                return;
            } catch (HypervisorException e) {
                if (e.kind() == HypervisorException.Kind.GONE
                        || !monitor.client().isOpen()
                        || monitor.left(start, bound).isZero()) {
                    throw e;
                }
                Pause.millis(LOOK_MILLIS);
            }
        }
    }

    private void removeNodes(String kind) throws HypervisorException {
        for (QmpValue node : monitor.call("query-named-block-nodes", Map.of("flat", true))) {
            String name = node.path("node-name").asText();
            if (name.contains(kind)) {
                monitor.accepts("blockdev-del", Map.of("node-name", name));
            }
        }
    }
}
