package dev.holdfast.agent.round;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.journal.OperationKind;
import dev.holdfast.agent.journal.RoundJournal;
import dev.holdfast.agent.journal.VmClaims;
import dev.holdfast.agent.snapshot.Fate;
import dev.holdfast.agent.snapshot.HeadMending;
import dev.holdfast.agent.snapshot.Room;
import dev.holdfast.agent.snapshot.SnapshotException;
import dev.holdfast.agent.snapshot.SnapshotTools;
import dev.holdfast.agent.snapshot.VmSnapshots;
import dev.holdfast.agent.snapshot.chain.ForeignChain;
import dev.holdfast.agent.snapshot.chain.Intent;
import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.agent.vm.VmRegistry;
import dev.holdfast.coordinator.port.Snapshotter.PhaseException;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import dev.holdfast.coordinator.protocol.RoundSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The chains of this node's machines, for rounds and for single requests. Admits one operation at a time for each machine;
 * refuses to touch the chain of a machine that runs on another node. Thread-safe.
 */
public final class NodeParts implements Parts {

    private static final Logger LOG = LoggerFactory.getLogger(NodeParts.class);
    /** Ids of operations that are no rounds begin so; those of rounds do not. */
    private static final String OWN = "o";
    /** Well below what a round has for its preparation. */
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private final Name node;
    private final VmRegistry vms;
    private final VmClaims claims;
    private final SnapshotTools tools;
    private final Predicate<Name> runsElsewhere;
    private final Supplier<String> uniqueWords;
    private final Map<Name, VmSnapshots> opened = new ConcurrentHashMap<>();
    private final Tidyings tidyings = new Tidyings(PATIENCE);
    private final Complaints untidy = new Complaints();

    /**
     * @param node this node
     * @param vms the machines of this node
     * @param claims who holds them
     * @param tools what snapshots need
     * @param runsElsewhere whether the cluster says that a machine runs on another node
     * @param uniqueWords ids for operations that are no rounds
     */
    public NodeParts(
            Name node,
            VmRegistry vms,
            VmClaims claims,
            SnapshotTools tools,
            Predicate<Name> runsElsewhere,
            Supplier<String> uniqueWords) {
        this.node = node;
        this.vms = vms;
        this.claims = claims;
        this.tools = tools;
        this.runsElsewhere = runsElsewhere;
        this.uniqueWords = uniqueWords;
    }

    /** This node. */
    Name node() {
        return node;
    }

    /** The operation that holds a machine, if one does, and what to do. */
    Optional<String> inTheWay(Name vm) {
        return claims.holder(vm).map(VmClaims.Holder::text);
    }

    /** Whether an operation is one of a node's own, and no round. */
    public static boolean isOwnOperation(String operation) {
        return operation.startsWith(OWN);
    }

    private Name ownOperation() {
        return new Name(OWN + uniqueWords.get());
    }

    @Override
    public VmPart part(RoundSpec spec, Name vm) throws PhaseException {
        try {
            ManagedVm machine = machine(vm);
            admit(RoundJournal.operation(spec.id()), RoundJournal.kind(spec.kind()), vm);
            VmSnapshots snapshots = open(machine);
            return spec.kind() == RoundKind.CHECKPOINT
                    ? new CheckpointPart(spec, machine, snapshots.phases())
                    : new RevertPart(spec, machine, snapshots.reverts(), tools.nanoClock(), tools.wallMinusNano());
        } catch (SnapshotException e) {
            throw new PhaseException(e.because(), e);
        }
    }

    @Override
    public void requireRoom(RoundSpec spec, Set<Name> mine) throws PhaseException {
        List<Room.Need> needs = new ArrayList<>();
        try {
            for (Name vm : mine) {
                VmSnapshots snapshots = open(machine(vm));
                needs.add(
                        spec.kind() == RoundKind.REVERT
                                ? snapshots.roomForRevert(spec.checkpoint())
                                : snapshots.roomForSnapshot(
                                        CheckpointPart.method(machine(vm), spec.options()) != CaptureMethod.DISK_ONLY));
            }
        } catch (SnapshotException e) {
            throw new PhaseException(e.because(), e);
        }
        Optional<String> shortage = Room.shortage(needs);
        if (shortage.isPresent()) {
            throw new PhaseException(Refusal.preflight(shortage.get()));
        }
    }

    @Override
    public void end(RoundSpec spec) {
        claims.release(RoundJournal.operation(spec.id()));
    }

    ManagedVm machine(Name vm) throws SnapshotException {
        return vms.find(vm)
                .orElseThrow(() ->
                        new SnapshotException(Refusal.preflight(vms.unreadable().missing(vm))));
    }

