package dev.holdfast.agent.replication;

import dev.holdfast.agent.files.OwnFile;
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
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
    /** Of the resource agent as well: the guest has shut down or was asked to, so that the end of its process is no crash. */
    private static final String END_NOTE = "shut-down";

    private final ManagedVm vm;
    private final VmRegistry vms;
    private final Replication replication;
    private final ColdStart coldStart;
    private final Path endNote;
    private @Nullable RunningVm known;
    private @Nullable Primary primary;
    /** It has been asked to shut down so that it can be handed over, and has done it: its process is still needed. */
    private volatile boolean handedOver;

    private volatile boolean beginsAnew;

    /** Makes the disks fit for a start, and starts. */
    interface ColdStart {
        /** @throws HypervisorException it must not be started now, with the reason */
        void run(Start start) throws HypervisorException;
    }

    /** The start itself. */
    interface Start {
        void start() throws HypervisorException;
    }

    /** @param run the run directory of the machine */
    Guest(ManagedVm vm, VmRegistry vms, Replication replication, ColdStart coldStart, Path run) {
        this.vm = vm;
        this.vms = vms;
        this.replication = replication;
        this.coldStart = coldStart;
        this.endNote = run.resolve(END_NOTE);
    }

    Name name() {
        return vm.name();
    }

    /** Its process. @throws HypervisorException there is one that does not answer */
    Optional<RunningVm> process() throws HypervisorException {
        return vms.process(vm);
    }

    /** @throws HypervisorException there is a process, and nothing names it */
    void checkNoneUnnoted() throws HypervisorException {
        replication.checkNoneUnnoted(vm.definition());
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

    /** Whether it is known to stand still, and could go on. */
    boolean standsStill() {
        try {
            Optional<RunningVm> process = process();
            return process.isPresent() && process.get().status() == VmStatus.PAUSED;
        } catch (HypervisorException e) {
            return false;
        }
    }

    /** Whether it can still be sent elsewhere as it is: not if it hangs, has panicked or has met a disk error. May block as above. One that has shut down for this can. */
    boolean canHandOver() {
        try {
            VmStatus status = process().isPresent() ? process().get().status() : VmStatus.GUEST_ENDED;
            return status != VmStatus.IO_ERROR && (handedOver || status != VmStatus.GUEST_ENDED);
        } catch (HypervisorException e) {
            return false;
        }
    }

    /** Ends it without asking it. Waits a moment for its end. */
    void kill() {
        vm.process().flatMap(known -> known.identity().process()).ifPresent(process -> process.signal(true));
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
        handedOver = false;
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

    /** A standby becomes it. @throws HypervisorException it has not run, or, if there is a process of it, perhaps */
    void failOver(Standby standby, long epoch) throws HypervisorException {
        vm.lock().lock();
        try {
            handedOver = false;
            RunningVm machine = standby.failOver(epoch);
            vms.became(vm, Optional.of(machine));
            machine.resume();
            announce(machine);
        } finally {
            vm.lock().unlock();
        }
    }

    /** It goes on from the memory of a standby that was stopped, or boots if there is none. @param wokeUp called before its processors run */
    void wake(Optional<Path> memory, Waking wokeUp) throws HypervisorException, IOException {
        vm.lock().lock();
        try {
            handedOver = false;
            RunningVm machine = replication.start(
                    vm.definition(), memory.map(StartMode::restore).orElse(StartMode.PAUSED));
            vms.became(vm, Optional.of(machine));
            wokeUp.run();
            machine.resume();
            announce(machine);
        } finally {
            vm.lock().unlock();
        }
    }

    /** The switches learn it from the first packet otherwise. */
    private static void announce(RunningVm machine) {
        try {
            machine.relocation().announce();
        } catch (HypervisorException e) {
            LOG.warn("{} runs, and is not announced to the network: {}", machine.name(), e.getMessage());
        }
    }

    /** What is to be noted when the memory is loaded. */
    interface Waking {
        void run() throws IOException;
    }

    /** Lets it run, whatever it stands still for. Does nothing if it is gone. */
    void run() throws HypervisorException {
        Optional<RunningVm> process = process();
        if (process.isEmpty()) {
            return;
        }
        VmStatus status = process.get().status();
        if (status == VmStatus.GUEST_ENDED && beginsAnew) {
            primary().startAnew();
            beginsAnew = false;
            handedOver = false;
            status = process.get().status();
        }
        if (status.resumable()) {
            process.get().resume();
        } else if (status != VmStatus.RUNNING && status != VmStatus.GUEST_ENDED) {
            process.get().thaw(THAW);
        }
    }

    /** Asks it to shut down; its process stays. @return whether it has, in that time */
    boolean shutDown(Duration patience) throws HypervisorException {
        beginsAnew = false;
        handedOver = true;
        boolean done = false;
        try {
            done = primary().shutDown(patience);
        } finally {
            handedOver = done;
        }
        return done;
    }

    /** If it has shut down it boots when it is let run the next time. @param now lets it run */
    void begin(boolean now) throws HypervisorException {
        beginsAnew = handedOver;
        if (now) {
            run();
        }
    }

    /** Does nothing if it is gone. */
    void pause() throws HypervisorException {
        Optional<RunningVm> process = process();
        if (process.isPresent() && process.get().status() == VmStatus.RUNNING) {
            process.get().pause();
        }
    }

    /** Ends a checkpoint's stream of memory: it is to be handed over, and stands still from now on. */
    void endCapture() throws HypervisorException {
        // Before the lock: whoever looks for a process that may be gone takes them in this order.
        Primary side = primary();
        vm.lock().lock();
        try {
            side.endCapture(THAW);
        } finally {
            vm.lock().unlock();
        }
    }

    /** Ends it. */
    void end() throws HypervisorException {
        vms.stop(vm.name(), Duration.ZERO);
    }

    /** Ends the process of a guest that has shut down, and notes first why. Any number of times. */
    void endIfShutDown() {
        Optional<RunningVm> now = vm.process();
        if (handedOver || now.isEmpty() || !now.get().hasShutDown()) {
            return;
        }
        noteShutDown(true);
        if (now.get().identity().isAlive()) {
            LOG.info("{} has shut down: its process is ended", vm.name());
            try {
                now.get().quit();
            } catch (HypervisorException e) {
                LOG.warn("the process of {}, which has shut down, does not end: {}", vm.name(), e.getMessage());
            }
        }
    }

    /** Outlives this agent. @param now whether the guest has shut down or is being asked to */
    void noteShutDown(boolean now) {
        try {
            if (now) {
                Files.createDirectories(endNote.toAbsolutePath().getParent());
                OwnFile.write(endNote, "noted by the agent\n");
            } else {
                Files.deleteIfExists(endNote);
            }
        } catch (IOException e) {
            LOG.warn("{}: whether the guest is shut down cannot be noted: {}", vm.name(), e.toString());
        }
    }

    /** Whether the end of its process is none of a guest that would have gone on. */
    boolean isNotedShutDown() {
        return Files.exists(endNote);
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
