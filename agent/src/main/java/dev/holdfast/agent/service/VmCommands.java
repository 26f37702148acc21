package dev.holdfast.agent.service;

import dev.holdfast.agent.control.Arguments;
import dev.holdfast.agent.control.CommandTable;
import dev.holdfast.agent.control.ControlCommand;
import dev.holdfast.agent.control.ControlException;
import dev.holdfast.agent.control.ErrorCode;
import dev.holdfast.agent.control.Progress;
import dev.holdfast.agent.control.reply.Console;
import dev.holdfast.agent.control.reply.Done;
import dev.holdfast.agent.control.reply.VmDetails;
import dev.holdfast.agent.control.reply.VmList;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.round.GuardNet;
import dev.holdfast.agent.round.NodeParts;
import dev.holdfast.agent.snapshot.DiskImport;
import dev.holdfast.agent.snapshot.DiskStorage;
import dev.holdfast.agent.snapshot.SnapshotException;
import dev.holdfast.agent.storage.ImageStore;
import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.agent.vm.Unreadable;
import dev.holdfast.agent.vm.VmRegistry;
import dev.holdfast.coordinator.port.Snapshotter.PhaseException;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;

/** {@code vm.*}: the machines of this node. Thread-safe. */
public final class VmCommands {

    private static final Duration GUEST_PATIENCE = Duration.ofSeconds(60);
    /** Tokens of freezes that a person asked for begin so; the guard takes none twice. */
    private static final String BY_HAND = "by-hand-";

    private static final String BY_HAND_RESTORED = "by-hand/restored";

    /**
     * What the commands work with besides the machines.
     *
     * @param net the guard below a freeze by hand
     * @param deadline of a freeze unless the caller says otherwise
     * @param imports puts disks under chains
     * @param storage of this node
     * @param runDirectory of each machine
     * @param starter lets a machine start from its newest data
     * @param moves machines that come and go
     * @param placement which of them are pacemaker's
     * @param runsAgain whether a machine that stands still is replicated, and goes on by itself
     * @param uniqueWords never gives the same word twice
     */
    public record Tools(
            GuardNet net,
            Duration deadline,
            DiskImport imports,
            ImageStore storage,
            Function<Name, Path> runDirectory,
            Starter starter,
            Moves moves,
            Placement placement,
            Predicate<Name> runsAgain,
            Supplier<String> uniqueWords) {}

    /** Machines that move while they run. */
    public interface Moves {
        /** Where a machine is on its way to, if it is. */
        Optional<Name> destination(Name vm);

        /**
         * A machine does not leave this node any more, nor come to it. Does nothing if it was not about to.
         *
         * @return false if somebody still goes on with a move of it
         */
        boolean end(Name vm);
    }

    /** Starts machines from their newest data, and takes them from reverts. */
    public interface Starter {
        /** Ends a machine that a revert has, and notes that the revert is not to run it. Does nothing if none has it. */
        void endRevert(Name vm) throws SnapshotException;

        /**
         * @param placed whether pacemaker wants it here, and so knows that it runs nowhere else
         * @throws SnapshotException it must not be started now, with the reason
         */
        void start(Name vm, boolean placed, NodeParts.Start start) throws SnapshotException, HypervisorException;
    }

    private static final Placement.Instead STOP =
            // Without the time-out the guest would not be asked.
            new Placement.Instead(
                    "crm resource stop %s", "pcs resource disable %s", "'holdfast vm stop %s --force --timeout 2m'");

    private final Name self;
    private final VmRegistry vms;
    private final Function<Name, Optional<String>> operation;
    private final BiConsumer<Name, Refusal> giveUp;
    private final Runnable changed;
    private final Tools tools;
    private final Map<Name, String> byHand = new ConcurrentHashMap<>();

    /**
     * @param self this node
     * @param vms its machines
     * @param operation what is under way on a machine, if anything
     * @param giveUp takes a machine out of the round it is in
     * @param changed told after a start or a stop
     * @param tools what else is needed
     */
    public VmCommands(
            Name self,
            VmRegistry vms,
            Function<Name, Optional<String>> operation,
            BiConsumer<Name, Refusal> giveUp,
            Runnable changed,
            Tools tools) {
        this.self = self;
        this.vms = vms;
        this.operation = operation;
        this.giveUp = giveUp;
        this.changed = changed;
        this.tools = tools;
    }

    /** Whether a machine was frozen by a person; then nobody else acknowledges that the guard has let it run. */
    public static boolean isByHand(String token) {
        return token.startsWith(BY_HAND);
    }

    /** Adds the handlers. */
    public void register(CommandTable table) {
        table.register(
                        ControlCommand.VM_LIST,
                        (arguments, progress) ->
                                new VmList(vms.all().stream().map(this::details).toList(), unreadable()))
                .register(ControlCommand.VM_SHOW, (arguments, progress) -> shown(find(arguments.name("vm"))))
                .register(ControlCommand.VM_START, this::start)
                .register(ControlCommand.VM_STOP, this::stop)
                .register(ControlCommand.VM_FREEZE, this::freeze)
                .register(ControlCommand.VM_THAW, this::thaw)
                .register(ControlCommand.VM_CONSOLE, this::console)
                .register(ControlCommand.VM_IMPORT_DISK, this::importDisk);
    }

