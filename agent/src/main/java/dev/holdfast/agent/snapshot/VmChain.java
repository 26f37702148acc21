package dev.holdfast.agent.snapshot;

import dev.holdfast.agent.hypervisor.GuestHardware;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.snapshot.chain.ChainDirectory;
import dev.holdfast.agent.snapshot.chain.ChainException;
import dev.holdfast.agent.snapshot.chain.ChainExecutor;
import dev.holdfast.agent.snapshot.chain.ChainExecutor.Removal;
import dev.holdfast.agent.snapshot.chain.ChainPlan;
import dev.holdfast.agent.snapshot.chain.ForeignChain;
import dev.holdfast.agent.snapshot.chain.Intent;
import dev.holdfast.agent.snapshot.chain.LayerCopies;
import dev.holdfast.agent.snapshot.chain.LiveDisks;
import dev.holdfast.agent.snapshot.chain.SnapshotRecord;
import dev.holdfast.agent.storage.ImageStore;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;

/**
 * One machine with its chain: what every operation on snapshots starts from.
 *
 * @param definition the machine; all its disks go through one chain, or are kept in one
 * @param chain its layers
 * @param slot its process
 * @param tools shared
 */
record VmChain(VmDefinition definition, ChainDirectory chain, VmSlot slot, SnapshotTools tools) {

    /** @throws SnapshotException if the disks do not go through one chain, naming the paths */
    static VmChain open(VmDefinition definition, VmSlot slot, SnapshotTools tools) throws SnapshotException {
        if (!definition.hypervisor().isOwn()) {
            return openForeign(definition, slot, tools);
        }
        try {
            Set<Path> directories = new HashSet<>();
            for (VmDefinition.Disk disk : definition.disks()) {
                directories.add(ChainDirectory.locate(disk.id(), disk.path()));
            }
            if (directories.size() != 1) {
                throw new ChainException(
                        "the disks of %s go through %s; all disks of a machine must move by one rename, so they need one"
                                        .formatted(definition.name(), directories.isEmpty() ? "no chain" : directories)
                                + " chain of layers on one file system: import them into one");
            }
            ChainDirectory chain = ChainDirectory.open(directories.iterator().next());
            Set<String> ids = new HashSet<>();
            definition.disks().forEach(disk -> ids.add(disk.id()));
            if (!chain.lastHead().layers().keySet().equals(ids)) {
                throw new ChainException("%s has the disks %s, its chain %s has %s; correct the definition"
                        .formatted(
                                definition.name(),
                                ids,
                                chain.path(),
                                chain.lastHead().layers().keySet()));
            }
            return new VmChain(definition, chain, slot, tools);
        } catch (IOException e) {
            throw SnapshotException.of(e);
        }
    }

    private static VmChain openForeign(VmDefinition definition, VmSlot slot, SnapshotTools tools)
            throws SnapshotException {
        if (definition.disks().isEmpty()) {
            throw SnapshotException.refused(
                    "%s is a domain of libvirt, and its definition names no disks; \"holdfast vm adopt %s\" finds them"
                            .formatted(definition.name(), definition.domain()));
        }
        if (!ForeignChain.isThere(definition)) {
            ForeignDisks.requireClones(definition);
        }
        try {
            return new VmChain(definition, ForeignChain.open(definition, tools.images(), tools.clock()), slot, tools);
        } catch (IOException e) {
            throw SnapshotException.of(e);
        }
    }

    /** Its disks, if they are cloned where they are; empty if they are layers of ours. */
    Optional<ForeignDisks> foreign() {
        return definition.hypervisor().isOwn() ? Optional.empty() : Optional.of(ForeignDisks.of(definition, chain));
    }

    /** The change under way in the chain of a machine; none if there is no chain here. */
    static Optional<Intent> intentIn(VmDefinition definition) throws IOException {
        if (!definition.hasChain()) {
            return Optional.empty();
        }
        if (!definition.hypervisor().isOwn()) {
            return ForeignChain.isThere(definition)
                    ? ChainDirectory.open(ForeignChain.locate(definition)).intent()
                    : Optional.empty();
        }
        for (VmDefinition.Disk disk : definition.disks()) {
            Path directory = ChainDirectory.locate(disk.id(), disk.path());
            if (Files.isDirectory(directory)) {
                return ChainDirectory.open(directory).intent();
            }
        }
        return Optional.empty();
    }

    Name name() {
        return definition.name();
    }

    /** The process, if there is one. */
    Optional<RunningVm> running() throws SnapshotException {
        try {
            return slot.running();
        } catch (HypervisorException e) {
            throw SnapshotException.of(e);
        }
    }

    /** Whether there is a guest that runs: not one that a person has paused. */
    boolean runs() throws SnapshotException {
        try {
            Optional<RunningVm> running = slot.running();
            return running.isPresent() && running.get().status() == VmStatus.RUNNING;
        } catch (HypervisorException e) {
            throw SnapshotException.of(e);
        }
    }

