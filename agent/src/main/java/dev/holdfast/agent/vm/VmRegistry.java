package dev.holdfast.agent.vm;

import dev.holdfast.agent.hypervisor.Hypervisor;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.coordinator.protocol.Name;
import java.time.Duration;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** All machines of this node. Machines run as processes of their own: closing the registry stops none. Thread-safe. */
public final class VmRegistry implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(VmRegistry.class);

    /** A phase of a round that was given up ends within that time. */
    private static final Duration LET_GO = Duration.ofSeconds(5);

    /** Told when a machine has a process, so that the guard can connect to it. */
    public interface Listener {
        void onProcess(ManagedVm vm, RunningVm process);

        void onGone(ManagedVm vm);
    }

    private final Hypervisor hypervisor;
    private final Listener listener;
    private final Unreadable unreadable;
    private final SortedMap<Name, ManagedVm> vms = new TreeMap<>();

    /**
     * @param definitions the machines, with their group if they have one
     * @param unreadable definitions that nobody can read
     * @param hypervisor what runs them
     * @param listener told of processes that come and go
     */
    public VmRegistry(
            Map<VmDefinition, Optional<Name>> definitions,
            Unreadable unreadable,
            Hypervisor hypervisor,
            Listener listener) {
        this.unreadable = unreadable;
        this.hypervisor = hypervisor;
        this.listener = listener;
        definitions.forEach((definition, group) -> vms.put(definition.name(), new ManagedVm(definition, group)));
    }

    /** Those that this node runs itself come first: who runs the others may let us wait. */
    private List<ManagedVm> ownFirst() {
        return vms.values().stream()
                .sorted(Comparator.comparing(ManagedVm::isForeign))
                .toList();
    }

    /** {@link #adopt(Predicate)} of all. */
    public void adopt() {
        adopt(vm -> true);
    }

    /**
     * Finds processes that this agent does not know: an earlier agent left them running, somebody else started them, or they
     * did not answer for a while. Ends what {@linkplain RunningVm#endIfHung hangs for good} since such an agent. May be called again and
     * again; leaves alone what somebody else uses. Looks at the states of those that somebody else runs.
     *
     * @param which of them
     */
    public void adopt(Predicate<ManagedVm> which) {
        for (ManagedVm vm : ownFirst()) {
            if (!which.test(vm) || vm.isHeldStill() || !vm.lock().tryLock()) {
                continue;
            }
            try {
                Optional<RunningVm> process = process(vm);
                if (process.isPresent()) {
                    process.get().endIfHung();
                    vm.look();
                }
            } catch (HypervisorException e) {
                if (e.kind() == HypervisorException.Kind.GUEST_BROKEN) {
                    LOG.warn("{}", e.getMessage());
                } else {
                    LOG.debug("{}", e.getMessage());
                }
            } finally {
                vm.lock().unlock();
            }
        }
    }

    /**
     * A machine's process; none only if it is certain that there is none.
     *
     * @throws HypervisorException there is a process and it does not answer, so nobody may touch its disks
     */
    public Optional<RunningVm> process(ManagedVm vm) throws HypervisorException {
        Optional<RunningVm> known = vm.process();
        if (known.isPresent()) {
            return known;
        }
        vm.lock().lock();
        try {
            if (vm.process().isPresent()) {
                return vm.process();
            }
            Optional<RunningVm> found = hypervisor.find(vm.definition());
            vm.inDoubt(false);
            if (found.isPresent()) {
                vm.setProcess(found.get());
                listener.onProcess(vm, found.get());
                LOG.info(
                        "{} runs as {}: adopted",
                        vm.name(),
                        found.get().identity().label());
            }
            return found;
        } catch (HypervisorException e) {
            if (vm.inDoubt(true)) {
                LOG.warn("{} cannot be adopted now: {}", vm.name(), e.getMessage());
            }
            throw e;
        } finally {
            vm.lock().unlock();
        }
    }

    /** All machines, by name. */
    public Collection<ManagedVm> all() {
        return Collections.unmodifiableCollection(vms.values());
    }

    /** How all machines are defined. */
    public List<VmDefinition> definitions() {
        return vms.values().stream().map(ManagedVm::definition).toList();
    }

    /** One machine. */
    public Optional<ManagedVm> find(Name vm) {
        return Optional.ofNullable(vms.get(vm));
    }

    /** One machine that must be there. */
    public ManagedVm get(Name vm) throws HypervisorException {
        return find(vm).orElseThrow(
                        () -> new HypervisorException(HypervisorException.Kind.REFUSED, unreadable.missing(vm)));
    }

    /** The definitions that nobody can read. */
    public Unreadable unreadable() {
        return unreadable;
    }

    /** Whether a round is about to freeze a machine of this node, or has: what can wait shall wait. */
    public boolean isAnyHeldStill() {
        return vms.values().stream().anyMatch(ManagedVm::isHeldStill);
    }

    /** The state of every machine, for the store: also of those that run here and are not defined (any more). */
    public SortedMap<Name, String> states() {
        SortedMap<Name, String> states = new TreeMap<>();
        hypervisor.running().forEach(name -> states.put(name, ManagedVm.UNDEFINED));
        vms.forEach((name, vm) -> states.put(name, vm.state()));
        return states;
    }

    /** A person wants it here, whatever pacemaker has noted: {@link Hypervisor#permit}. */
    public void permit(Name name) throws HypervisorException {
        hypervisor.permit(get(name).definition());
    }

    /** Starts a machine; does nothing if it runs. */
    public void start(Name name, StartMode mode) throws HypervisorException {
        ManagedVm vm = get(name);
        vm.lock().lock();
        try {
            if (process(vm).isPresent()) {
                return;
            }
            RunningVm process = hypervisor.start(vm.definition(), mode);
            vm.setProcess(process);
            listener.onProcess(vm, process);
        } finally {
            vm.lock().unlock();
        }
    }

    /** As {@link #stop(Name, Duration, Predicate)}, and a guest that stands still is asked, too. */
    public void stop(Name name, Duration patience) throws HypervisorException {
        stop(name, patience, vm -> true);
    }

    /**
     * Stops a machine: asks the guest first, then ends the process. Does nothing if it does not run. A machine that somebody
     * does not let go of in time is killed. A guest that a user has paused cannot shut down, and is not ours to let run: it is not asked.
     *
     * @param patience how long the guest may take to shut down; zero not to ask it
     * @param frozen whether a machine that stands still is about to run, because it is in a freeze of ours
     */
    public void stop(Name name, Duration patience, Predicate<Name> frozen) throws HypervisorException {
        ManagedVm vm = get(name);
        if (!lockSoon(vm)) {
            LOG.warn("{} is being used and not let go of: it is killed", name);
            hypervisor.kill(vm.definition(), Optional.empty());
            vm.lock().lock();
        }
        try {
            Optional<RunningVm> process = process(vm);
            if (process.isPresent()) {
                boolean ask = !patience.isZero() && !isPaused(process.get(), frozen);
                if (!ask || !process.get().shutdown(patience)) {
                    process.get().quit();
                }
            }
            vm.setProcess(null);
            listener.onGone(vm);
        } finally {
            vm.lock().unlock();
        }
    }

    private static boolean isPaused(RunningVm process, Predicate<Name> frozen) {
        Name name = process.name();
        try {
            // A freeze that ended in between was seen before; one that begins now is seen after.
            return !frozen.test(name) && process.status() == VmStatus.PAUSED && !frozen.test(name);
        } catch (HypervisorException e) {
            return false;
        }
    }

    private static boolean lockSoon(ManagedVm vm) {
        try {
            return vm.lock().tryLock(LET_GO.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** A machine has another process, or none any more: after a revert. The caller holds the machine's lock. */
    public void became(ManagedVm vm, Optional<RunningVm> process) {
        vm.setProcess(process.orElse(null));
        if (process.isPresent()) {
            listener.onProcess(vm, process.get());
        } else {
            listener.onGone(vm);
        }
    }

    /** Gives up the connections. The machines run on. */
    @Override
    public void close() {
        vms.values().forEach(vm -> vm.process().ifPresent(RunningVm::close));
    }
}