    private void admit(Name operation, OperationKind kind, Name vm) throws SnapshotException {
        Optional<VmClaims.Holder> inTheWay = claims.claim(operation, kind, Set.of(vm));
        if (inTheWay.filter(holder -> holder.kind() == OperationKind.MERGE).isPresent()) {
            inTheWay = tidyings.ahead(vm, () -> claims.claim(operation, kind, Set.of(vm)))
                    .orElse(inTheWay);
        }
        if (inTheWay.isPresent()) {
            throw new SnapshotException(
                    new Refusal(Refusal.Kind.BUSY, inTheWay.get().text()));
        }
    }

    /** A chain on shared storage belongs to the node on which its machine runs. */
    VmSnapshots open(ManagedVm machine) throws SnapshotException {
        return open(machine, runsElsewhere);
    }

    private void requireHere(ManagedVm machine, Predicate<Name> elsewhere) throws SnapshotException {
        if (certainly(machine).isEmpty() && elsewhere.test(machine.name())) {
            // Busy, not failed: a node that has died is still in the store until its session ends, and then it is free.
            throw new SnapshotException(new Refusal(
                    Refusal.Kind.BUSY, machine.name() + " runs on another node; its chain is not touched from here"));
        }
    }

    private VmSnapshots open(ManagedVm machine, Predicate<Name> elsewhere) throws SnapshotException {
        requireHere(machine, elsewhere);
        VmSnapshots known = opened.get(machine.name());
        if (known != null) {
            return known;
        }
        VmSnapshots fresh = VmSnapshots.open(machine.definition(), new MachineSlot(vms, machine), tools);
        opened.put(machine.name(), fresh);
        return fresh;
    }

    /** A chain under a process that does not answer is not touched: nobody knows which layers it writes to. */
    private Optional<RunningVm> certainly(ManagedVm machine) throws SnapshotException {
        try {
            return vms.process(machine);
        } catch (HypervisorException e) {
            throw new SnapshotException(Refusal.failed(String.valueOf(e.getMessage())), e);
        }
    }

    /** Something that is done to the snapshots of one machine. */
    public interface Action<R> {
        R run(String operation, VmSnapshots snapshots) throws SnapshotException;
    }

    /**
     * Runs one operation on a machine's snapshots, alone.
     *
     * @throws SnapshotException it was refused, or failed
     */
    public <R> R alone(Name vm, OperationKind kind, Action<R> action) throws SnapshotException {
        ManagedVm machine = machine(vm);
        Name operation = ownOperation();
        admit(operation, kind, vm);
        try {
            return action.run(operation.value(), open(machine));
        } finally {
            claims.release(operation);
        }
    }

    /**
     * Makes the head of a machine's chain anew, without which nothing else of it can be opened. Alone.
     *
     * @param written what its process writes to; empty if it has none
     * @return whether there was a reason to
     */
    public boolean mendHead(Name vm, Optional<Map<String, Path>> written) throws SnapshotException {
        ManagedVm machine = machine(vm);
        Name operation = ownOperation();
        admit(operation, OperationKind.FSCK, vm);
        try {
            requireHere(machine, runsElsewhere);
            return HeadMending.mend(machine.definition(), written, tools);
        } finally {
            claims.release(operation);
        }
    }

    /** Looks at a machine's snapshots; does not wait for operations. */
    public <R> R reading(Name vm, Action<R> action) throws SnapshotException {
        return action.run("", open(machine(vm)));
    }

    /**
     * Ends what an earlier life of the agent, or another node, left in a machine's chain. Alone: nothing is done while
     * another operation holds the machine.
     *
     * @param fates what is to become of it
     * @return the operation that was ended
     */
    public Optional<String> recover(Name vm, Fate.Teller fates) throws SnapshotException {
        ManagedVm machine = machine(vm);
        if (claims.holder(vm).isPresent()) {
            return Optional.empty();
        }
        Name operation = ownOperation();
        admit(operation, OperationKind.FSCK, vm);
        try {
            VmSnapshots snapshots = open(machine);
            if (isOfCopies(snapshots)) {
                // That is between chain and storage, which takes its time: a stop of the machine must not wait for it.
                return snapshots.recover(fates);
            }
            machine.lock().lock();
            try {
                return snapshots.recover(fates);
            } finally {
                machine.lock().unlock();
            }
        } finally {
            claims.release(operation);
        }
    }

    private static boolean isOfCopies(VmSnapshots snapshots) {
        try {
            Optional<Intent> left = snapshots.chain().intent();
            return left.isPresent() && left.get().kind() == Intent.Kind.KEEP;
        } catch (IOException e) {
            return false; // The recovery tells it.
        }
    }

