package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.Capture;
import dev.holdfast.agent.hypervisor.CapturePlan;
import dev.holdfast.agent.hypervisor.Control;
import dev.holdfast.agent.hypervisor.DiskState;
import dev.holdfast.agent.hypervisor.FreezeFacts;
import dev.holdfast.agent.hypervisor.GuestHardware;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.HypervisorKind;
import dev.holdfast.agent.hypervisor.Increments;
import dev.holdfast.agent.hypervisor.ProcessIdentity;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.Relocation;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.Settling;
import dev.holdfast.agent.hypervisor.Surroundings;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.hypervisor.block.CommitJob;
import dev.holdfast.agent.image.MemoryKeys;
import dev.holdfast.agent.qmp.QmpCommand;
import dev.holdfast.agent.qmp.QmpEvent;
import dev.holdfast.agent.qmp.QmpEvents;
import dev.holdfast.agent.qmp.QmpException;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** A QEMU process. One thread at a time. */
final class QemuVm implements RunningVm {
    private static final Duration FLUSH = Duration.ofSeconds(30);
    private static final Duration END = Duration.ofSeconds(5);
    /** A reset ends a machine only with {@code -no-reboot}. */
    private static final Set<String> BY_GUEST = Set.of("guest-shutdown", "guest-reset");

    private static final String NOT_FINALIZED = "not finalized";

    private final VmDefinition definition;
    private final VmDirectory directory;
    private final Monitor monitor;
    private final MemoryKeys memoryKeys;

    private final QmpEvents shutdowns;
    private final WriteProtection protection = new WriteProtection(this);
    private volatile boolean resumesByItself;
    private boolean shutDown;
    private boolean looked;
    private boolean connected;

    QemuVm(VmDefinition definition, VmDirectory directory, Monitor monitor, MemoryKeys memoryKeys) {
        this.definition = definition;
        this.directory = directory;
        this.monitor = monitor;
        this.memoryKeys = memoryKeys;
        this.shutdowns = monitor.client().subscribe("SHUTDOWN");
    }

    Monitor monitor() {
        return monitor;
    }

    MemoryKeys memoryKeys() {
        return memoryKeys;
    }

    VmDefinition definition() {
        return definition;
    }

    WriteProtection protection() {
        return protection;
    }

    /** Whether this QEMU lets the guest run by itself once a background capture protects memory; false until it was seen. */
    boolean resumesByItself() {
        return resumesByItself;
    }

    void sawItResumeByItself() {
        resumesByItself = true;
    }

    /** Connects the network of one that was started without. Once. @throws HypervisorException REFUSED: nothing has changed */
    void connectNetwork() throws HypervisorException {
        if (!connected) {
            Network.connect(monitor, definition.ownHardware().nics());
            connected = true;
        }
    }

    /** Has it own what it may have to open once more. */
    void lendLayers() throws HypervisorException {
        ProcessOwner owner = monitor.owner();
        if (!owner.isSelf()) {
            owner.lendLayers(BlockGraph.files(monitor));
        }
    }

    QemuVm movedTo(VmDirectory place) throws IOException {
        return new QemuVm(definition, directory.moveTo(place), monitor, memoryKeys);
    }

    @Override
    public Name name() {
        return definition.name();
    }

    @Override
    public ProcessIdentity identity() {
        return monitor.identity();
    }

    @Override
    public Control control() {
        return Control.monitor(identity(), definition.guestAgent());
    }

    @Override
    public Optional<Path> consoleLog() {
        return Optional.of(directory.file("console"));
    }

    @Override
    public GuestHardware hardware() throws HypervisorException {
        return GuestHardware.still(definition);
    }

    @Override
    public HypervisorKind kind() {
        return HypervisorKind.QEMU;
    }

    @Override
    public String hypervisor() {
        return "QEMU " + monitor.client().version();
    }

    @Override
    public boolean isAlive() {
        return monitor.client().isOpen() && identity().isAlive();
    }

    @Override
    public VmStatus status() throws HypervisorException {
        return monitor.status();
    }

    @Override
    public void endIfHung() throws HypervisorException {
        protection.lookAfterLeft();
    }

    /** A guest that had shut down was reset, and is about to boot. */
    synchronized void beganAnew() {
        shutdowns.takeAll();
        shutDown = false;
    }

    @Override
    public synchronized boolean hasShutDown() {
        for (QmpEvent event : shutdowns.takeAll()) {
            shutDown |= BY_GUEST.contains(event.data().path("reason").asText());
        }
        if (!shutDown && !looked) {
            try {
                shutDown = monitor.isShutDown();
                looked = true;
            } catch (HypervisorException e) {
                return false; // Asked again.
            }
        }
        return shutDown;
    }

    @Override
    public List<DiskState> disks() throws HypervisorException {
        BlockGraph graph = BlockGraph.read(monitor, definition);
        return definition.disks().stream().map(d -> graph.disks().get(d.id())).toList();
    }

    @Override
    public Surroundings surroundings(boolean memory) throws HypervisorException {
        return new QemuSurroundings(monitor, definition).look(memory);
    }

    @Override
    public Capture newCapture(CapturePlan plan) {
        return new QemuCapture(this, plan);
    }