    private Object freeze(Arguments arguments, Progress progress) throws ControlException {
        ManagedVm vm = find(arguments.name("vm"));
        Duration bound = arguments.duration("deadline").orElse(tools.deadline());
        if (!vm.definition().hypervisor().isOwn()) {
            throw new ControlException(
                    ErrorCode.REFUSED,
                    vm.name() + " is a domain of libvirt, which Holdfast freezes for checkpoints alone",
                    "whoever starts it suspends and resumes it",
                    "'virsh suspend' does it, without a deadline");
        }
        vm.lock().lock();
        try {
            refuseIfMoving(vm);
            refuseIfHeld(vm);
            String token = BY_HAND + tools.uniqueWords().get();
            tools.net().arm(vm.name(), token, bound, false);
            byHand.put(vm.name(), token);
            use(vm, RunningVm::pause);
        } catch (PhaseException e) {
            throw ControlException.of(e.because());
        } finally {
            vm.lock().unlock();
        }
        return details(vm);
    }

    /** When all of its memory is over there it stands still on both nodes, and only their agents know whose it is. */
    private void refuseIfMoving(ManagedVm vm) throws ControlException {
        Optional<Name> destination = tools.moves().destination(vm.name());
        if (destination.isPresent()) {
            throw new ControlException(
                    ErrorCode.BUSY,
                    "%s is moving to %s".formatted(vm.name(), destination.get()),
                    "",
                    "wait for it, or end it with 'holdfast vm stop %s'".formatted(vm.name()));
        }
    }

    private Object thaw(Arguments arguments, Progress progress) throws ControlException {
        ManagedVm vm = find(arguments.name("vm"));
        refuseIfMoving(vm);
        refuseIfHeld(vm);
        engineGivesUp(vm, "thawed by hand");
        Optional<String> mark = tools.net().markedFor(vm.name());
        // Also one that runs: it may yet obey an order to stop that its agent gave before it died.
        boolean runs = use(vm, process -> {
            process.release();
            return process.status() == VmStatus.RUNNING;
        });
        thawRestored(vm);
        stopWatching(vm.name());
        mark.filter(token -> runs).ifPresent(token -> tools.net().unmark(vm.name(), token));
        return details(vm);
    }

    /** Its old side must not run any more if the revert is committed, and the new one not if it is aborted. */
    private void refuseIfHeld(ManagedVm vm) throws ControlException {
        Optional<String> held = tools.net().holdOn(vm.name());
        if (held.isPresent() && operation.apply(vm.name()).isPresent()) {
            throw new ControlException(
                    ErrorCode.REFUSED,
                    "%s is held by the revert %s, which is not decided here yet".formatted(vm.name(), held.get()),
                    "one of its two timelines is to go, and only the store says which",
                    "it runs when the store answers; 'holdfast vm stop %s' ends it".formatted(vm.name()));
        }
    }

    /** If nobody here froze it, the guard is let go of whatever it holds. */
    private void stopWatching(Name vm) {
        String token = byHand.remove(vm);
        if (token == null) {
            tools.net().forget(vm);
            return;
        }
        try {
            tools.net().disarm(vm, token);
        } catch (PhaseException e) {
            tools.net().forget(vm);
        }
    }

    /** It was reverted with --paused to a capture with frozen file systems, and runs only now. */
    private void thawRestored(ManagedVm vm) throws ControlException {
        if (!tools.net().isMarkedRestored(vm.name())) {
            return;
        }
        try {
            tools.net().thawRestored(vm.name(), BY_HAND_RESTORED);
        } catch (PhaseException e) {
            throw ControlException.of(e.because());
        }
    }

    private void engineGivesUp(ManagedVm vm, String because) {
        giveUp.accept(vm.name(), new Refusal(Refusal.Kind.CANCELLED, vm.name() + ": " + because));
    }

    /** Something asked of a machine's process. */
    private interface Use<R> {
        R of(RunningVm process) throws HypervisorException;
    }

    private <R> R use(ManagedVm vm, Use<R> use) throws ControlException {
        RunningVm process = vm.process()
                .orElseThrow(() -> new ControlException(
                        ErrorCode.REFUSED, vm.name() + " does not run", "", "'holdfast vm start " + vm.name() + "'"));
        vm.lock().lock();
        try {
            return use.of(process);
        } catch (HypervisorException e) {
            throw Failures.told(e);
        } finally {
            vm.lock().unlock();
        }
    }

