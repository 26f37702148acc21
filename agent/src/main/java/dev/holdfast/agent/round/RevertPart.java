package dev.holdfast.agent.round;

import dev.holdfast.agent.hypervisor.FreezeFacts;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.ThawFacts;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.snapshot.RevertPhases;
import dev.holdfast.agent.snapshot.SnapshotException;
import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.coordinator.port.Snapshotter.PhaseException;
import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.VmReport;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One machine's part in a revert round. From the hold to the decision the old machine stands still and the new one is loaded
 * beside it; only {@link #carryOut} lets one of them run.
 */
final class RevertPart implements VmPart {

    private static final Logger LOG = LoggerFactory.getLogger(RevertPart.class);

    /**
     * Packets of the timeline that is left may still be on their way in switches and queues; a reverted guest must not meet
     * them, because their sequence numbers fit.
     */
    private static final Duration QUIET_NETWORK = Duration.ofSeconds(1);

    /** A phase of the revert. */
    private interface Phase<R> {
        R run() throws SnapshotException;
    }

    private final RoundSpec spec;
    private final ManagedVm vm;
    private final RevertPhases phases;
    private final LongSupplier nanoClock;
    private final long wallMinusNano;
    private volatile boolean cut;
    private volatile boolean mayBeHeld;
    private boolean wasPaused;
    private long heldAtNanos;
    private long allHeldAtNanos;

    /**
     * @param nanoClock the monotonic clock
     * @param wallMinusNano what to add to it for nanoseconds since 1970, for the report
     */
    RevertPart(RoundSpec spec, ManagedVm vm, RevertPhases phases, LongSupplier nanoClock, long wallMinusNano) {
        this.spec = spec;
        this.vm = vm;
        this.phases = phases;
        this.nanoClock = nanoClock;
        this.wallMinusNano = wallMinusNano;
        // After a restart of the agent nobody knows how long the others have been held: wait the whole time.
        this.allHeldAtNanos = nanoClock.getAsLong();
        this.heldAtNanos = allHeldAtNanos;
    }

    private <R> R phase(Phase<R> phase) throws PhaseException {
        vm.lock().lock();
        try {
            if (cut) {
                throw new PhaseException(Refusal.failed("the round was given up"));
            }
            return phase.run();
        } catch (SnapshotException e) {
            throw new PhaseException(e.because(), e);
        } finally {
            vm.lock().unlock();
        }
    }

    @Override
    public boolean wasPaused() throws PhaseException {
        if (!mayBeHeld) {
            Optional<Boolean> noted = noted();
            wasPaused = noted.isPresent()
                    ? noted.get()
                    : status().filter(VmStatus.PAUSED::equals).isPresent();
        }
        return wasPaused;
    }

    /** What an earlier life of the agent knew. */
    private Optional<Boolean> noted() throws PhaseException {
        try {
            return phases.wasPaused(spec.id().value());
        } catch (SnapshotException e) {
            throw new PhaseException(e.because(), e);
        }
    }

    private Optional<VmStatus> status() throws PhaseException {
        Optional<RunningVm> process = vm.process();
        if (process.isEmpty()) {
            return Optional.empty();
        }
        vm.lock().lock();
        try {
            return Optional.of(process.get().status());
        } catch (HypervisorException e) {
            throw new PhaseException(Refusal.failed(String.valueOf(e.getMessage())), e);
        } finally {
            vm.lock().unlock();
        }
    }

    @Override
    public void prepare() throws PhaseException {
        phase(() -> {
            phases.prepare(spec.checkpoint(), (done, total) -> {});
            return true;
        });
    }

    @Override
    public boolean freezesByItself() {
        return false;
    }

    @Override
    public boolean approach() {
        return false; // A hold needs no approach.
    }

    @Override
    public void freeze() throws PhaseException {
        mayBeHeld = true;
        Optional<FreezeFacts> facts = phase(phases::hold);
        heldAtNanos = facts.map(FreezeFacts::atNanos).orElseGet(nanoClock::getAsLong);
    }

    @Override
    public void capture() throws PhaseException {
        throw new PhaseException(Refusal.failed("a revert captures nothing"));
    }

    @Override
    public ThawFacts proveAndThaw() throws PhaseException {
        throw new PhaseException(Refusal.failed("a revert thaws nothing before its decision"));
    }

    @Override
    public VmReport drain(String quiesce, Progress progress) throws PhaseException {
        throw new PhaseException(Refusal.failed("a revert drains nothing"));
    }

    /** Called when every member is held. */
    @Override
    public VmReport loadBeside(Progress progress) throws PhaseException {
        allHeldAtNanos = nanoClock.getAsLong();
        progress.at("loading", 0, 0);
        phase(() -> {
            phases.loadBeside(spec.id().value(), spec.checkpoint());
            return true;
        });
        long now = nanoClock.getAsLong();
        return new VmReport(
                vm.name(),
                heldAtNanos + wallMinusNano,
                allHeldAtNanos + wallMinusNano,
                now + wallMinusNano,
                now - heldAtNanos,
                CaptureMethod.AUTO,
                "no",
                vm.process().map(RunningVm::hypervisor).orElse(""),
                List.of());
    }

    @Override
    public boolean runs() throws PhaseException {
        return status().filter(VmStatus.RUNNING::equals).isPresent();
    }

    /** What is loading ends with {@link #carryOut}; the held machine may run at once. */
    @Override
    public boolean thaw() {
        cut = true;
        if (!mayBeHeld || wasPaused) {
            return true;
        }
        if (!vm.lock().tryLock()) {
            return false;
        }
        try {
            Optional<RunningVm> process = vm.process();
            if (process.isPresent() && process.get().status().resumable()) {
                process.get().resume();
            }
            return process.isPresent() && process.get().status() == VmStatus.RUNNING;
        } catch (HypervisorException e) {
            LOG.warn("{} may still stand still: {}", vm.name(), e.getMessage());
            return false;
        } finally {
            vm.lock().unlock();
        }
    }

    @Override
    public void carryOut(Decision decision) throws PhaseException {
        if (decision == Decision.COMMITTED) {
            awaitQuietNetwork();
        }
        vm.lock().lock();
        try {
            if (decision == Decision.COMMITTED) {
                phases.runNew(spec.id().value(), !spec.options().paused());
            } else {
                // Without an intent only this life can have held it; what an earlier one held was let run already.
                phases.runOld(spec.id().value(), mayBeHeld && !wasPaused);
            }
        } catch (SnapshotException e) {
            throw new PhaseException(e.because(), e);
        } finally {
            vm.lock().unlock();
        }
    }

    private void awaitQuietNetwork() {
        long until = allHeldAtNanos + QUIET_NETWORK.toNanos();
        while (until - nanoClock.getAsLong() > 0 && !Thread.currentThread().isInterrupted()) {
            LockSupport.parkNanos(until - nanoClock.getAsLong());
        }
    }
}
