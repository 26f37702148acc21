package dev.holdfast.agent.round;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorKind;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.ThawFacts;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.snapshot.SnapshotException;
import dev.holdfast.agent.snapshot.SnapshotPhases;
import dev.holdfast.agent.snapshot.SnapshotRequest;
import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.coordinator.port.Snapshotter.PhaseException;
import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundOptions;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import dev.holdfast.coordinator.protocol.RoundOptions.Quiesce;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.VmReport;
import java.time.Duration;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One machine's part in a checkpoint round. While it is frozen nobody else may use its connection: a stray question would
 * lengthen the pause.
 */
final class CheckpointPart implements VmPart {

    private static final Logger LOG = LoggerFactory.getLogger(CheckpointPart.class);
    private static final Duration THAW_BOUND = Duration.ofSeconds(2);

    /** A phase of the snapshot. */
    private interface Phase<R> {
        R run() throws SnapshotException;
    }

    private final RoundSpec spec;
    private final ManagedVm vm;
    private final SnapshotPhases phases;
    private volatile boolean cut;
    private volatile boolean mayBeFrozen;
    private volatile boolean wasPaused;
    private volatile boolean prepared;
    private volatile boolean draining;

    CheckpointPart(RoundSpec spec, ManagedVm vm, SnapshotPhases phases) {
        this.spec = spec;
        this.vm = vm;
        this.phases = phases;
    }

    private <R> R phase(Phase<R> phase) throws PhaseException {
        if (cut) {
            throw new PhaseException(Refusal.failed("the round was given up"));
        }
        try {
            return phase.run();
        } catch (SnapshotException e) {
            throw new PhaseException(e.because(), e);
        }
    }

    private <R> R alone(Phase<R> phase) throws PhaseException {
        vm.lock().lock();
        try {
            return phase(phase);
        } finally {
            vm.lock().unlock();
        }
    }

    @Override
    public boolean wasPaused() throws PhaseException {
        if (mayBeFrozen) {
            return wasPaused;
        }
        if (prepared) {
            // Just before the freeze: a question would cost time.
            wasPaused |= phases.isStoppedByOthers();
        } else {
            wasPaused = status().filter(VmStatus.PAUSED::equals).isPresent();
        }
        return wasPaused;
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

    /** How a machine is captured in a round. One whose hypervisor keeps no memory has its disks captured at the same instant. */
    static CaptureMethod method(ManagedVm vm, RoundOptions options) {
        return kind(vm).amongOthers(options.method());
    }

    /** One that runs stays what it is until it is stopped, whatever its definition says by now. */
    private static HypervisorKind kind(ManagedVm vm) {
        return vm.process().map(RunningVm::kind).orElse(vm.definition().hypervisor());
    }

    /** Why a machine cannot quiesce, as far as its definition tells. */
    static Optional<String> cannotQuiesce(ManagedVm vm) {
        if (vm.definition().guestAgent()) {
            return Optional.empty();
        }
        String correction = kind(vm).hasGuestAgents()
                ? "install qemu-guest-agent in it and set guest_agent = true, or use --quiesce=try or no"
                : "there is none under its hypervisor: use --quiesce=try or no, or take it out of the group";
        return Optional.of("%s has no guest agent, which --quiesce=require needs; %s".formatted(vm.name(), correction));
    }

    @Override
    public void prepare() throws PhaseException {
        if (spec.options().quiesce() == Quiesce.REQUIRE) {
            Optional<String> why = cannotQuiesce(vm);
            if (why.isPresent()) {
                throw new PhaseException(Refusal.preflight(why.get()));
            }
        }
        SnapshotRequest request = new SnapshotRequest(
                        spec.id().value(),
                        spec.checkpoint(),
                        Optional.of(spec.group()),
                        method(vm, spec.options()),
                        spec.options().deadline(),
                        spec.options().description())
                .withDegraded(spec.options().allowDegraded());
        vm.holdStill(true);
        alone(() -> {
            phases.prepare(request);
            return true;
        });
        prepared = true;
    }

    @Override
    public boolean freezesByItself() {
        return phases.method() == CaptureMethod.LIVE;
    }

    @Override
    public boolean approach() throws PhaseException {
        mayBeFrozen = true;
        return alone(() -> phases.approach((done, total) -> {}));
    }

    @Override
    public void freeze() throws PhaseException {
        mayBeFrozen = true;
        alone(phases::freeze);
    }

    @Override
    public void capture() throws PhaseException {
        alone(() -> {
            phases.capture();
            return true;
        });
    }

    @Override
    public ThawFacts proveAndThaw() throws PhaseException {
        ThawFacts facts = alone(phases::proveAndThaw)
                .orElseThrow(() -> new PhaseException(Refusal.failed(vm.name() + " does not run")));
        vm.holdStill(false);
        return facts;
    }

    /** Takes minutes, and the guest runs: others may ask the machine meanwhile. */
    @Override
    public VmReport drain(String quiesce, Progress progress) throws PhaseException {
        draining = true;
        try {
            return phase(() -> phases.drain(
                    quiesce,
                    (done, total) -> progress.at("draining", done, total),
                    (done, total) -> progress.at("hashing", done, total)));
        } finally {
            draining = false;
        }
    }

    @Override
    public VmReport loadBeside(Progress progress) throws PhaseException {
        throw new PhaseException(Refusal.failed("a checkpoint loads nothing"));
    }

    @Override
    public boolean runs() throws PhaseException {
        return status().filter(VmStatus.RUNNING::equals).isPresent();
    }

    /** Cuts short what is under way; the machine runs when this returns, unless it hangs, and then the guard sees to it. */
    @Override
    public boolean thaw() {
        cut = true;
        vm.holdStill(false);
        if (draining && !cutDrainShort()) {
            return false; // It does not answer: to ask again would only take the same time again.
        }
        Optional<RunningVm> process = vm.process();
        if (!mayBeFrozen || wasPaused) {
            return true;
        }
        if (process.isEmpty()) {
            return false;
        }
        try {
            process.get().thaw(THAW_BOUND);
            // A phase that is still under way may yet stop it: then the guard must stay armed.
            return process.get().status() == VmStatus.RUNNING && noPhaseIsUnderWay();
        } catch (HypervisorException e) {
            LOG.warn("{} may still stand still: {}; the guard lets it run", vm.name(), e.getMessage());
            return false;
        }
    }

    /** Whoever takes the part back waits for the end of the drain, which storage that hangs would keep from coming. */
    private boolean cutDrainShort() {
        try {
            phases.cutShort(THAW_BOUND);
            return true;
        } catch (SnapshotException e) {
            LOG.warn(
                    "{} may still stand still: {}; the guard lets it run",
                    vm.name(),
                    e.because().text());
            return false;
        }
    }

    private boolean noPhaseIsUnderWay() {
        if (!vm.lock().tryLock()) {
            return false;
        }
        vm.lock().unlock();
        return true;
    }

    @Override
    public void carryOut(Decision decision) throws PhaseException {
        vm.holdStill(false);
        vm.lock().lock();
        try {
            if (decision == Decision.COMMITTED) {
                phases.publish(spec.id().value(), spec.checkpoint());
            } else {
                phases.abandon(spec.id().value());
            }
        } catch (SnapshotException e) {
            throw new PhaseException(e.because(), e);
        } finally {
            vm.lock().unlock();
        }
    }
}
