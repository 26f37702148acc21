package dev.holdfast.agent.service;

import dev.holdfast.agent.control.Arguments;
import dev.holdfast.agent.control.CommandHandler;
import dev.holdfast.agent.control.CommandTable;
import dev.holdfast.agent.control.ControlCommand;
import dev.holdfast.agent.control.ControlException;
import dev.holdfast.agent.control.ErrorCode;
import dev.holdfast.agent.control.Progress;
import dev.holdfast.agent.control.reply.Done;
import dev.holdfast.agent.control.reply.ReplicaDetails;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.pacemaker.Handover;
import dev.holdfast.agent.replication.Replicas;
import dev.holdfast.agent.replication.ReplicatedMachine;
import dev.holdfast.agent.replication.Wish;
import dev.holdfast.agent.vm.VmRegistry;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Reason;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** {@code replica.*}: the replicated machines of this node. Thread-safe. */
public final class ReplicaCommands {
    private static final Duration CHANGE = Duration.ofSeconds(60);
    private static final Duration SHUT_DOWN = Duration.ofSeconds(60);
    private static final Duration REST = Duration.ofSeconds(40);
    private static final Duration QUICK = Duration.ofSeconds(20);

    private final Name self;
    private final Replicas replicas;
    private final VmRegistry vms;
    private final Runnable changed;
    private final PacemakerSwitchover pacemaker;

    /**
     * @param self this node
     * @param vms its machines
     * @param changed told when a machine runs here or does not any more
     * @param handover what pacemaker has in its hands changes its role by it
     */
    public ReplicaCommands(Name self, Replicas replicas, VmRegistry vms, Runnable changed, Handover handover) {
        this.self = self;
        this.replicas = replicas;
        this.vms = vms;
        this.changed = changed;
        this.pacemaker = new PacemakerSwitchover(handover);
    }

    /** Adds the handlers; what other commands may not do to a replicated machine is refused from then on. */
    public void register(CommandTable table) {
        table.register(ControlCommand.REPLICA_START, this::start)
                .register(ControlCommand.REPLICA_STOP, this::stop)
                .register(ControlCommand.REPLICA_PROMOTE, (arguments, progress) -> change(arguments, Wish.PROMOTE))
                .register(ControlCommand.REPLICA_DEMOTE, (arguments, progress) -> change(arguments, Wish.DEMOTE))
                .register(
                        ControlCommand.REPLICA_SHOW,
                        (arguments, progress) -> find(arguments).details())
                .register(ControlCommand.REPLICA_SWITCHOVER, this::switchover)
                .register(ControlCommand.REPLICA_RESYNC, this::resync);
        instead(table, ControlCommand.VM_START, "use 'holdfast vm replication', or let pacemaker promote a node");
        instead(table, ControlCommand.VM_MIGRATE, "move it with 'holdfast vm switchover'");
        instead(table, ControlCommand.VM_FREEZE, "it is replicated; switch over instead of freezing it");
        instead(table, ControlCommand.SNAPSHOT_CREATE, "take a checkpoint of its group");
        instead(table, ControlCommand.SNAPSHOT_REVERT, "revert its group to a checkpoint");
        table.wrap(
                ControlCommand.VM_STOP,
                plain -> (arguments, progress) -> replicas.has(arguments.name("vm"))
                        ? stopGuest(arguments, plain, progress)
                        : plain.handle(arguments, progress));
    }

    private void instead(CommandTable table, ControlCommand command, String correction) {
        table.wrap(command, plain -> (arguments, progress) -> {
            Name vm = arguments.name("vm");
            if (replicas.has(vm)) {
                throw new ControlException(
                        ErrorCode.REFUSED,
                        "%s is replicated, so this node alone cannot do that".formatted(vm),
                        "its other copies have to follow",
                        correction);
            }
            return plain.handle(arguments, progress);
        });
    }

    private ReplicatedMachine find(Arguments arguments) throws ControlException {
        Name vm = arguments.name("vm");
        return replicas.find(vm)
                .orElseThrow(() -> new ControlException(
                        ErrorCode.NOT_FOUND,
                        "%s is no replicated machine of node %s".formatted(vm, self),
                        "its definition has no table [replication], or there is none",
                        "'holdfast vm list' shows what there is"));
    }

    private Object start(Arguments arguments, Progress progress) throws ControlException, InterruptedException {
        ReplicatedMachine machine = find(arguments);
        try {
            vms.permit(machine.name());
        } catch (HypervisorException e) {
            throw Failures.told(e);
        }
        await(machine.enrol(), QUICK, "that this node takes part");
        return machine.details();
    }

    private Object stop(Arguments arguments, Progress progress) throws ControlException, InterruptedException {
        ReplicatedMachine machine = find(arguments);
        if (machine.isLeading()) {
            endGuest(machine, arguments.duration("timeout").orElse(SHUT_DOWN));
        }
        Optional<Reason> refused = await(machine.retire(), REST, "that this node takes no part any more");
        if (refused.isPresent()) {
            throw refused(machine, refused.get());
        }
        changed.run();
        return machine.details();
    }