    /**
     * The process, if there is one, certainly: a process that hangs, that the agent has lost, or that is on a node which the cluster has
     * lost sight of, is no absence.
     *
     * @throws SnapshotException if there is one that cannot be talked to
     */
    Optional<RunningVm> certainlyRunning() throws SnapshotException {
        Optional<RunningVm> known = running();
        if (known.isPresent()) {
            return known;
        }
        try {
            Optional<RunningVm> lost = tools.hypervisor().find(definition);
            if (lost.isPresent()) {
                lost.get().close();
                throw SnapshotException.busy("%s runs as %s, which the agent does not know; restart the agent"
                        .formatted(name(), lost.get().identity().label()));
            }
            // A standby on this node may have them open, and then they are no other node's.
            if (definition.hasLayers() && tools.hypervisor().ownsLayers(definition)) {
                requireUnwritten();
            }
            return known;
        } catch (HypervisorException e) {
            throw SnapshotException.of(e);
        } catch (IOException e) {
            throw SnapshotException.of(e);
        }
    }

    private void requireUnwritten() throws IOException, SnapshotException {
        Set<Path> images = new TreeSet<>();
        chain.lastHead().layers().values().forEach(layer -> images.add(chain.file(layer)));
        chain.intent()
                .filter(intent ->
                        intent.kind() == Intent.Kind.SETTLE) // A revert has a process of this node's on its new layers.
                .ifPresent(intent -> intent.toHead().layers().values().forEach(layer -> images.add(chain.file(layer))));
        for (Path image : images) {
            if (Files.exists(image) && tools.images().isWritten(image)) {
                throw SnapshotException.busy(
                        ("%s has no process on this node, and a process writes %s: it runs on a node that the cluster has lost sight of, or"
                                        + " somebody has started it without Holdfast. Its chain is not touched from here; end that process, or do this"
                                        + " on its node")
                                .formatted(name(), image));
            }
        }
    }

    /** What a machine with layers of ours does to them; others have none open. */
    LiveDisks live(String operation, Progress progress) throws SnapshotException {
        return live(operation, progress, () -> false);
    }

    /** @param wantedElsewhere whether another operation waits for the machine: what can be given up is, then */
    LiveDisks live(String operation, Progress progress, BooleanSupplier wantedElsewhere) throws SnapshotException {
        Optional<RunningVm> vm = foreign().isPresent() ? Optional.empty() : running();
        return vm.isEmpty() ? LiveDisks.NONE : new DriverDisks(this, vm.get(), operation, progress, wantedElsewhere);
    }

    ChainExecutor executor(LiveDisks live, Removal removal, Progress progress) {
        return executor(live, removal, progress, copies());
    }

    ChainExecutor executor(LiveDisks live, Removal removal, Progress progress, LayerCopies copies) {
        return new ChainExecutor(chain, tools.images(), live, tools.clock(), removal, progress).with(copies);
    }

    StoredCopies copies() {
        return copies(() -> false);
    }

    /** @param wantedElsewhere whether another operation waits for the machine: what can be given up is, then */
    StoredCopies copies(BooleanSupplier wantedElsewhere) {
        ImageStore storage = foreign().<ImageStore>map(ForeignDisks::store).orElse(tools.storage());
        CountedCopies counted = new CountedCopies(chain, tools.images(), slot, wantedElsewhere);
        return new StoredCopies(chain, definition, storage, Optional.of(counted));
    }

    ChainPlan.Facts facts(LiveDisks live) throws IOException {
        return new ChainPlan.Facts(chain.graph(), live.written());
    }

    /** The change under way, if it is that operation's. */
    Optional<Intent> intentOf(String operation) throws IOException {
        return chain.intent().filter(intent -> intent.operation().equals(operation));
    }

    /** @throws SnapshotException BUSY if a change of the chain is under way or was left behind */
    void requireIdle() throws IOException, SnapshotException {
        Optional<Intent> intent = chain.intent();
        if (intent.isPresent()) {
            throw SnapshotException.busy(
                    "operation %s on %s is not finished; wait for it, or run \"holdfast fsck\" if it was cut short"
                            .formatted(intent.get().operation(), name()));
        }
    }

    SnapshotRecord snapshot(Name snapshot) throws IOException, SnapshotException {
        SnapshotRecord record = chain.snapshots().get(snapshot);
        if (record == null) {
            throw SnapshotException.refused("%s has no snapshot %s; \"holdfast snapshot list %s\" shows what it has"
                    .formatted(name(), snapshot, name()));
        }
        return record;
    }

    /** What its guest sees; empty if its definition does not say it and it does not run. */
    Optional<GuestHardware> hardware() throws SnapshotException {
        if (definition.hardware().isPresent()) {
            return Optional.of(GuestHardware.of(definition));
        }
        try {
            Optional<RunningVm> running = slot.running();
            return running.isPresent() ? Optional.of(running.get().hardware()) : Optional.empty();
        } catch (HypervisorException e) {
            throw SnapshotException.of(e);
        }
    }

    /** @throws SnapshotException if nothing tells it */
    long memoryBytes() throws SnapshotException {
        return hardware()
                .map(GuestHardware::memoryBytes)
                .orElseThrow(() -> SnapshotException.refused(
                        "how much memory %s has is told by the machine alone, and it does not run; start it"
                                .formatted(name())));
    }
}
