package dev.holdfast.agent.inspection;

import dev.holdfast.agent.fsck.ChainFacts;
import dev.holdfast.agent.fsck.MachineFacts;
import dev.holdfast.agent.fsck.NodeFacts;
import dev.holdfast.agent.hypervisor.DiskState;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.journal.VmClaims;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.agent.round.NodeParts;
import dev.holdfast.agent.snapshot.HeadMending;
import dev.holdfast.agent.snapshot.SnapshotException;
import dev.holdfast.agent.snapshot.VmSnapshots;
import dev.holdfast.agent.snapshot.chain.ChainFsck;
import dev.holdfast.agent.snapshot.chain.ForeignChain;
import dev.holdfast.agent.snapshot.chain.HeadFsck;
import dev.holdfast.agent.snapshot.chain.Intent;
import dev.holdfast.agent.snapshot.chain.Layer;
import dev.holdfast.agent.snapshot.chain.SnapshotRecord;
import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/** Gathers what one node sees. Touches nothing. Blocks for as long as the files and the machines take. Thread-safe. */
final class NodeLook {

    private static final Duration PATIENCE = Duration.ofSeconds(2);

    private final NodeTools node;

    NodeLook(NodeTools node) {
        this.node = node;
    }

    /**
     * @param from how many machines to leave out
     * @param most characters of JSON after which no further machine is looked at
     */
    NodePage page(int from, int most) {
        List<ManagedVm> all = List.copyOf(node.vms().all());
        List<MachineFacts> machines = new ArrayList<>();
        int written = 0;
        int next = from;
        while (next < all.size() && written < most) {
            MachineFacts machine = machine(all.get(next));
            machines.add(machine);
            written += JsonObject.of(machine).toString().length();
            next++;
        }
        return new NodePage(facts(machines), next < all.size() ? next : NodePage.NONE);
    }

    private NodeFacts facts(List<MachineFacts> machines) {
        List<Name> undefined = node.vms().states().entrySet().stream()
                .filter(state -> state.getValue().equals(ManagedVm.UNDEFINED))
                .map(Map.Entry::getKey)
                .toList();
        List<NodeFacts.Unreadable> unreadable = node.vms().unreadable().files().stream()
                .map(file -> new NodeFacts.Unreadable(file.vm(), file.because()))
                .toList();
        List<NodeFacts.Entry> journal = node.journal().operations().stream()
                .map(entry -> new NodeFacts.Entry(
                        entry.id().value(),
                        entry.kind().text(),
                        entry.round().isPresent(),
                        entry.state().inDoubt(),
                        entry.vms()))
                .toList();
        return new NodeFacts(
                node.self(),
                machines,
                undefined,
                unreadable,
                journal,
                node.journal().unreadable());
    }

    private MachineFacts machine(ManagedVm vm) {
        Optional<String> before = busy(vm);
        Optional<MachineFacts.Mark> mark = mark(vm.name());
        if (before.isPresent() || !hasChain(vm.definition())) {
            return facts(vm, before, List.of(), mark, Optional.empty(), Optional.empty());
        }
        try {
            MachineFacts seen = node.parts().reading(vm.name(), (operation, snapshots) -> {
                Optional<MachineFacts.NotSeen> noHead = head(vm);
                return noHead.isPresent()
                        ? facts(vm, before, List.of(), mark, Optional.empty(), noHead)
                        : facts(vm, before, disks(vm, snapshots), mark, Optional.of(chain(vm, snapshots)), noHead);
            });
            // What began while we were looking makes what was seen worthless.
            Optional<String> after = busy(vm);
            return after.isEmpty() ? seen : facts(vm, after, List.of(), mark, Optional.empty(), Optional.empty());
        } catch (SnapshotException e) {
            boolean elsewhere = e.because().kind() == Refusal.Kind.BUSY;
            Optional<MachineFacts.NotSeen> noHead = elsewhere ? Optional.empty() : head(vm);
            return facts(
                    vm,
                    before,
                    List.of(),
                    mark,
                    Optional.empty(),
                    noHead.or(() -> Optional.of(
                            new MachineFacts.NotSeen(elsewhere, e.because().text(), false))));
        }
    }

    /** One that somebody else has made has none before the first snapshot of it. */
    private static boolean hasChain(VmDefinition definition) {
        return definition.hasChain() && (definition.hypervisor().isOwn() || ForeignChain.isThere(definition));
    }

    /** What is wrong with the head of its chain, without which the rest cannot be looked at; nothing if that is all right. */
    private Optional<MachineFacts.NotSeen> head(ManagedVm vm) {
        try {
            Optional<HeadFsck.Broken> broken = HeadMending.look(vm.definition(), () -> written(vm));
            return broken.map(head -> new MachineFacts.NotSeen(
                    false,
                    head.text()
                            + head.right()
                                    .map(layers -> "; it has to lead to " + layers.values())
                                    .orElse("; it is not certain where it has to lead: " + head.doubt()),
                    head.right().isPresent() && !node.apart().test(vm.name())));
        } catch (SnapshotException e) {
            return Optional.empty(); // Whoever opens the chain says so.
        }
    }

