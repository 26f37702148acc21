package dev.holdfast.agent.service;

import dev.holdfast.agent.control.Arguments;
import dev.holdfast.agent.control.CommandTable;
import dev.holdfast.agent.control.ControlCommand;
import dev.holdfast.agent.control.ControlException;
import dev.holdfast.agent.control.ErrorCode;
import dev.holdfast.agent.control.Progress;
import dev.holdfast.agent.control.reply.VmDetails;
import dev.holdfast.agent.control.reply.VmList;
import dev.holdfast.agent.hypervisor.DiskState;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.agent.vm.VmRegistry;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Function;

/** {@code vm.list}, {@code show}, {@code start}, {@code stop}. Thread-safe. */
public final class VmCommands {

    private static final Duration GUEST_PATIENCE = Duration.ofSeconds(60);

    private final Name self;
    private final VmRegistry vms;
    private final Function<Name, Optional<String>> operation;
    private final BiConsumer<Name, Refusal> giveUp;
    private final Runnable changed;

    /**
     * @param self this node
     * @param vms its machines
     * @param operation what is under way on a machine, if anything
     * @param giveUp takes a machine out of the round it is in
     * @param changed told after a start or a stop
     */
    public VmCommands(
            Name self,
            VmRegistry vms,
            Function<Name, Optional<String>> operation,
            BiConsumer<Name, Refusal> giveUp,
            Runnable changed) {
        this.self = self;
        this.vms = vms;
        this.operation = operation;
        this.giveUp = giveUp;
        this.changed = changed;
    }

    /** Adds the handlers. */
    public void register(CommandTable table) {
        table.register(
                        ControlCommand.VM_LIST,
                        (arguments, progress) ->
                                new VmList(vms.all().stream().map(this::details).toList()))
                .register(ControlCommand.VM_SHOW, (arguments, progress) -> details(find(arguments.name("vm"))))
                .register(ControlCommand.VM_START, this::start)
                .register(ControlCommand.VM_STOP, this::stop);
    }

    private ManagedVm find(Name vm) throws ControlException {
        return vms.find(vm)
                .orElseThrow(() -> new ControlException(
                        ErrorCode.NOT_FOUND,
                        "there is no machine " + vm + " on node " + self,
                        "machines are defined by files in vms/ beside holdfast.toml",
                        "'holdfast vm list' shows what there is"));
    }

    private Object start(Arguments arguments, Progress progress) throws ControlException {
        ManagedVm vm = find(arguments.name("vm"));
        try {
            vms.start(vm.name(), arguments.flag("paused") ? StartMode.PAUSED : StartMode.NORMAL);
            changed.run();
            return details(vm);
        } catch (HypervisorException e) {
            throw Failures.told(e);
        }
    }

    private Object stop(Arguments arguments, Progress progress) throws ControlException {
        ManagedVm vm = find(arguments.name("vm"));
        Duration patience = arguments.flag("force")
                ? Duration.ZERO
                : arguments.duration("timeout").orElse(GUEST_PATIENCE);
        giveUp.accept(vm.name(), new Refusal(Refusal.Kind.CANCELLED, vm.name() + " is being stopped"));
        try {
            vms.stop(vm.name(), patience);
            changed.run();
            return details(vm);
        } catch (HypervisorException e) {
            throw Failures.told(e);
        }
    }

    private VmDetails details(ManagedVm vm) {
        VmDefinition definition = vm.definition();
        Optional<RunningVm> process = vm.process();
        return new VmDetails(
                vm.name(),
                self,
                vm.group().map(Name::value),
                vm.state(),
                process.map(running -> running.identity().pid()),
                definition.machine(),
                definition.cpus(),
                definition.memoryBytes(),
                process.map(RunningVm::hypervisor).orElse(""),
                operation.apply(vm.name()).orElse(""),
                disks(vm, process));
    }

    /** What is open only if nobody else is using the machine: a list must not wait for a checkpoint. */
    private static List<VmDetails.Disk> disks(ManagedVm vm, Optional<RunningVm> process) {
        List<DiskState> open = List.of();
        if (process.isPresent() && vm.lock().tryLock()) {
            try {
                open = process.get().disks();
            } catch (HypervisorException e) {
                open = List.of();
            } finally {
                vm.lock().unlock();
            }
        }
        List<DiskState> states = open;
        return vm.definition().disks().stream().map(disk -> disk(disk, states)).toList();
    }

    private static VmDetails.Disk disk(VmDefinition.Disk disk, List<DiskState> states) {
        Optional<DiskState> state =
                states.stream().filter(open -> open.id().equals(disk.id())).findFirst();
        return new VmDetails.Disk(
                disk.id(),
                disk.path().toString(),
                state.map(open -> open.active().getFileName().toString()).orElse(""),
                state.map(open -> open.layers().size()).orElse(0),
                -1);
    }
}
