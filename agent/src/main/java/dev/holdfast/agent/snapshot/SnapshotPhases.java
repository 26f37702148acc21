package dev.holdfast.agent.snapshot;

import dev.holdfast.agent.hypervisor.Capture;
import dev.holdfast.agent.hypervisor.CapturePlan;
import dev.holdfast.agent.hypervisor.FreezeFacts;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.MemoryFacts;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.ThawFacts;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.snapshot.chain.ChainExecutor.Removal;
import dev.holdfast.agent.snapshot.chain.ChainPlan;
import dev.holdfast.agent.snapshot.chain.Generation;
import dev.holdfast.agent.snapshot.chain.Intent;
import dev.holdfast.agent.snapshot.chain.Layer;
import dev.holdfast.agent.snapshot.chain.LiveDisks;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import dev.holdfast.coordinator.protocol.VmReport;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The phases of one snapshot of one machine, as a round goes through them: {@link #prepare}, {@link #approach}, {@link
 * #freeze}, {@link #capture}, {@link #proveAndThaw}, {@link #drain}, then {@link #publish} or {@link #abandon}. From any
 * point {@code abandon} may follow. After a restart of the agent a new instance knows nothing of the process's part, and
 * {@code publish} and {@code abandon} work from the chain's intent and what the machine says. One thread, except {@link
 * #cutShort}; the guard is the caller's business.
 */
public final class SnapshotPhases {
    /**
     * One snapshot under way in this life of the agent.
     *
     * @param process what is captured, over the capture's connection
     * @param ran whether the guest ran when it began: one that a person has paused stays so
     */
    private record UnderWay(
            SnapshotRequest request,
            Intent intent,
            Optional<RunningVm> process,
            Optional<Capture> capture,
            boolean ran,
            long wallMinusNano) {

        String hypervisor() {
            return process.map(RunningVm::hypervisor).orElse("not running");
        }
    }

    private final VmChain vm;
    private final SnapshotParts parts;
    private volatile @Nullable UnderWay underWay;
    private @Nullable FreezeFacts frozen;
    private @Nullable ThawFacts thawed;
    private long capturedAtNanos;

    SnapshotPhases(VmChain vm) {
        this.vm = vm;
        this.parts = new SnapshotParts(vm);
    }

    /**
     * Checks, writes the intent, makes the new layers, moves the head to them (they are empty and read through), reserves
     * the memory image, flushes images. The guest runs all the time. A machine that does not run can be captured without
     * memory.
     *
     * @throws SnapshotException nothing is left behind, except as the message says
     */
    public void prepare(SnapshotRequest request) throws SnapshotException {
        UnderWay before = underWay;
        if (before != null) {
            throw SnapshotException.busy("a snapshot of " + vm.name() + " is under way: "
                    + before.request().operation());
        }
        try {
            Preflight.snapshot(vm, request);
            Optional<RunningVm> running = vm.running();
            Intent intent = intent(request);
            Optional<Capture> capture = running.isPresent()
                    ? Optional.of(running.get().newCapture(plan(request, intent)))
                    : Optional.empty();
            underWay = new UnderWay(
                    request,
                    intent,
                    running,
                    capture,
                    running.isPresent() && running.get().status() == VmStatus.RUNNING,
                    vm.tools().wallMinusNano());
            frozen = null;
            thawed = null;
            vm.executor(LiveDisks.NONE, Removal.DELETE, Progress.NONE).run(ChainPlan.prepareCut(intent));
            if (capture.isPresent()) {
                capture.get().prepare();
            }
        } catch (IOException e) {
            throw undone(request.operation(), SnapshotException.of(e));
        } catch (HypervisorException e) {
            throw undone(request.operation(), SnapshotException.of(e));
        }
    }

    private SnapshotException undone(String operation, SnapshotException because) {
        try {
            abandon(operation);
        } catch (SnapshotException e) {
            because.addSuppressed(e);
        }
        return because;
    }

    private Intent intent(SnapshotRequest request) throws IOException {
        if (vm.foreign().isPresent()) {
            return vm.foreign().get().intent(request);
        }
        Generation head = vm.chain().head();
        Generation next =
                Generation.fresh(vm.chain().nextNumber(), head.layers().keySet());
        return Intent.cut(request.operation(), Optional.of(request.name()), head, next);
    }

    private CapturePlan plan(SnapshotRequest request, Intent intent) {
        Map<String, Path> overlays = vm.foreign().isPresent()
                ? Map.of()
                : intent.toHead().layers().values().stream()
                        .collect(Collectors.toMap(
                                Layer::disk, layer -> vm.chain().file(layer)));
        Optional<Path> memory = request.method() == CaptureMethod.DISK_ONLY
                ? Optional.empty()
                : Optional.of(vm.chain().memoryFile(request.name()));
        return new CapturePlan(overlays, memory, request.method(), request.deadline());
    }

    /** The method that was chosen. After {@link #prepare}. */
    public CaptureMethod method() {
        return current().capture().map(Capture::method).orElse(CaptureMethod.DISK_ONLY);
    }

    /** Whether a guest will be stopped: not one that a person has paused, nor one that does not run. After {@link #prepare}. */
    public boolean freezes() {
        return current().ran();
    }

    /** Whether somebody has stopped the guest since {@link #prepare}. Asks nobody, so it costs no time. */
    public boolean isStoppedByOthers() {
        return current().capture().map(Capture::isStoppedByOthers).orElse(false);
    }

    /**
     * Lets a live capture come near; does nothing for other methods. The guard must be armed: the guest may freeze.
     *
     * @return true if the guest is frozen already
     */
    public boolean approach(Progress progress) throws SnapshotException {
        return onCapture(capture -> capture.approach(progress), false);
    }

    /** Stops the guest. The caller has armed the guard and written the freeze marker. */
    public FreezeFacts freeze() throws SnapshotException {
        long now = vm.tools().nanoClock().getAsLong();
        FreezeFacts facts = onCapture(Capture::freeze, new FreezeFacts(now, 0, true));
        frozen = facts;
        return facts;
    }

    /** Cuts or clones the disks, and writes what must be written at a standstill. */
    public void capture() throws SnapshotException {
        onCapture(
                capture -> {
                    capture.capture();
                    return true;
                },
                true);
        if (vm.foreign().isPresent()) {
            RunningVm running = vm.running()
                    .orElseThrow(() -> SnapshotException.refused(vm.name() + " has ended while it was captured"));
            // Whoever started it may have given it another disk, or put a layer on one, since it was looked at.
            vm.foreign().get().requireThose(running);
            vm.foreign().get().cloneAll(current().intent(), this::leftOfFreeze);
        }
        capturedAtNanos = vm.tools().nanoClock().getAsLong();
    }

    /** At least a millisecond: who is late fails, and does not wait for ever. */
    private Duration leftOfFreeze() {
        FreezeFacts freeze = frozen;
        long since = freeze == null ? 0 : vm.tools().nanoClock().getAsLong() - freeze.atNanos();
        Duration left = current().request().deadline().minusNanos(since);
        return left.compareTo(Duration.ofMillis(1)) < 0 ? Duration.ofMillis(1) : left;
    }

    /** Asks whether it still stood and lets it run, in one write. Empty for a machine that does not run. */
    public Optional<ThawFacts> proveAndThaw() throws SnapshotException {
        Optional<ThawFacts> facts = onCapture(capture -> Optional.of(capture.proveAndThaw()), Optional.empty());
        thawed = facts.orElse(null);
        return facts;
    }

    /**
     * Waits for the memory, makes everything durable, takes the digest of the memory, writes the sidecar under its pending
     * name. From here on a restart of the agent does not hurt the snapshot.
     *
     * @param quiesce what came of the request to flush file systems: {@code no}, {@code done}, {@code failed: why}
     * @param writing how far memory has come on its way to the disk
     * @param hashing how far the digest has come
     */
    public VmReport drain(String quiesce, Progress writing, Progress hashing) throws SnapshotException {
        UnderWay now = current();
        MemoryFacts memory = onCapture(capture -> capture.drain(writing), new MemoryFacts(CaptureMethod.DISK_ONLY, 0));
        if (vm.foreign().isPresent()) {
            vm.foreign().get().settle(now.intent());
        }
        try {
            VmReport report = parts.write(now.request(), now.intent(), times(now, memory.method(), quiesce), hashing);
            now.capture().ifPresent(Capture::close);
            return report;
        } catch (IOException e) {
            throw SnapshotException.of(e);
        }
    }

    private VmReport times(UnderWay now, CaptureMethod method, String quiesce) {
        long cut = capturedAtNanos;
        FreezeFacts freeze = frozen;
        ThawFacts thaw = thawed;
        long from = freeze == null ? cut : freeze.atNanos();
        long to = thaw == null ? cut : thaw.atNanos();
        return new VmReport(
                vm.name(),
                from + now.wallMinusNano(),
                cut + now.wallMinusNano(),
                to + now.wallMinusNano(),
                to - from,
                method,
                quiesce,
                now.hypervisor(),
                java.util.List.of());
    }

    /**
     * Lets the guest run at once, while another thread may be in a phase: that phase fails soon, and {@link #abandon} is to
     * follow. Does nothing if no snapshot is under way in this life of the agent. From any thread.
     *
     * @param bound how long to try
     * @throws SnapshotException the guest may still stand still; whoever watches over it lets it run
     */
    public void cutShort(Duration bound) throws SnapshotException {
        UnderWay now = underWay;
        if (now == null || now.capture().isEmpty()) {
            return;
        }
        try {
            now.capture().get().cutShort(bound);
        } catch (HypervisorException e) {
            throw SnapshotException.of(e);
        }
    }

    /**
     * The snapshot exists from now on. Idempotent, also after a restart.
     *
     * @throws SnapshotException if its parts are not all there
     */
    public void publish(String operation, Name snapshot) throws SnapshotException {
        try {
            Optional<Intent> intent = vm.intentOf(operation);
            if (intent.isPresent()) {
                vm.executor(LiveDisks.NONE, Removal.QUARANTINE, Progress.NONE).run(ChainPlan.publish(intent.get()));
            } else if (!vm.chain().snapshots().containsKey(snapshot)) {
                throw new SnapshotException(dev.holdfast.coordinator.protocol.Refusal.failed(
                        "snapshot %s of %s was decided, but its parts are not in %s; run \"holdfast fsck\""
                                .formatted(snapshot, vm.name(), vm.chain().path())));
            }
            forget();
        } catch (IOException e) {
            throw SnapshotException.of(e);
        }
    }

    /**
     * The snapshot shall not exist: the guest runs again if we had stopped it, its parts go away, the frozen layers lose
     * their name. The head goes back only if the machine itself says that it was not cut. Idempotent, also after a restart,
     * also if nothing was prepared.
     *
     * @throws SnapshotException if something is left; calling it again goes on
     */
    public void abandon(String operation) throws SnapshotException {
        UnderWay now = underWay;
        boolean sameLife = now != null && now.request().operation().equals(operation);
        Optional<SnapshotException> failure = sameLife ? abandonCapture() : Optional.empty();
        try {
            Optional<Intent> intent = vm.intentOf(operation);
            if (intent.isPresent()) {
                LiveDisks live = vm.live(operation, Progress.NONE);
                // What a later life of the agent finds is kept until a person looks at it.
                vm.executor(live, sameLife ? Removal.DELETE : Removal.QUARANTINE, Progress.NONE)
                        .run(ChainPlan.abandonCut(intent.get(), vm.facts(live)));
            }
        } catch (IOException e) {
            throw withFailure(SnapshotException.of(e), failure);
        }
        if (failure.isPresent()) {
            throw failure.get();
        }
        if (sameLife) {
            forget();
        }
    }

    private Optional<SnapshotException> abandonCapture() {
        Optional<Capture> capture = current().capture();
        if (capture.isEmpty()) {
            return Optional.empty();
        }
        try {
            capture.get().abandon();
            return Optional.empty();
        } catch (HypervisorException e) {
            // A process that is gone needs no thaw, and what it wrote is in the layers.
            return e.kind() == HypervisorException.Kind.GONE
                    ? Optional.empty()
                    : overAnotherConnection(current(), SnapshotException.of(e));
        }
    }

    /**
     * A capture whose connection was lost can never be ended over it. The process may live, and whoever connects to it anew
     * clears what the capture had opened in it; what is left to do is to let the guest run.
     */
    private Optional<SnapshotException> overAnotherConnection(UnderWay now, SnapshotException because) {
        if (now.process().filter(RunningVm::isAlive).isPresent()) {
            return Optional.of(because);
        }
        try {
            Optional<RunningVm> fresh = vm.running();
            if (fresh.isPresent() && now.ran()) {
                fresh.get().thaw(now.request().deadline());
            }
            return Optional.empty();
        } catch (SnapshotException e) {
            return Optional.of(withFailure(e, Optional.of(because)));
        } catch (HypervisorException e) {
            return Optional.of(withFailure(SnapshotException.of(e), Optional.of(because)));
        }
    }

    private static SnapshotException withFailure(SnapshotException later, Optional<SnapshotException> first) {
        if (first.isEmpty()) {
            return later;
        }
        first.get().addSuppressed(later);
        return first.get();
    }

    private void forget() {
        UnderWay now = underWay;
        if (now != null) {
            now.capture().ifPresent(Capture::close);
        }
        underWay = null;
    }

    private UnderWay current() {
        UnderWay now = underWay;
        if (now == null) {
            throw new IllegalStateException("no snapshot of " + vm.name() + " is under way");
        }
        return now;
    }

    private interface CaptureStep<R> {
        R on(Capture capture) throws HypervisorException;
    }

    private <R> R onCapture(CaptureStep<R> step, R withoutProcess) throws SnapshotException {
        Optional<Capture> capture = current().capture();
        if (capture.isEmpty()) {
            return withoutProcess;
        }
        try {
            return step.on(capture.get());
        } catch (HypervisorException e) {
            throw SnapshotException.of(e);
        }
    }
}
