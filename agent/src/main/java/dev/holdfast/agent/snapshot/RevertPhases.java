package dev.holdfast.agent.snapshot;

import dev.holdfast.agent.hypervisor.FreezeFacts;
import dev.holdfast.agent.hypervisor.Hypervisor;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.snapshot.chain.ChainExecutor.Removal;
import dev.holdfast.agent.snapshot.chain.ChainPlan;
import dev.holdfast.agent.snapshot.chain.Generation;
import dev.holdfast.agent.snapshot.chain.Intent;
import dev.holdfast.agent.snapshot.chain.LiveDisks;
import dev.holdfast.agent.snapshot.chain.SnapshotRecord;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * The phases of going back to a snapshot: {@link #prepare}, {@link #hold}, {@link #loadBeside}, then {@link #runNew} or
 * {@link #runOld}. The snapshot is loaded in a new, stopped process on new layers, beside the old one, which is held; only
 * the decision ends one of them. The head that is left behind keeps a name: that is the undo.
 *
 * <p>{@code runNew} and {@code runOld} work after a restart of the agent too, from the chain's intent. Nothing here watches
 * over the held machine: a hold has no deadline. One thread, except {@link #stop}.
 */
public final class RevertPhases {
    private static final int NAME_IN_BRANCH = 44;

    private final VmChain vm;
    /** Held while the intent is written or removed: {@link #stop} comes from another thread. */
    private final Object intents = new Object();

    private volatile Intent.After after = Intent.After.RUNNING;

    RevertPhases(VmChain vm) {
        this.vm = vm;
    }

    /** Checks everything, the memory's digest included. The guest runs; nothing is touched. */
    public void prepare(Name snapshot, Progress progress) throws SnapshotException {
        try {
            Preflight.revert(vm, vm.snapshot(snapshot), progress);
        } catch (IOException e) {
            throw SnapshotException.of(e);
        }
    }

    /** Stops the guest, if the machine runs. One that a person has paused is known again, also after a restart. */
    public Optional<FreezeFacts> hold() throws SnapshotException {
        after = Intent.After.RUNNING;
        Optional<RunningVm> running = vm.running();
        if (running.isEmpty()) {
            return Optional.empty();
        }
        try {
            if (running.get().status() == VmStatus.PAUSED) {
                after = Intent.After.PAUSED;
            }
            return Optional.of(running.get().pause());
        } catch (HypervisorException e) {
            throw SnapshotException.of(e);
        }
    }

    /**
     * Makes new layers on the snapshot's and loads it there in a new process, which stays stopped. A snapshot without
     * memory gets a process that is ready to boot, or none if the machine does not run: it stays so.
     *
     * @throws SnapshotException {@link #runOld} must follow
     */
    public void loadBeside(String operation, Name snapshot) throws SnapshotException {
        try {
            vm.requireIdle();
            SnapshotRecord record = vm.snapshot(snapshot);
            Generation head = vm.chain().head();
            Generation next =
                    Generation.fresh(vm.chain().nextNumber(), head.layers().keySet());
            Intent intent = Intent.revert(operation, snapshot, branchName(snapshot, next.number()), head, next)
                    .with(after);
            vm.executor(LiveDisks.NONE, Removal.DELETE, Progress.NONE)
                    .run(ChainPlan.prepareRevert(intent, record.layers()));
            if (isStopped(operation)) {
                throw new SnapshotException(
                        new Refusal(Refusal.Kind.CANCELLED, vm.name() + " was stopped while it was being reverted"));
            }
            if (record.memory().isPresent() || vm.running().isPresent()) {
                hypervisor()
                        .start(onLayers(intent), mode(record).beside(instance(intent)))
                        .close();
            }
        } catch (IOException e) {
            throw SnapshotException.of(e);
        } catch (HypervisorException e) {
            throw SnapshotException.of(e);
        }
    }

    /**
     * The revert is decided: the head moves, the old process ends, the new one is the machine. Idempotent.
     *
     * @param run whether the guest runs then, or stays at the instant of the snapshot
     */
    public void runNew(String operation, boolean run) throws SnapshotException {
        try {
            Optional<Intent> intent = vm.intentOf(operation);
            if (intent.isEmpty()) {
                return;
            }
            Optional<RunningVm> process = vm.running();
            boolean isNew =
                    process.isPresent() && isOn(process.get(), intent.get().toHead());
            if (process.isPresent() && !isNew) {
                // It should be held. If anybody let it run, what it wrote since belongs to the timeline that is left.
                process.get().pause();
            }
            vm.executor(LiveDisks.NONE, Removal.QUARANTINE, Progress.NONE).run(ChainPlan.commitRevert(intent.get()));
            Optional<RunningVm> loaded = isNew ? process : replace(process, intent.get());
            Optional<RunningVm> machine = loaded.isPresent() ? loaded : loadAgain(intent.get());
            vm.slot().became(machine);
            if (isStopped(operation)) {
                end(machine);
            } else {
                try {
                    letRun(operation, intent.get(), machine, run);
                } catch (HypervisorException e) {
                    if (loaded.isEmpty()) {
                        // Perhaps it runs on another node. Nothing may be left here that could be let run when that one
                        // has ended.
                        end(machine);
                    }
                    throw e;
                }
            }
            synchronized (intents) {
                vm.executor(LiveDisks.NONE, Removal.QUARANTINE, Progress.NONE).run(ChainPlan.endRevert());
            }
        } catch (IOException e) {
            throw SnapshotException.of(e);
        } catch (HypervisorException e) {
            throw SnapshotException.of(e);
        }
    }

    private void letRun(String operation, Intent intent, Optional<RunningVm> machine, boolean run)
            throws HypervisorException, IOException, SnapshotException {
        if (run && machine.isPresent() && machine.get().status() != VmStatus.RUNNING) {
            machine.get().resume();
        }
        if (machine.isPresent() && isQuiesced(vm.snapshot(intent.snapshot().orElseThrow()))) {
            vm.tools().watch().restored(vm.name(), operation, run);
        }
    }

    /** Read anew each time: somebody may have stopped the machine in the meantime, also without this agent. */
    private boolean isStopped(String operation) throws IOException {
        return hypervisor().isBarred(vm.definition())
                || vm.intentOf(operation)
                        .filter(intent -> intent.after() == Intent.After.STOPPED)
                        .isPresent();
    }

    private void end(Optional<RunningVm> process) throws HypervisorException {
        if (process.isPresent()) {
            process.get().quit();
            process.get().close();
            vm.slot().became(Optional.empty());
        }
    }

    /** Whether a person had paused the machine before it was held for an operation; empty if nothing is noted of it. */
    public Optional<Boolean> wasPaused(String operation) throws SnapshotException {
        try {
            return vm.intentOf(operation).map(intent -> intent.after() == Intent.After.PAUSED);
        } catch (IOException e) {
            throw SnapshotException.of(e);
        }
    }

    /**
     * Somebody wants the machine stopped while a revert has it: both processes end at once, and it is noted beside the layers
     * that neither side runs whatever is decided; the decision then only moves the head, or leaves it. From any thread; waits
     * for no phase.
     *
     * @return false if no revert has the machine; nothing was done then
     */
    public boolean stop() throws SnapshotException {
        try {
            Intent intent;
            synchronized (intents) {
                Optional<Intent> open = vm.chain().intent().filter(found -> found.kind() == Intent.Kind.REVERT);
                if (open.isEmpty()) {
                    return false;
                }
                intent = open.get().with(Intent.After.STOPPED);
                vm.executor(LiveDisks.NONE, Removal.QUARANTINE, Progress.NONE).writeIntent(intent);
            }
            hypervisor().kill(vm.definition(), Optional.of(instance(intent)));
            hypervisor().kill(vm.definition(), Optional.empty());
            return true;
        } catch (IOException e) {
            throw SnapshotException.of(e);
        } catch (HypervisorException e) {
            throw SnapshotException.of(e);
        }
    }

    /** Inside such a guest the file systems are frozen. */
    private static boolean isQuiesced(SnapshotRecord snapshot) {
        return snapshot.memory().isPresent()
                && snapshot.capture()
                        .filter(facts -> facts.quiesce().equals(SnapshotRecord.QUIESCED))
                        .isPresent();
    }

    /** The old process ends, and the one that was loaded beside it takes its place, if there is one. */
    private Optional<RunningVm> replace(Optional<RunningVm> old, Intent intent)
            throws HypervisorException, IOException {
        if (old.isPresent()) {
            old.get().quit();
            old.get().close();
            vm.slot().became(Optional.empty());
        }
        Optional<RunningVm> loaded = hypervisor().find(onLayers(intent), Optional.of(instance(intent)));
        return loaded.isPresent()
                ? Optional.of(hypervisor().takePlace(loaded.get(), vm.definition()))
                : Optional.empty();
    }

    private Optional<RunningVm> loadAgain(Intent intent) throws HypervisorException, IOException, SnapshotException {
        SnapshotRecord snapshot = vm.snapshot(intent.snapshot().orElseThrow());
        if (snapshot.memory().isEmpty() || isStopped(intent.operation())) {
            // There is nothing to lose: whoever wants the machine boots it from the head.
            return Optional.empty();
        }
        // It died after it was loaded, perhaps with the node. The decision stands, so it is loaded again.
        return Optional.of(hypervisor().start(vm.definition(), mode(snapshot)));
    }

    /**
     * The revert is not to be: the old machine goes on, the new process ends, its layers go. Idempotent.
     *
     * @param run whether the old guest runs then if nothing is noted beside the layers; false if it was paused before
     */
    public void runOld(String operation, boolean run) throws SnapshotException {
        try {
            Optional<Intent> intent = vm.intentOf(operation);
            if (intent.isPresent()) {
                requireUndecided(intent.get());
            }
            // First: what follows may fail or hang, and the old side needs none of it.
            Optional<RunningVm> old = vm.running();
            if (isStopped(operation)) {
                end(old);
            } else if (intent.map(open -> open.after() == Intent.After.RUNNING).orElse(run)
                    && old.isPresent()
                    && old.get().status().resumable()) {
                old.get().resume();
            }
            if (intent.isPresent()) {
                dropNew(operation, intent.get());
            }
        } catch (IOException e) {
            throw SnapshotException.of(e);
        } catch (HypervisorException e) {
            throw SnapshotException.of(e);
        }
    }

    private void requireUndecided(Intent intent) throws IOException, SnapshotException {
        if (isDecided(intent)) {
            throw new SnapshotException(Refusal.failed(
                    "the revert of %s to %s has moved the head already and cannot be taken back; revert to %s instead"
                            .formatted(
                                    vm.name(),
                                    intent.snapshot().orElseThrow(),
                                    intent.branch().orElseThrow())));
        }
    }

    private void dropNew(String operation, Intent intent) throws IOException, HypervisorException, SnapshotException {
        Optional<RunningVm> loaded = hypervisor().find(onLayers(intent), Optional.of(instance(intent)));
        if (loaded.isPresent()) {
            loaded.get().quit();
            loaded.get().close();
        }
        LiveDisks live = vm.live(operation, Progress.NONE);
        synchronized (intents) {
            vm.executor(live, Removal.DELETE, Progress.NONE).run(ChainPlan.abandonRevert(intent, vm.facts(live)));
        }
    }

    /** Whether the head has moved: then there is only forward. */
    boolean isDecided(Intent intent) throws IOException {
        return vm.chain().head().number() == intent.toGeneration();
    }

    private boolean isOn(RunningVm process, Generation generation) throws IOException {
        DriverDisks disks = new DriverDisks(vm, process, "revert", Progress.NONE);
        return disks.written().equals(Optional.of(generation.layers()));
    }

    private Hypervisor hypervisor() {
        return vm.tools().hypervisor();
    }

    private StartMode mode(SnapshotRecord snapshot) {
        return snapshot.memory().isPresent()
                ? StartMode.restore(vm.chain().memoryFile(snapshot.name()))
                : StartMode.PAUSED;
    }

    /** The machine on the layers themselves, while the head still names others. */
    private VmDefinition onLayers(Intent intent) {
        List<VmDefinition.Disk> disks = vm.definition().disks().stream()
                .map(disk -> {
                    Path file = vm.chain().file(intent.toHead().layers().get(disk.id()));
                    return new VmDefinition.Disk(disk.id(), file);
                })
                .toList();
        return vm.definition().withDisks(disks);
    }

    /**
     * The process that is loaded beside the machine. Another word for each revert: when a process ends it removes the files
     * that it made, under the names they had then.
     */
    private static String instance(Intent intent) {
        return "r" + intent.toGeneration();
    }

    private static Name branchName(Name snapshot, int generation) {
        String text = snapshot.value();
        String shortened = text.substring(0, Math.min(text.length(), NAME_IN_BRANCH));
        return new Name("before-%s-%d".formatted(shortened, generation));
    }
}