    private Object stopGuest(Arguments arguments, CommandHandler plain, Progress progress)
            throws ControlException, InterruptedException {
        ReplicatedMachine machine = find(arguments);
        if (!machine.isLeading()) {
            return plain.handle(arguments, progress);
        }
        machine.wishedEnd().ask();
        try {
            Object answer = plain.handle(arguments, progress);
            await(machine.stopped(), QUICK, "that it does not run any more");
            return answer;
        } catch (ControlException e) {
            machine.wishedEnd().forget();
            throw e;
        }
    }

    /** The store is told that nobody runs it; if it is silent, later. */
    private void endGuest(ReplicatedMachine machine, Duration patience) throws ControlException, InterruptedException {
        machine.wishedEnd().ask();
        try {
            vms.stop(machine.name(), patience, replicas::runsAgain);
        } catch (HypervisorException e) {
            machine.wishedEnd().forget();
            throw Failures.told(e);
        }
        await(machine.stopped(), QUICK, "that it does not run any more");
    }

    private Object change(Arguments arguments, Wish wish) throws ControlException, InterruptedException {
        ReplicatedMachine machine = find(arguments);
        Duration patience = arguments.duration("timeout").orElse(CHANGE);
        Optional<Reason> refused = await(machine.ask(wish), patience, "the change of its role");
        if (refused.isPresent()) {
            throw refused(machine, refused.get());
        }
        changed.run();
        return machine.details();
    }

    private ControlException refused(ReplicatedMachine machine, Reason reason) {
        return new ControlException(
                reason == Reason.STORE_SILENT ? ErrorCode.STORE_UNREACHABLE : ErrorCode.REFUSED,
                "%s: %s (node %s)".formatted(machine.name(), reason.name(), self),
                reason.text(),
                "");
    }

    private Object switchover(Arguments arguments, Progress progress) throws ControlException, InterruptedException {
        ReplicatedMachine machine = find(arguments);
        ReplicaDetails now = machine.details();
        Optional<Name> to = arguments.optionalName("to");
        Optional<String> why = obstacle(now, to);
        if (why.isPresent()) {
            throw new ControlException(
                    ErrorCode.REFUSED,
                    "%s cannot be switched over".formatted(machine.name()),
                    why.get(),
                    "'holdfast vm replication %s' shows how it is".formatted(machine.name()));
        }
        Name target = now.peer().orElseThrow();
        if (arguments.flag("dry_run")) {
            return new Done("%s would go on on %s; nothing was done.".formatted(machine.name(), target));
        }
        Duration patience = arguments.duration("timeout").orElse(CHANGE);
        Optional<String> resource = pacemaker.resource(machine.name());
        return resource.isPresent()
                ? pacemaker.run(
                        machine.name(),
                        resource.get(),
                        target,
                        patience,
                        () -> machine.details().running())
                : handOver(machine, target, patience);
    }

    private Done handOver(ReplicatedMachine machine, Name target, Duration patience)
            throws ControlException, InterruptedException {
        Optional<Reason> refused = await(machine.ask(Wish.SWITCHOVER), patience, "the switchover");
        if (refused.isPresent()) {
            throw refused(machine, refused.get());
        }
        changed.run();
        try {
            replicas.promote(machine.name(), target, patience);
        } catch (HypervisorException e) {
            throw new ControlException(
                    ErrorCode.FAILED,
                    "%s was given up here and is not promoted on %s".formatted(machine.name(), target),
                    String.valueOf(e.getMessage()),
                    "promote it on either node; nothing is lost");
        }
        return new Done("%s goes on on %s".formatted(machine.name(), target));
    }

    private Optional<String> obstacle(ReplicaDetails now, Optional<Name> to) {
        if (!now.role().equals("primary")) {
            return Optional.of("it does not run on " + self);
        }
        if (!now.state().equals("protected")) {
            return Optional.of("it has no standby now, its state is " + now.state());
        }
        return to.filter(name -> !Optional.of(name).equals(now.peer()))
                .map(name -> "its standby is on " + now.peer().orElse(self) + ", not on " + name);
    }

    private Object resync(Arguments arguments, Progress progress) throws ControlException, InterruptedException {
        ReplicatedMachine machine = find(arguments);
        Set<Name> discarded = arguments.names("discard_node");
        if (discarded.isEmpty()) {
            return machine.details();
        }
        if (discarded.contains(self)) {
            return change(arguments, Wish.DISCARD);
        }
        Optional<Reason> refused =
                await(machine.keepInsteadOf(discarded), QUICK, "that what this node has counts from now on");
        if (refused.isPresent()) {
            throw refused(machine, refused.get());
        }
        return machine.details();
    }

    private static <T> T await(CompletableFuture<T> answer, Duration patience, String what)
            throws ControlException, InterruptedException {
        try {
            return answer.get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new ControlException(
                    ErrorCode.UNKNOWN_OUTCOME,
                    "%s is not done after %d s".formatted(what, patience.toSeconds()),
                    "it goes on",
                    "'holdfast vm replication' shows how far it is");
        } catch (ExecutionException e) {
            throw ControlException.of(
                    ErrorCode.FAILED, String.valueOf(e.getCause().getMessage()));
        }
    }
}
