package dev.holdfast.agent;

import dev.holdfast.agent.config.BrokenDefinition;
import dev.holdfast.agent.config.Configuration;
import dev.holdfast.agent.config.NodeSettings;
import dev.holdfast.agent.guard.Fired;
import dev.holdfast.agent.hypervisor.Hypervisor;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.inspection.LeftFreezes;
import dev.holdfast.agent.journal.Operation;
import dev.holdfast.agent.journal.OperationJournal;
import dev.holdfast.agent.journal.VmClaims;
import dev.holdfast.agent.round.GuardNet;
import dev.holdfast.agent.storage.ImageStore;
import dev.holdfast.agent.vm.ConsoleBound;
import dev.holdfast.agent.vm.Definitions;
import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.agent.vm.Unreadable;
import dev.holdfast.agent.vm.VmRegistry;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.time.InstantSource;
import java.util.Optional;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Everything of the agent that needs no cluster: machines, their storage, journal, guard. Thread-safe after {@link #open}. */
final class LocalMachines implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(LocalMachines.class);

    private static final String FROZEN = "frozen";

    private final OperationJournal journal;
    private final VmClaims claims = new VmClaims();
    private final VmRegistry vms;
    private final ImageStore storage;
    private final GuardNet net;
    private final LeftFreezes freezes;
    private final ConsoleBound consoles = new ConsoleBound();

    private LocalMachines(
            Configuration configuration,
            OperationJournal journal,
            Hypervisor hypervisor,
            InstantSource clock,
            Consumer<Fired> fired) {
        NodeSettings node = configuration.node();
        this.journal = journal;
        this.vms = new VmRegistry(
                Definitions.of(configuration.vms()),
                new Unreadable(configuration.broken()),
                hypervisor,
                new GuardLooksAnew());
        this.storage = Storages.of(vms);
        this.net = new GuardNet(node.guardSocket(), node::vmRunDirectory, vms, fired);
        this.freezes = new LeftFreezes(vms, claims, journal, node::vmRunDirectory, clock, net::forget);
    }

    /** The guard's own connection belongs to one process of a machine. */
    private final class GuardLooksAnew implements VmRegistry.Listener {
        @Override
        public void onProcess(ManagedVm vm, RunningVm process) {
            net.forget(vm.name());
        }

        @Override
        public void onGone(ManagedVm vm) {
            net.forget(vm.name());
        }
    }

    /**
     * Finds what an earlier agent left: running machines, operations that have not ended, machines that stand still although
     * nobody wants it.
     *
     * @param clock the wall clock
     * @param fired told when the guard thaws by itself; must not block
     * @throws IOException if the node's own directories cannot be used
     */
    static LocalMachines open(
            Configuration configuration, Hypervisor hypervisor, InstantSource clock, Consumer<Fired> fired)
            throws IOException {
        NodeSettings node = configuration.node();
        Files.createDirectories(node.runDirectory().resolve("vms"));
        Files.createDirectories(node.stateDirectory());
        OperationJournal journal = OperationJournal.open(node.journalDirectory());
        for (BrokenDefinition file : configuration.broken()) {
            file.problems().forEach(problem -> LOG.error("{}", problem.text()));
            LOG.error("{} defines no machine: {}", file.file(), Unreadable.CORRECTION);
        }
        journal.unreadable().forEach(text -> LOG.error("{}; run 'holdfast fsck'", text));
        LocalMachines machines = new LocalMachines(configuration, journal, hypervisor, clock, fired);
        // Who runs the others may let us wait, and nothing of theirs stands still for us, unless such a machine was
        // once our own.
        machines.vms.adopt(vm -> vm.definition().hypervisor().isOwn()
                || Files.exists(node.vmRunDirectory(vm.name()).resolve(FROZEN)));
        for (Operation refused : machines.claims.restore(journal.operations())) {
            LOG.warn("operation {} was never admitted; it is taken back", refused.id());
        }
        machines.freezes.endAll();
        return machines;
    }

    /** Looks after the machines; from time to time, in one thread. */
    void look() {
        vms.adopt();
        consoles.keep(vms);
    }

    OperationJournal journal() {
        return journal;
    }

    VmClaims claims() {
        return claims;
    }

    VmRegistry vms() {
        return vms;
    }

    /** What copies their disks. */
    ImageStore storage() {
        return storage;
    }

    GuardNet net() {
        return net;
    }

    LeftFreezes freezes() {
        return freezes;
    }

    /** What is under way on a machine, for people. */
    Optional<String> operationOn(Name vm) {
        return claims.holder(vm).map(holder -> holder.kind().text() + " " + holder.operation());
    }

    @Override
    public void close() {
        net.close();
        vms.close();
    }
}
