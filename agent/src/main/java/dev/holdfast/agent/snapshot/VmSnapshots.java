package dev.holdfast.agent.snapshot;

import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.snapshot.chain.ChainDirectory;
import dev.holdfast.agent.snapshot.chain.ChainExecutor;
import dev.holdfast.agent.snapshot.chain.ChainExecutor.Removal;
import dev.holdfast.agent.snapshot.chain.ChainFsck;
import dev.holdfast.agent.snapshot.chain.Intent;
import dev.holdfast.agent.snapshot.chain.Layer;
import dev.holdfast.agent.snapshot.chain.LayerGraph;
import dev.holdfast.agent.snapshot.chain.LiveDisks;
import dev.holdfast.agent.snapshot.chain.SidecarFsck;
import dev.holdfast.agent.snapshot.chain.SnapshotRecord;
import dev.holdfast.coordinator.protocol.CheckpointRecord;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundOptions.Quiesce;
import dev.holdfast.coordinator.protocol.VmReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The snapshots of one machine. Each method is one operation from beginning to end; {@link #phases()} and {@link #reverts()}
 * are what rounds go through step by step. One operation at a time, one thread at a time: the caller sees to both.
 */
public final class VmSnapshots {
    private static final Logger LOG = LoggerFactory.getLogger(VmSnapshots.class);
    private static final Duration LONGEST_LOAD = Duration.ofMinutes(10);

    private final VmChain vm;
    private final SnapshotPhases phases;
    private final RevertPhases reverts;
    private final ChainTidying tidying;

    private VmSnapshots(VmChain vm) {
        this.vm = vm;
        this.phases = new SnapshotPhases(vm);
        this.reverts = new RevertPhases(vm);
        this.tidying = new ChainTidying(vm);
    }

    /**
     * @param definition whose disks go through one chain
     * @throws SnapshotException if they do not, or the chain is not there
     */
    public static VmSnapshots open(VmDefinition definition, VmSlot slot, SnapshotTools tools) throws SnapshotException {
        return new VmSnapshots(VmChain.open(definition, slot, tools));
    }

    /**
     * Whether a change is under way in the chain of a machine, wherever it runs: only looks.
     *
     * @throws SnapshotException the chain cannot be read
     */
    public static boolean isUnderWay(VmDefinition definition, String operation) throws SnapshotException {
        try {
            return VmChain.intentIn(definition).stream()
                    .anyMatch(intent -> intent.operation().equals(operation));
        } catch (IOException e) {
            throw SnapshotException.of(e);
        }
    }

    /** For rounds that make a checkpoint. */
    public SnapshotPhases phases() {
        return phases;
    }

    /** For rounds that go back to one. */
    public RevertPhases reverts() {
        return reverts;
    }

    /** The machine's chain, for reading. */
    public ChainDirectory chain() {
        return vm.chain();
    }

    /** Makes all checks and touches nothing. @throws SnapshotException with the reason against it */
    public Estimate estimate(SnapshotRequest request) throws SnapshotException {
        try {
            return Preflight.snapshot(vm, request);
        } catch (IOException e) {
            throw SnapshotException.of(e);
        }
    }

    /** The space that a snapshot reserves, with the copies that are made after it: their storage is asked. */
    public Room.Need roomForSnapshot(boolean memory) throws SnapshotException {
        return Preflight.roomForSnapshot(vm, memory);
    }

    /** The memory that a revert takes beside the machine that runs; nothing if it does not run, or if none was captured. */
    public Room.Need roomForRevert(Name snapshot) throws SnapshotException {
        return Preflight.roomForRevert(vm, snapshot);
    }

    /**
     * By what the machine is tied to others past the network, in words that are the same at both ends.
     *
     * @param node this node
     * @param memory whether its memory is to be captured
     */
    public List<String> ties(Name node, boolean memory) throws SnapshotException {
        try {
            return Preflight.ties(vm, node, memory);
        } catch (IOException e) {
            throw SnapshotException.of(e);
        }
    }

    /**
     * Takes a snapshot.
     *
     * @throws SnapshotException nothing is left of it and the guest runs, unless the message says otherwise
     */
    public VmReport create(SnapshotRequest request, Quiesce quiesce, Progress progress) throws SnapshotException {
        return new SnapshotCreation(vm, phases).run(request, quiesce, progress);
    }

    /** All snapshots, the oldest first. */
    public List<SnapshotInfo> list() throws SnapshotException {
        try {
            LayerGraph graph = vm.chain().graph();
            Optional<Name> current = graph.parent(graph.head());
            List<SnapshotInfo> all = new ArrayList<>();
            for (SnapshotRecord record : vm.chain().snapshots().values()) {
                all.add(new SnapshotInfo(
                        record,
                        graph.parent(record.layers()),
                        current.equals(Optional.of(record.name())),
                        record.memory().map(SnapshotRecord.MemoryPart::bytes).orElse(0L),
                        isEncrypted(record),
                        diskBytes(record)));
            }
            all.sort(Comparator.comparing(info -> info.snapshot().createdAt()));
            return all;
        } catch (IOException e) {
            throw SnapshotException.of(e);
        }
    }

    /** An image that cannot be read keeps nobody from seeing the others; {@link #look} says what is wrong with it. */
    private boolean isEncrypted(SnapshotRecord record) {
        Path image = vm.chain().memoryFile(record.name());
        try {
            return Files.exists(image) && vm.tools().hypervisor().images().isEncrypted(image);
        } catch (IOException e) {
            return false;
        }
    }

    private long diskBytes(SnapshotRecord record) throws IOException {
        long bytes = 0;
        for (Layer layer : record.named()) {
            bytes += Files.exists(vm.chain().file(layer))
                    ? vm.chain().image(layer).bytes()
                    : 0;
        }
        return bytes;
    }

    /** One snapshot. */
    public SnapshotInfo show(Name snapshot) throws SnapshotException {
        return list().stream()
                .filter(info -> info.snapshot().name().equals(snapshot))
                .findFirst()
                .orElseThrow(() -> SnapshotException.refused("%s has no snapshot %s".formatted(vm.name(), snapshot)));
    }

    /**
     * Removes a snapshot and merges the layers that only it needed, live if the machine runs. When this throws after the
     * snapshot is gone, the layers stay as they are until {@link #compact} or the next removal.
     */
    public void delete(String operation, Name snapshot, Progress progress) throws SnapshotException {
        try {
            tidying.delete(operation, snapshot, progress);
        } catch (IOException e) {
            throw SnapshotException.of(e);
        }
    }

    /**
     * Goes back to a snapshot. The present disks stay as a branch called {@code before-NAME-NUMBER}; the present memory is
     * lost: take a snapshot before if it is wanted.
     *
     * @param run whether the guest runs afterwards, or stays at the snapshot's instant
     */
    public void revert(String operation, Name snapshot, boolean run, Progress progress) throws SnapshotException {
        reverts.prepare(snapshot, progress);
        FreezeWatch watch = vm.tools().watch();
        boolean ran = vm.runs();
        if (ran) {
            watch.arm(vm.name(), operation, LONGEST_LOAD);
        }
        try {
            reverts.hold();
            reverts.loadBeside(operation, snapshot);
        } catch (SnapshotException e) {
            // If it is not certain that the machine runs again, the guard goes on watching.
            if (goOn(operation, ran, e) && ran) {
                watch.disarm(vm.name(), operation);
            }
            throw e;
        }
        if (ran) {
            watch.disarm(vm.name(), operation);
        }
        reverts.runNew(operation, run);
    }

    private boolean goOn(String operation, boolean ran, SnapshotException because) {
        try {
            reverts.runOld(operation, ran);
            return true;
        } catch (SnapshotException again) {
            because.addSuppressed(again);
            return false;
        }
    }

    /** Whether {@link #compact} has something to do. Changes nothing. */
    public boolean isUntidy() throws SnapshotException {
        try {
            return tidying.isDue();
        } catch (IOException e) {
            throw SnapshotException.of(e);
        }
    }

    /** Copies raw images, has them written again, and merges layers, where that is due; begins nothing more once somebody wants the machine. */
    public void compact(String operation, Progress progress, BooleanSupplier wanted) throws SnapshotException {
        try {
            tidying.tidyIfDue(operation, progress, wanted);
        } catch (IOException e) {
            throw SnapshotException.of(e);
        }
    }

    /** Looks whether a snapshot is whole: the chain, each layer's structure and digest, the memory's digest. */
    public Verification verify(Name snapshot, Progress progress) throws SnapshotException {
        return new SnapshotVerification(vm).verify(snapshot, progress);
    }

    /**
     * Takes the digests of frozen layers that have none yet and keeps them in their sidecars. Reads whole layers, so that it
     * takes long; holds nobody up, and may run beside any other operation.
     *
     * @param progress told after each block; may wait in order to leave the storage to others
     * @param ours whether the machine is still on this node; once it is not, nothing more is written
     * @return whether none is missing any more
     */
    public boolean recordDigests(Progress progress, BooleanSupplier ours) throws SnapshotException {
        try {
            return new FrozenDigests(vm.chain(), ours).record(progress);
        } catch (IOException e) {
            throw SnapshotException.of(e);
        }
    }

    /** Looks the chain over for what does not belong there; touches nothing. */
    public ChainFsck.Findings look() throws SnapshotException {
        try {
            ChainFsck.Findings findings = new ChainFsck(vm.chain()).look();
            return findings.with(obstacles(findings.decided()))
                    .with(vm.copies().volumes().problems());
        } catch (IOException e) {
            throw SnapshotException.of(e);
        }
    }

    /** What keeps memory images that are there from being loaded on this node. */
    private List<String> obstacles(List<SnapshotRecord> decided) {
        List<String> obstacles = new ArrayList<>();
        for (SnapshotRecord record : decided) {
            Path image = vm.chain().memoryFile(record.name());
            if (record.memory().isPresent() && Files.exists(image)) {
                vm.tools().hypervisor().images().obstacle(image).ifPresent(obstacles::add);
            }
        }
        return obstacles;
    }

    /** A repair of a chain. */
    public interface Mending {
        /** @return whether there was a reason to do anything */
        boolean on(ChainFsck fsck, ChainExecutor executor) throws IOException;
    }

    /**
     * Repairs something in the chain, on which no change is under way. Nothing is removed, but by {@link ChainFsck#emptyLost}.
     *
     * @return whether there was a reason to
     */
    public boolean mend(Mending mending) throws SnapshotException {
        try {
            vm.requireIdle();
            return mending.on(
                    new ChainFsck(vm.chain()), vm.executor(LiveDisks.NONE, Removal.QUARANTINE, Progress.NONE));
        } catch (IOException e) {
            throw SnapshotException.of(e);
        }
    }

    /**
     * Writes the sidecar of a part of a checkpoint anew that is missing or cannot be read.
     *
     * @param checkpoint as the catalogue has it
     * @param report this machine's in it
     * @return whether there was a reason to
     */
    public boolean restore(CheckpointRecord checkpoint, VmReport report) throws SnapshotException {
        return mend((fsck, executor) -> new SidecarFsck(vm.chain())
                .restore(checkpoint, report, file -> Digests.sha256(file, Progress.NONE), executor));
    }

    /**
     * Makes certain that a start from the head finds the newest data: to be called before each start, after {@link #recoverToStart}.
     * A node may see an old head for a while on a network file system; booting from it would go back in time.
     *
     * @throws SnapshotException if the machine must not be started, with the reason
     */
    public void readyToStart() throws SnapshotException {
        new StartCheck(vm).check();
    }

    /** {@link #recover} before a start: a copy whose storage does not end it, or does not answer, is left for later, since the machine needs none of it. */
    public void recoverToStart(Fate.Teller fates) throws SnapshotException {
        try {
            recover(fates);
        } catch (SnapshotException e) {
            if (!(e.getCause() instanceof IOException failure) || !tidying.isLeftByStorage(failure)) {
                throw e;
            }
            LOG.warn("{} starts, and a copy of its disks is not finished yet: {}", vm.name(), e.getMessage());
        }
    }

    /**
     * Ends what an earlier life of the agent left: to be called before anything else is done with the machine, a start
     * included. Also what the agent of another node left, that has lost the machine to this one.
     *
     * @param fates what is to become of it
     * @return the operation that was ended, for the log
     */
    public Optional<String> recover(Fate.Teller fates) throws SnapshotException {
        try {
            Optional<Intent> intent = vm.chain().intent();
            Fate fate = intent.map(open -> fates.of(open.operation())).orElse(Fate.KEEP);
            if (intent.isEmpty() || fate == Fate.KEEP) {
                vm.executor(LiveDisks.NONE, Removal.QUARANTINE, Progress.NONE).flushHead();
                return Optional.empty();
            }
            vm.certainlyRunning();
            String operation = intent.get().operation();
            switch (intent.get().kind()) {
                case CUT, CLONE -> recoverCut(intent.get(), fate);
                case MERGE -> tidying.merge(intent.get(), Removal.QUARANTINE, Progress.NONE);
                case KEEP -> tidying.endKeep(intent.get(), Removal.QUARANTINE);
                case SETTLE -> tidying.endSettle(intent.get(), Removal.QUARANTINE);
                case REVERT -> recoverRevert(intent.get(), fate);
            }
            return Optional.of(operation);
        } catch (IOException e) {
            throw SnapshotException.of(e);
        }
    }

    private void recoverCut(Intent intent, Fate fate) throws SnapshotException {
        if (fate == Fate.MAKE_TRUE && intent.snapshot().isPresent()) {
            phases.publish(intent.operation(), intent.snapshot().get());
        } else {
            phases.abandon(intent.operation());
        }
    }

    private void recoverRevert(Intent intent, Fate fate) throws IOException, SnapshotException {
        if (fate == Fate.MAKE_TRUE || reverts.isDecided(intent)) {
            reverts.runNew(intent.operation(), true);
            return;
        }
        reverts.runOld(intent.operation(), true);
    }
}
