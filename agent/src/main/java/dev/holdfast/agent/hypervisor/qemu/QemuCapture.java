package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.CapturePlan;
import dev.holdfast.agent.hypervisor.FreezeFacts;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.InterruptibleCapture;
import dev.holdfast.agent.hypervisor.MemoryFacts;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.ThawFacts;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.qmp.QmpCommand;
import dev.holdfast.agent.qmp.QmpEvent;
import dev.holdfast.agent.qmp.QmpException;
import dev.holdfast.agent.qmp.QmpFuture;
import dev.holdfast.agent.qmp.QmpReply;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** One capture of one QEMU. One thread. */
final class QemuCapture extends InterruptibleCapture {
    private static final QmpCommand QUERY_STATUS = QmpCommand.of("query-status");

    private final QemuVm vm;
    private final Monitor monitor;
    private final CapturePlan plan;
    private final Duration bound;
    private final Overlays overlays;
    private final StopWatcher watcher;
    private CaptureMethod method;
    private volatile MemoryWriter memory = new NoMemory();
    private @Nullable QmpFuture stopReply;
    private @Nullable QmpFuture cutReply;
    private volatile boolean guestRan;
    private boolean mayHaveFrozen;
    private boolean thawed;

    QemuCapture(QemuVm vm, CapturePlan plan) {
        super(vm.name());
        this.vm = vm;
        this.monitor = vm.monitor();
        this.plan = plan;
        this.bound = plan.deadline();
        this.method = plan.method();
        this.overlays = new Overlays(monitor, vm.definition());
        this.watcher = new StopWatcher(monitor);
    }

    @Override
    public void prepare() throws HypervisorException {
        VmStatus status = monitor.status();
        guestRan = status == VmStatus.RUNNING;
        if (!guestRan && (method != CaptureMethod.DISK_ONLY || status != VmStatus.PAUSED)) {
            throw new HypervisorException(
                    Kind.REFUSED,
                    vm.name() + " is " + status
                            + ": a capture with memory would not leave it so; resume it, or capture the disks only");
        }
        if (plan.memory().isPresent()) {
            memory = writer(plan.memory().get());
        }
        overlays.open(plan);
    }

    private MemoryWriter writer(Path path) throws HypervisorException {
        Migration migration = new Migration(monitor);
        if (Migration.isBusy(migration.query())) {
            throw new HypervisorException(
                    Kind.REFUSED,
                    vm.name()
                            + " is being migrated, or a capture that was given up is still being written; wait for it");
        }
        boolean encrypts = vm.memoryKeys().writing().isPresent();
        if (encrypts && method == CaptureMethod.BACKGROUND) {
            throw new HypervisorException(
                    Kind.REFUSED,
                    "memory images are encrypted on this node (\"checkpoint.memory_key_file\"), which the method background"
                            + " does not go with: the guest of an agent that hangs or dies would stand still at its next"
                            + " write; use the method live, or auto");
        }
        boolean background = !encrypts && (method == CaptureMethod.AUTO || method == CaptureMethod.BACKGROUND);
        if (background && migration.configure(Set.of(Migration.BACKGROUND))) {
            method = CaptureMethod.BACKGROUND;
            return new BackgroundMemory(vm, path);
        }
        // Whoever wants encryption has not chosen an image that may lack writes.
        boolean forgetful = encrypts && new EmulatedWrites(monitor, vm.definition()).canBeForgotten();
        boolean live = method == CaptureMethod.AUTO && !forgetful || method == CaptureMethod.LIVE;
        if (live && migration.configure(Set.of(Migration.HOLD))) {
            method = CaptureMethod.LIVE;
            return new LiveMemory(vm, path);
        }
        boolean stop = method == CaptureMethod.AUTO || method == CaptureMethod.STOP;
        if (stop && migration.configure(Set.of())) {
            method = CaptureMethod.STOP;
            return new StopMemory(vm, path);
        }
        throw new HypervisorException(
                Kind.REFUSED,
                "this QEMU, its kernel or its rights do not offer the method " + method + " for " + vm.name()
                        + "; use the method auto");
    }

    @Override
    public boolean isStoppedByOthers() {
        return guestRan && !mayHaveFrozen && watcher.standsStill();
    }

    @Override
    public CaptureMethod method() {
        return method;
    }

    @Override
    public boolean approach(Progress progress) throws HypervisorException {
        checkNotCutShort();
        mayHaveFrozen |= method == CaptureMethod.LIVE;
        return memory.approach(watcher, progress);
    }