    private Object console(Arguments arguments, Progress progress) throws ControlException {
        ManagedVm vm = find(arguments.name("vm"));
        Optional<Path> written = vm.process().flatMap(RunningVm::consoleOutput);
        Path socket = tools.runDirectory().apply(vm.name()).resolve("console.sock");
        return new Console(written.isPresent() ? "" : socket.toString(), written.map(Path::toString));
    }

    private Object importDisk(Arguments arguments, Progress progress) throws ControlException {
        ManagedVm vm = find(arguments.name("vm"));
        String disk = arguments.text("disk").orElse("");
        Path file = arguments
                .file("file")
                .orElseThrow(() -> ControlException.of(ErrorCode.BAD_REQUEST, "which image? name a file"));
        if (vm.process().isPresent()) {
            throw new ControlException(ErrorCode.REFUSED, vm.name() + " runs", "its disks are in use", "stop it first");
        }
        try {
            boolean inPlace = arguments.flag("in_place");
            Set<String> missing = inPlace
                    ? tools.imports().adopt(vm.definition(), disk, file)
                    : tools.imports().copy(vm.definition(), disk, file);
            return new Done(
                    missing.isEmpty()
                            ? "the disks of " + vm.name() + " are imported; it can be started"
                            : "%s disk %s of %s; still missing: %s"
                                    .formatted(
                                            inPlace ? "took" : "copied", disk, vm.name(), String.join(", ", missing)));
        } catch (SnapshotException e) {
            throw ControlException.of(e.because());
        }
    }

    private ManagedVm find(Name vm) throws ControlException {
        return vms.find(vm)
                .orElseThrow(() -> new ControlException(
                        ErrorCode.NOT_FOUND,
                        "there is no machine " + vm + " on node " + self,
                        vms.unreadable()
                                .reason(vm)
                                .orElse("machines are defined by files in vms/ beside holdfast.toml"),
                        vms.unreadable().reason(vm).isPresent()
                                ? Unreadable.CORRECTION
                                : "'holdfast vm list' shows what there is"));
    }

    private List<VmList.Unreadable> unreadable() {
        return vms.unreadable().files().stream()
                .map(file -> new VmList.Unreadable(
                        file.file().toString(),
                        file.vm().map(Name::value),
                        file.groups().stream().map(Name::value).toList(),
                        file.anyGroup(),
                        file.because()))
                .toList();
    }

    private Object start(Arguments arguments, Progress progress) throws ControlException {
        ManagedVm vm = find(arguments.name("vm"));
        try {
            StartMode mode = arguments.flag("paused") ? StartMode.PAUSED : StartMode.NORMAL;
            boolean placed = arguments.flag("placed");
            if (!placed) {
                // The resource agent does so itself, before it asks: a stop that comes after it wins.
                vms.permit(vm.name());
            }
            if (vm.process().isEmpty()) {
                if (placed) {
                    // Pacemaker has stopped it everywhere, perhaps while this agent was dead and a move in doubt.
                    endMoves(vm);
                }
                tools.starter().start(vm.name(), placed, () -> vms.start(vm.name(), mode));
            }
            changed.run();
            return details(vm);
        } catch (HypervisorException e) {
            throw Failures.told(e);
        } catch (SnapshotException e) {
            throw ControlException.of(e.because());
        }
    }

    private void endMoves(ManagedVm vm) throws ControlException {
        if (!tools.moves().end(vm.name())) {
            throw new ControlException(
                    ErrorCode.BUSY,
                    "the move of %s to another node does not end".formatted(vm.name()),
                    "it may yet be run there",
                    "try again; 'holdfast vm list' on both nodes shows where it is");
        }
    }

    private Object stop(Arguments arguments, Progress progress) throws ControlException {
        ManagedVm vm = find(arguments.name("vm"));
        tools.placement().refuse(arguments, vm.name(), STOP);
        Duration patience =
                arguments.duration("timeout").orElse(arguments.flag("force") ? Duration.ZERO : GUEST_PATIENCE);
        giveUp.accept(vm.name(), new Refusal(Refusal.Kind.CANCELLED, vm.name() + " is being stopped"));
        try {
            endMoves(vm);
            tools.starter().endRevert(vm.name());
            vms.stop(vm.name(), patience, this::runsAgain);
            tools.placement().forget(vm.name());
            changed.run();
            return details(vm);
        } catch (HypervisorException e) {
            throw Failures.told(e);
        } catch (SnapshotException e) {
            throw ControlException.of(e.because());
        }
    }

    private VmDetails shown(ManagedVm vm) {
        try {
            return Details.with(details(vm), DiskStorage.of(vm.definition(), tools.storage()));
        } catch (SnapshotException e) {
            return details(vm); // What is wrong with its chain is told by fsck.
        }
    }

    /** Whether a machine that stands still does so for a moment: in a freeze of ours, or in an epoch. */
    private boolean runsAgain(Name vm) {
        return tools.net().frozen(vm).isPresent() || tools.runsAgain().test(vm);
    }

    private VmDetails details(ManagedVm vm) {
        return Details.of(vm, self, operation.apply(vm.name()));
    }
}
