package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.replication.EpochEnd;
import dev.holdfast.agent.hypervisor.replication.EpochLimits;
import dev.holdfast.agent.hypervisor.replication.Primary;
import dev.holdfast.agent.hypervisor.replication.StandbyLink;
import dev.holdfast.agent.hypervisor.replication.Standstill;
import dev.holdfast.agent.qmp.QmpCommand;
import dev.holdfast.agent.qmp.QmpEvent;
import dev.holdfast.agent.qmp.QmpEvents;
import dev.holdfast.agent.qmp.QmpException;
import dev.holdfast.agent.qmp.QmpValue;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A QEMU whose disks stand under a quorum. */
final class QemuPrimary implements Primary {
    private static final Duration CLEAN_UP = Duration.ofSeconds(10);
    private static final int LOOK_MILLIS = 20;

    /** Asks whether the standby has got all that was written. */
    static final QmpCommand FOLLOWED = QmpCommand.of("query-xen-replication-status");

    private final QemuVm vm;
    private final Monitor monitor;
    /** QEMU tells the guest nothing of a write that failed at the standby, only us. */
    private final QmpEvents lost;

    private boolean hasLost;
    private boolean wasLast;
    /** Of the nodes of the last standby that was attached here; 0 if an agent before this one has attached it. */
    private long number;

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
     * Of what was sent to the standby that is attached.
     *
     * @param status what QEMU answers to {@link #FOLLOWED}
     */
    boolean hasLostNothing(QmpValue status) {
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
        wasLast = false;
        return new Epoch(this, standby, epoch, limits, false).run();
    }

    @Override
    public EpochEnd lastEpoch(StandbyLink standby, long epoch, EpochLimits limits) throws HypervisorException {
        wasLast = true;
        return new Epoch(this, standby, epoch, limits, true).run();
    }

    @Override
    public EpochEnd commitAgain(StandbyLink standby, long epoch, EpochLimits limits) throws HypervisorException {
        return new Epoch(this, standby, epoch, limits, wasLast).commitAgain();
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
        vm.thaw(monitor.left(start, bound));
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
