package dev.holdfast.agent.round;

import dev.holdfast.agent.hypervisor.Capture;
import dev.holdfast.agent.hypervisor.CapturePlan;
import dev.holdfast.agent.hypervisor.Control;
import dev.holdfast.agent.hypervisor.DiskState;
import dev.holdfast.agent.hypervisor.FreezeFacts;
import dev.holdfast.agent.hypervisor.GuestHardware;
import dev.holdfast.agent.hypervisor.Hypervisor;
import dev.holdfast.agent.hypervisor.HypervisorKind;
import dev.holdfast.agent.hypervisor.ProcessIdentity;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.Surroundings;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.snapshot.OneDisk;
import dev.holdfast.coordinator.protocol.Name;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** Machines that are this process, and run until they are paused. Thread-safe. */
public final class FakeHypervisor implements Hypervisor {

    /** Those that were asked to shut down, which they did. */
    public final List<Name> shutDown = new CopyOnWriteArrayList<>();

    private final Map<Name, Machine> running = new ConcurrentHashMap<>();

    /** A machine without disks. */
    public static VmDefinition definition(Name vm) {
        return OneDisk.definition(vm);
    }

    @Override
    public boolean isBarred(VmDefinition definition) {
        return false;
    }

    @Override
    public void permit(VmDefinition definition) {}

    @Override
    public RunningVm start(VmDefinition definition, StartMode mode) {
        Machine machine = new Machine(definition);
        running.put(definition.name(), machine);
        return machine;
    }

    @Override
    public Set<Name> running() {
        return Set.copyOf(running.keySet());
    }

    @Override
    public Optional<RunningVm> find(VmDefinition definition, Optional<String> instance) {
        return Optional.ofNullable(running.get(definition.name()));
    }

    @Override
    public void kill(VmDefinition definition, Optional<String> instance) {
        Machine machine = running.remove(definition.name());
        if (machine != null) {
            machine.kill();
        }
    }

    @Override
    public RunningVm takePlace(RunningVm instance, VmDefinition definition) {
        throw new AssertionError("nothing is loaded beside");
    }

    /** One machine. */
    private final class Machine implements RunningVm {
        private final VmDefinition definition;
        private volatile boolean alive = true;
        private volatile VmStatus status = VmStatus.RUNNING;

        Machine(VmDefinition definition) {
            this.definition = definition;
        }

        @Override
        public Name name() {
            return definition.name();
        }

        @Override
        public HypervisorKind kind() {
            return definition.hypervisor();
        }

        @Override
        public ProcessIdentity identity() {
            return ProcessIdentity.of(ProcessHandle.current().pid()).orElseThrow();
        }

        @Override
        public Control control() {
            return kind() == HypervisorKind.UML ? Control.console(identity()) : Control.monitor(identity(), false);
        }

        @Override
        public GuestHardware hardware() {
            return GuestHardware.of(definition);
        }

        @Override
        public String hypervisor() {
            return "fake";
        }

        @Override
        public boolean isAlive() {
            return alive;
        }

        @Override
        public VmStatus status() {
            return status;
        }

        @Override
        public List<DiskState> disks() {
            return List.of();
        }

        @Override
        public Capture newCapture(CapturePlan plan) {
            throw new AssertionError("not asked for");
        }

        @Override
        public FreezeFacts pause() {
            status = VmStatus.PAUSED;
            return new FreezeFacts(System.nanoTime(), 0, false);
        }

        @Override
        public void resume() {
            status = VmStatus.RUNNING;
        }

        @Override
        public void thaw(Duration bound) {
            resume();
        }

        @Override
        public boolean shutdown(Duration patience) {
            shutDown.add(name());
            kill();
            return true;
        }

        @Override
        public void quit() {
            kill();
        }

        @Override
        public void kill() {
            alive = false;
        }

        @Override
        public void mergeIntermediate(String diskId, Path top, Path base, Progress progress) {
            throw new AssertionError("not asked for");
        }

        @Override
        public Surroundings surroundings(boolean memory) {
            throw new AssertionError("not asked for");
        }

        @Override
        public void close() {
            // Nothing is connected.
        }
    }
}