    /** Whether somebody left a change of a machine's chain under way, that nobody on this node is at. Cheap. */
    public boolean isLeft(Name vm) {
        VmSnapshots known = opened.get(vm);
        if (known == null) {
            // Those that somebody else runs are found after the others, whose chains are looked at when the agent
            // starts.
            return claims.holder(vm).isEmpty()
                    && vms.find(vm)
                            .map(ManagedVm::definition)
                            .filter(definition -> !definition.hypervisor().isOwn() && ForeignChain.isLeft(definition))
                            .isPresent();
        }
        try {
            return claims.holder(vm).isEmpty() && known.chain().intent().isPresent();
        } catch (IOException e) {
            LOG.debug("{}: its intent cannot be read: {}", vm, e.getMessage());
            return false;
        }
    }

    @Override
    public Whereabouts whereabouts(RoundSpec spec, Name vm) throws PhaseException {
        Optional<ManagedVm> machine = vms.find(vm);
        try {
            if (machine.isEmpty()) {
                return Whereabouts.NOT_DEFINED;
            }
            if (!machine.get().definition().hasChain() && !holds(spec, vm)) {
                return Whereabouts.NOT_ADMITTED;
            }
            if (certainly(machine.get()).isPresent() || !runsElsewhere.test(vm)) {
                return Whereabouts.HERE;
            }
            return isUnderWay(spec, vm) ? Whereabouts.ELSEWHERE_AND_OPEN : Whereabouts.ELSEWHERE_AND_DONE;
        } catch (SnapshotException e) {
            throw new PhaseException(e.because(), e);
        }
    }

    private boolean holds(RoundSpec spec, Name vm) {
        Name operation = RoundJournal.operation(spec.id());
        return claims.holder(vm)
                .filter(holder -> holder.operation().equals(operation))
                .isPresent();
    }

    @Override
    public boolean isUnderWay(RoundSpec spec, Name vm) throws PhaseException {
        try {
            return VmSnapshots.isUnderWay(machine(vm).definition(), spec.id().value());
        } catch (SnapshotException e) {
            throw new PhaseException(e.because(), e);
        }
    }

    /**
     * Ends a machine at once that a revert has, be it decided or not; does not wait for what the revert is at.
     *
     * @return false if no revert has it; nothing was done then
     */
    public boolean stopInRevert(Name vm) throws SnapshotException {
        VmSnapshots known = opened.get(vm);
        return known != null && known.reverts().stop();
    }

    /** Something that starts a machine. */
    public interface Start {
        void run() throws HypervisorException;
    }

    /**
     * Starts a machine from its newest data. No operation on its chain may be under way, except its part in a checkpoint round:
     * pacemaker wins over that.
     *
     * @param elsewhere whether it runs on another node
     * @param fates what is to become of what was left under way in the chain, here or on the node that ran it before
     * @throws SnapshotException it must not be started now, with the reason
     */
    public void start(Name vm, Predicate<Name> elsewhere, Fate.Teller fates, Start start)
            throws SnapshotException, HypervisorException {
        ManagedVm machine = machine(vm);
        boolean inRound = claims.holder(vm)
                .filter(holder -> holder.kind() == OperationKind.CHECKPOINT)
                .isPresent();
        Name operation = ownOperation();
        if (!inRound) {
            admit(operation, OperationKind.START, vm);
        }
        try {
            if (machine.definition().hasLayers()) {
                VmSnapshots snapshots = open(machine, elsewhere);
                snapshots.recoverToStart(fates);
                snapshots.readyToStart();
            }
            start.run();
        } finally {
            claims.release(operation);
        }
    }

    /**
     * Has a machine's storage copy what a snapshot has frozen, if it does that, and the machine write its raw disks again; merges unnamed layers
     * if its chain has become long. Does nothing while another operation holds it, and gives way to one that comes.
     *
     * @return whether there is no use in trying again before there is another snapshot
     */
    public boolean compact(Name vm) {
        try {
            boolean tidied = tidyings.run(
                    vm,
                    wanted -> alone(vm, OperationKind.MERGE, (operation, snapshots) -> {
                        snapshots.compact(operation, (done, total) -> {}, wanted);
                        return true;
                    }));
            untidy.end(vm);
            return tidied;
        } catch (SnapshotException e) {
            if (untidy.isNew(vm, e.because().text())) {
                LOG.info("{}: its chain is not tidied now: {}", vm, e.because().text());
            }
            return e.because().kind() != Refusal.Kind.BUSY;
        }
    }
}