    /**
     * The file that its process writes each disk to; empty if it has none here.
     *
     * @throws SnapshotException it has one that cannot be asked now
     */
    Optional<Map<String, Path>> written(ManagedVm vm) throws SnapshotException {
        if (!lockSoon(vm)) {
            throw new SnapshotException(Refusal.failed(vm.name() + " does not answer now"));
        }
        try {
            Optional<RunningVm> process = node.vms().process(vm);
            if (process.isEmpty()) {
                return Optional.empty();
            }
            Map<String, Path> written = new TreeMap<>();
            process.get().disks().forEach(disk -> written.put(disk.id(), disk.active()));
            return Optional.of(written);
        } catch (HypervisorException e) {
            throw new SnapshotException(Refusal.failed(String.valueOf(e.getMessage())), e);
        } finally {
            vm.lock().unlock();
        }
    }

    private MachineFacts facts(
            ManagedVm vm,
            Optional<String> busy,
            List<MachineFacts.OpenDisk> disks,
            Optional<MachineFacts.Mark> mark,
            Optional<ChainFacts> chain,
            Optional<MachineFacts.NotSeen> notSeen) {
        return new MachineFacts(vm.name(), vm.state(), node.apart().test(vm.name()), busy, disks, mark, chain, notSeen);
    }

    private Optional<String> busy(ManagedVm vm) {
        return vm.isHeldStill()
                ? Optional.of("a round freezes it")
                : node.claims().holder(vm.name()).map(VmClaims.Holder::text);
    }

    private Optional<MachineFacts.Mark> mark(Name vm) {
        try {
            return FreezeMark.read(node.runDirectory().apply(vm))
                    .map(mark -> new MachineFacts.Mark(
                            mark.token(),
                            mark.hold(),
                            mark.isOver(node.clock().instant()),
                            node.journal().mayBeOpen(mark.token())));
        } catch (IOException e) {
            return Optional.empty(); // The guard's own affair; doctor looks at the run directory.
        }
    }

    /** The hypervisor's word on where the newest data goes. Nothing about a machine that somebody is using. */
    private List<MachineFacts.OpenDisk> disks(ManagedVm vm, VmSnapshots snapshots) throws SnapshotException {
        List<MachineFacts.OpenDisk> disks = new ArrayList<>();
        if (!vm.definition().hypervisor().isOwn()) {
            return disks; // Where they are is its owner's to say.
        }
        try {
            Map<String, Layer> head = snapshots.chain().head().layers();
            for (DiskState disk : open(vm)) {
                Layer layer = head.get(disk.id());
                if (layer != null) {
                    disks.add(new MachineFacts.OpenDisk(
                            disk.id(),
                            disk.active().toString(),
                            snapshots.chain().file(layer).toString()));
                }
            }
        } catch (IOException e) {
            return List.of(); // What is wrong with the head is among the problems of the chain.
        }
        return disks;
    }

    /** The disks of a process with every layer as opened; nothing if there is none, or if it cannot be asked now. */
    List<DiskState> open(ManagedVm vm) throws SnapshotException {
        if (vm.process().isEmpty() || node.apart().test(vm.name()) || !lockSoon(vm)) {
            return List.of();
        }
        try {
            return vm.process().isPresent() ? vm.process().get().disks() : List.of();
        } catch (HypervisorException e) {
            throw new SnapshotException(Refusal.failed(String.valueOf(e.getMessage())), e);
        } finally {
            vm.lock().unlock();
        }
    }

    private static boolean lockSoon(ManagedVm vm) {
        try {
            return vm.lock().tryLock(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private ChainFacts chain(ManagedVm vm, VmSnapshots snapshots) throws SnapshotException {
        ChainFsck.Findings found = snapshots.look();
        // A standby's layers are written from outside of its chain's own rules.
        boolean apart = node.apart().test(vm.name());
        List<ChainFacts.Leftover> leftovers = found.leftovers().stream()
                .filter(left -> !apart || left.what() != ChainFsck.Leftover.What.LAYER)
                .map(left -> new ChainFacts.Leftover(
                        left.file().toString(), left.what().text(), left.snapshot()))
                .toList();
        List<ChainFacts.Missing> missing = found.missing().stream()
                .map(file -> new ChainFacts.Missing(
                        file.file().toString(), file.neededBy(), file.found().map(Path::toString)))
                .toList();
        List<ChainFacts.SnapshotPart> parts = new ArrayList<>();
        found.decided().forEach(record -> parts.add(part(record, false)));
        found.pending().forEach(record -> parts.add(part(record, true)));
        return new ChainFacts(
                snapshots.chain().path().toString(),
                found.intent().map(this::change),
                parts,
                found.problems(),
                leftovers,
                missing,
                found.lost().stream().map(Path::toString).toList());
    }

    private ChainFacts.Change change(Intent intent) {
        return new ChainFacts.Change(
                intent.operation(),
                intent.kind().name().toLowerCase(Locale.ROOT),
                NodeParts.isOwnOperation(intent.operation()),
                node.journal().mayBeOpen(intent.operation()));
    }

    private static ChainFacts.SnapshotPart part(SnapshotRecord record, boolean pending) {
        return new ChainFacts.SnapshotPart(record.name(), record.operation(), record.group(), pending);
    }
}
