package dev.holdfast.agent.service;

import dev.holdfast.agent.config.MigrationSettings;
import dev.holdfast.agent.control.Arguments;
import dev.holdfast.agent.control.CommandTable;
import dev.holdfast.agent.control.ControlCommand;
import dev.holdfast.agent.control.ControlException;
import dev.holdfast.agent.control.ErrorCode;
import dev.holdfast.agent.control.Progress;
import dev.holdfast.agent.control.reply.Done;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.Relocation.Limits;
import dev.holdfast.agent.migration.Arrivals;
import dev.holdfast.agent.migration.Departures;
import dev.holdfast.coordinator.protocol.Name;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** {@code vm.migrate} and {@code vm.migrate_from}: machines that move while they run. Thread-safe. */
public final class MigrationCommands {
    private static final Duration ARRIVAL = Duration.ofSeconds(10);
    private static final Duration BETWEEN_LOOKS = Duration.ofMillis(50);

    private final Name self;
    private final MigrationSettings settings;
    private final Placement placement;
    private final Departures departures;
    private final Arrivals arrivals;

    /**
     * @param self this node
     * @param settings what holds unless the caller says otherwise
     * @param placement which machines are pacemaker's
     * @param departures what leaves this node
     * @param arrivals what comes to it
     */
    public MigrationCommands(
            Name self, MigrationSettings settings, Placement placement, Departures departures, Arrivals arrivals) {
        this.self = self;
        this.settings = settings;
        this.placement = placement;
        this.departures = departures;
        this.arrivals = arrivals;
    }

    /** Adds the handlers. */
    public void register(CommandTable table) {
        table.register(ControlCommand.VM_MIGRATE, this::migrate)
                .register(ControlCommand.VM_MIGRATE_FROM, this::migrateFrom);
    }

    private Object migrate(Arguments arguments, Progress progress) throws ControlException, InterruptedException {
        Name vm = arguments.name("vm");
        Name target = arguments.name("to");
        placement.refuse(
                arguments,
                vm,
                new Placement.Instead("crm resource move %s " + target, "pcs resource move %s " + target));
        Limits limits = new Limits(
                arguments.size("bandwidth").orElse(settings.bandwidth()),
                arguments.duration("downtime").orElse(settings.downtime()));
        Duration timeout = arguments.duration("timeout").orElse(settings.timeout());
        Departures.Outcome outcome;
        try {
            Departures.How how = new Departures.How(limits, arguments.flag("copy_disks"));
            outcome = departures.migrate(vm, target, how, timeout, progress);
        } catch (Departures.NotBegunException e) {
            throw ControlException.of(e.because());
        }
        if (!outcome.certain()) {
            throw new ControlException(
                    ErrorCode.UNKNOWN_OUTCOME,
                    "it is not known yet on which node %s goes on".formatted(vm),
                    outcome.why(),
                    "the agents of both nodes find out when they reach each other; 'holdfast vm stop %s' on both ends it"
                            .formatted(vm));
        }
        if (!outcome.moved()) {
            throw new ControlException(
                    ErrorCode.FAILED,
                    "%s did not move to %s".formatted(vm, target),
                    outcome.why(),
                    "see 'holdfast vm show %s' on %s for how it is now".formatted(vm, self));
        }
        return new Done("%s runs on %s".formatted(vm, target));
    }

    /** For the resource agent: whether what another node has moved here runs here. */
    private Object migrateFrom(Arguments arguments, Progress progress) throws ControlException {
        Name vm = arguments.name("vm");
        long tries = arguments.duration("timeout").orElse(ARRIVAL).dividedBy(BETWEEN_LOOKS);
        try {
            for (long i = 0; !arrivals.hasArrived(vm); i++) {
                if (i >= tries) {
                    throw new ControlException(
                            ErrorCode.FAILED,
                            "%s does not run on %s".formatted(vm, self),
                            "the node that had it did not hand it over",
                            "stop it on both nodes and start it");
                }
                LockSupport.parkNanos(BETWEEN_LOOKS.toNanos());
            }
            return new Done("%s runs on %s".formatted(vm, self));
        } catch (HypervisorException e) {
            throw Failures.told(e);
        }
    }
}
