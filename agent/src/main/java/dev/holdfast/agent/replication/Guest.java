package dev.holdfast.agent.replication;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.hypervisor.replication.Primary;
import dev.holdfast.agent.hypervisor.replication.Replication;
import dev.holdfast.agent.hypervisor.replication.Standby;
import dev.holdfast.agent.hypervisor.replication.StandbyPlace;
import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.agent.vm.VmRegistry;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The machine itself on this node: its process, as this part of the agent needs it. Thread-safe but for starts and ends. */
final class Guest {
    private static final Logger LOG = LoggerFactory.getLogger(Guest.class);
    private static final Duration THAW = Duration.ofSeconds(5);
    private static final Duration LOOK = Duration.ofMillis(20);
    private static final int ENDING_LOOKS = 100;

    private final ManagedVm vm;
    private final VmRegistry vms;
    private final Replication replication;
    private final ColdStart coldStart;
    private @Nullable RunningVm known;
    private @Nullable Primary primary;

    /** Makes the disks fit for a start, and starts. */
    interface ColdStart {
        /** @throws HypervisorException it must not be started now, with the reason */
        void run(Start start) throws HypervisorException;
    }

    /** The start itself. */
    interface Start {
        void start() throws HypervisorException;
    }

    Guest(ManagedVm vm, VmRegistry vms, Replication replication, ColdStart coldStart) {
        this.vm = vm;
        this.vms = vms;
        this.replication = replication;
        this.coldStart = coldStart;
    }

    /** Its process. @throws HypervisorException there is one that does not answer */
    Optional<RunningVm> process() throws HypervisorException {
        return vms.process(vm);
    }

    /** Whether it is certain that there is none. */
    boolean isGone() {
        try {
            return process().isEmpty();
        } catch (HypervisorException e) {
            return false;
        }
    }

    /** Whether it is gone, or about to be: what asks it notices a little sooner than the process is. */
    boolean isEnding() {
        for (int i = 0; i < ENDING_LOOKS; i++) {
            if (vm.process().isPresent()) {
                return false;
            }
            if (isGone()) {
                return true;
            }
            LockSupport.parkNanos(LOOK.toNanos());
        }
        return false;
    }

    /** Whether its process does something about what it is asked. Blocks for some seconds if it does not. */
    boolean answers() {
        try {
            Optional<RunningVm> process = process();
            if (process.isPresent()) {
                process.get().status();
            }
            return process.isPresent();
        } catch (HypervisorException e) {
            return false;
        }
    }

    /** One that does nothing any more cannot be handed over; its standby has what there is. */
    void killIfItHangs() {
        if (!isGone() && !answers()) {
            LOG.warn("{} is to be demoted and hangs: its process is killed", vm.name());
            kill();
        }
    }

    /** Ends it without asking it. Waits a moment for its end. */
    void kill() {
        vm.process().ifPresent(known -> known.identity().signal(true));
        for (int i = 0; i < ENDING_LOOKS && !isGone(); i++) {
            LockSupport.parkNanos(LOOK.toNanos());
        }
    }

    /** The side that sends. @throws HypervisorException GONE if there is no process */
    synchronized Primary primary() throws HypervisorException {
        RunningVm now =
                process().orElseThrow(() -> new HypervisorException(Kind.GONE, vm.name() + " does not run any more"));
        Primary side = primary;
        if (side == null || known != now) {
            side = replication.primary(now);
            primary = side;
            known = now;
        }
        return side;
    }

    /** Boots it, if it does not run. */
    void startCold() throws HypervisorException {
        coldStart.run(() -> {
            vm.lock().lock();
            try {
                if (vms.process(vm).isEmpty()) {
                    vms.became(vm, Optional.of(replication.start(vm.definition(), StartMode.NORMAL)));
                }
            } finally {
                vm.lock().unlock();
            }
        });
    }

    /** A standby becomes it. */
    void failOver(Standby standby, long epoch) throws HypervisorException {
        vm.lock().lock();
        try {
            vms.became(vm, Optional.of(standby.failOver(epoch)));
        } finally {
            vm.lock().unlock();
        }
    }

    /** Lets it run, whatever it stands still for. Does nothing if it is gone. */
    void run() throws HypervisorException {
        Optional<RunningVm> process = process();
        if (process.isEmpty()) {
            return;
        }
        VmStatus status = process.get().status();
        if (status.resumable()) {
            process.get().resume();
        } else if (status != VmStatus.RUNNING && status != VmStatus.GUEST_ENDED) {
            process.get().thaw(THAW);
        }
    }

    /** Does nothing if it is gone. */
    void pause() throws HypervisorException {
        Optional<RunningVm> process = process();
        if (process.isPresent() && process.get().status() == VmStatus.RUNNING) {
            process.get().pause();
        }
    }

    /** Ends it. */
    void end() throws HypervisorException {
        vms.stop(vm.name(), Duration.ZERO);
    }

    /** It has ended by itself. */
    void forget() {
        if (vm.lock().tryLock()) {
            try {
                if (vm.process().isEmpty()) {
                    vms.became(vm, Optional.empty());
                }
            } finally {
                vm.lock().unlock();
            }
        }
    }

    /** Waits until its disks are back at the epoch that it was promoted with, and clears up after the standby. */
    void settle(StandbyPlace place, Duration bound) throws HypervisorException {
        RunningVm now =
                process().orElseThrow(() -> new HypervisorException(Kind.GONE, vm.name() + " does not run any more"));
        replication.settle(now, place, bound);
    }
}