    @Override
    public FreezeFacts freeze() throws HypervisorException {
        checkNotCutShort();
        if (!guestRan) {
            return new FreezeFacts(monitor.nanoClock().getAsLong(), 0, true);
        }
        mayHaveFrozen = true;
        boolean early = watcher.stopped();
        if (early) {
            monitor.status(); // it stopped a while ago: is it still there?
        } else {
            orderStop();
        }
        Optional<QmpEvent> stop = watcher.awaitStop(bound);
        checkNotCutShort();
        if (stop.isEmpty()) {
            if (stopReply != null) {
                monitor.await(stopReply, Duration.ZERO); // refused, or no answer at all: says so itself
            }
            throw new HypervisorException(
                    Kind.UNKNOWN,
                    vm.name() + " did not stop within " + bound.toMillis()
                            + " ms: QEMU hangs, its storage hangs, or somebody else had stopped it before");
        }
        return new FreezeFacts(stop.get().receivedNanos(), stop.get().timestampMicros(), early);
    }

    /** QEMU executes in order: the cut need not wait until we have heard of the stop, unless memory comes between. */
    private void orderStop() throws HypervisorException {
        QmpCommand stop = QmpCommand.of("stop");
        if (!memory.cutsRightAfterStop()) {
            stopReply = send(stop).get(0);
            return;
        }
        beginCut();
        List<QmpFuture> replies = send(stop, overlays.cut());
        stopReply = replies.get(0);
        cutReply = replies.get(1);
    }

    @Override
    public void capture() throws HypervisorException {
        checkNotCutShort();
        long start = monitor.nanoClock().getAsLong();
        if (stopReply != null) {
            // It comes after the flush of all disks, which can take much longer than the stop itself.
            monitor.await(stopReply, bound);
        }
        memory.beforeCut(monitor.left(start, bound));
        checkNotCutShort();
        beginCut();
        QmpFuture cut = cutReply != null ? cutReply : send(overlays.cut()).get(0);
        monitor.await(cut, monitor.left(start, bound));
        checkNotCutShort();
        memory.afterCut(monitor.left(start, bound));
    }

    @Override
    public ThawFacts proveAndThaw() throws HypervisorException {
        checkNotCutShort();
        if (!guestRan) {
            return facts(monitor.await(send(QUERY_STATUS).get(0), bound), null);
        }
        long start = monitor.nanoClock().getAsLong();
        List<QmpFuture> replies = send(QUERY_STATUS, memory.orderToRun());
        QmpReply status = monitor.await(replies.get(0), bound);
        try {
            replies.get(1).await(monitor.left(start, bound));
        } catch (QmpException e) {
            // Refused: the stream is not finalized yet or could not begin. Either way the guest must run.
            if (e.kind() != QmpException.Kind.REJECTED) {
                throw monitor.translate(e);
            }
            QemuVm.resume(monitor, monitor.left(start, bound));
        }
        memory.ensureRunning(
                patience -> watcher.awaitResume(status.sequence(), patience).isPresent(), monitor.left(start, bound));
        Optional<QmpEvent> resume = watcher.awaitResume(status.sequence(), monitor.left(start, bound));
        thawed = monitor.status() == VmStatus.RUNNING;
        return facts(status, resume.orElse(null));
    }

    private ThawFacts facts(QmpReply status, @Nullable QmpEvent resume) {
        return new ThawFacts(
                Monitor.status(status.value()),
                watcher.resumesBefore(status.sequence()),
                vm.identity().isAlive(),
                watcher.complete(),
                resume == null ? monitor.nanoClock().getAsLong() : resume.receivedNanos(),
                resume == null ? 0 : resume.timestampMicros());
    }

    @Override
    public MemoryFacts drain(Progress progress) throws HypervisorException {
        MemoryFacts facts = memory.finish(progress);
        if (guestRan && watcher.stops() != 1) {
            throw new HypervisorException(
                    Kind.FAILED,
                    vm.name() + " stopped " + watcher.stops()
                            + " times during the capture, so its memory is not of one moment; somebody else"
                            + " paused or resumed it. Try again");
        }
        memory.close();
        return facts;
    }

    @Override
    protected void letRunAtOnce(Duration patience) throws HypervisorException {
        memory.cutOff();
        if (guestRan) {
            vm.thaw(patience);
        }
    }

    @Override
    protected void letRunAgain() throws HypervisorException {
        memory.cutOff();
        if (mayHaveFrozen && !thawed) {
            vm.thaw(bound);
            thawed = true;
        }
    }

    @Override
    protected void discard(boolean mayHaveCut) throws HypervisorException {
        try {
            memory.discard();
        } finally {
            if (!mayHaveCut) {
                overlays.close();
            }
        }
    }

    private List<QmpFuture> send(QmpCommand... commands) throws HypervisorException {
        try {
            return monitor.client().send(commands);
        } catch (QmpException e) {
            throw monitor.translate(e);
        }
    }

    @Override
    public void close() {
        watcher.close();
        memory.close();
    }
}