    @Override
    public FreezeFacts pause() throws HypervisorException {
        try (QmpEvents events = monitor.client().subscribe("STOP")) {
            monitor.call("stop", Map.of(), FLUSH);
            Optional<QmpEvent> event = monitor.await(events, e -> true, Duration.ZERO);
            long now = monitor.nanoClock().getAsLong();
            return event.map(e -> new FreezeFacts(e.receivedNanos(), e.timestampMicros(), false))
                    .orElse(new FreezeFacts(now, 0, true));
        }
    }

    @Override
    public void resume() throws HypervisorException {
        resume(monitor, Monitor.QUICK);
    }

    /** Lets it run; a stream that has just completed refuses that for a millisecond. */
    static void resume(Monitor monitor, Duration bound) throws HypervisorException {
        long start = monitor.nanoClock().getAsLong();
        while (true) {
            try {
                monitor.client().execute("cont", monitor.left(start, bound));
                return;
            } catch (QmpException e) {
                if (!e.says(NOT_FINALIZED) || monitor.left(start, bound).isZero()) {
                    throw monitor.translate(e);
                }
                Pause.millis(1);
            }
        }
    }

    @Override
    public void thaw(Duration bound) throws HypervisorException {
        long start = monitor.nanoClock().getAsLong();
        if (status() == VmStatus.PAUSED) {
            monitor.accepts("cont", Map.of());
        }
        new Migration(monitor).cancel(bound);
        for (VmStatus now = status(); now != VmStatus.RUNNING; now = status()) {
            if (monitor.left(start, bound).isZero()) {
                throw new HypervisorException(
                        Kind.UNKNOWN, name() + " could not be let run again; its state is " + now);
            }
            // Refused for as long as the stream that was cancelled winds up.
            if (!monitor.accepts("cont", Map.of())) {
                Pause.millis(1);
            }
        }
    }

    @Override
    public boolean shutdown(Duration patience) throws HypervisorException {
        monitor.call("system_powerdown");
        long start = monitor.nanoClock().getAsLong();
        while (!monitor.left(start, patience).isZero()) {
            if (!identity().isAlive()) {
                return true;
            }
            if (hasShutDown() && waitsToBeEnded()) {
                quit();
                return true;
            }
            Pause.millis(2);
        }
        return !identity().isAlive();
    }

    private boolean waitsToBeEnded() {
        try {
            return monitor.isShutDown();
        } catch (HypervisorException e) {
            return false; // It ends.
        }
    }

    @Override
    public void quit() throws HypervisorException {
        if (!quitInOrder()) {
            kill();
        }
    }

    /** Asks it to end, and to write what it still has to its disks. @return whether it has */
    boolean quitInOrder() {
        try {
            monitor.client().send(QmpCommand.of("quit"));
            if (awaitEnd(END)) {
                return true;
            }
        } catch (QmpException e) {
            // It does not listen any more; the signal below does not need that.
        }
        identity().signal(false);
        return awaitEnd(END);
    }

    @Override
    public void kill() throws HypervisorException {
        identity().signal(true);
        if (!awaitEnd(END)) {
            throw new HypervisorException(
                    Kind.UNKNOWN,
                    "process " + identity().pid() + " of " + name()
                            + " does not end although it was killed; its storage hangs in the kernel");
        }
    }

    boolean awaitEnd(Duration patience) {
        return identity().endsWithin(patience, monitor.nanoClock());
    }

    @Override
    public void mergeIntermediate(String diskId, Path top, Path base, Progress progress) throws HypervisorException {
        BlockGraph graph = BlockGraph.read(monitor, definition);
        if (graph.disks().get(diskId).active().equals(top)) {
            throw new HypervisorException(Kind.REFUSED, top + " is the active layer of disk " + diskId);
        }
        // It opens the lower one once more, to write.
        lendLayers();
        CommitJob job = new CommitJob(monitor, definition, diskId);
        job.start(Map.of(
                "device",
                graph.activeNodes().get(diskId),
                "top-node",
                graph.node(diskId, top),
                "base-node",
                graph.node(diskId, base)));
        job.awaitEnd(progress);
        closeLeftovers();
    }

    /** QEMU commits below a root only (qmp_block_commit), and that of a disk that can be copied is a quorum. */
    @Override
    public boolean mergesLayers() throws HypervisorException {
        CopyNodes nodes = CopyNodes.read(monitor);
        return definition.disks().stream()
                .noneMatch(disk -> nodes.layer(disk.id()).isPresent());
    }

    @Override
    public Relocation relocation() {
        return new QemuRelocation(this);
    }

    /** Clears what an agent that was interrupted left behind. */
    void tidy() throws HypervisorException {
        CommitJob.clearLeftovers(monitor);
        new QemuIncrements(this).end();
    }

    @Override
    public boolean settles() throws HypervisorException {
        return mergesLayers();
    }

    @Override
    public Settling settle(String diskId, Path home) {
        return new QemuSettling(this, diskId, home);
    }

    @Override
    public Optional<Increments> increments() {
        return Optional.of(new QemuIncrements(this));
    }

    void closeLeftovers() throws HypervisorException {
        for (String node : BlockGraph.read(monitor, definition).leftovers()) {
            monitor.accepts("blockdev-del", Map.of("node-name", node));
        }
    }

    @Override
    public void close() {
        monitor.client().close();
    }
}
