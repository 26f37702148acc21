package dev.holdfast.agent.hypervisor;

import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.coordinator.protocol.Name;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All drivers as one. A machine is started by the driver that its definition names, and is found whichever has started it: who changes the
 * definition of a machine that runs gets what it says at the next start, as with everything else in it. Thread-safe.
 */
public final class Hypervisors implements Hypervisor {
    private static final Logger LOG = LoggerFactory.getLogger(Hypervisors.class);

    private final Map<HypervisorKind, Hypervisor> drivers;

    /** @param drivers one for each kind */
    public Hypervisors(Map<HypervisorKind, Hypervisor> drivers) {
        this.drivers = new EnumMap<>(drivers);
        for (HypervisorKind kind : HypervisorKind.values()) {
            if (!drivers.containsKey(kind)) {
                throw new IllegalArgumentException("there is no driver for " + kind);
            }
        }
    }

    private Hypervisor driver(HypervisorKind kind) {
        Hypervisor driver = drivers.get(kind);
        if (driver == null) {
            throw new IllegalStateException("there is no driver for " + kind);
        }
        return driver;
    }

    private Hypervisor own(VmDefinition definition) {
        return driver(definition.hypervisor());
    }

    private List<Hypervisor> othersThan(HypervisorKind kind) {
        return drivers.entrySet().stream()
                .filter(entry -> entry.getKey() != kind)
                .map(Map.Entry::getValue)
                .toList();
    }

    @Override
    public RunningVm start(VmDefinition definition, StartMode mode) throws HypervisorException {
        if (mode.instance().isEmpty()) {
            for (Hypervisor other : othersThan(definition.hypervisor())) {
                // To look for it also ends what an ended machine has left, which may hold its disks.
                requireNone(other.find(definition));
            }
        }
        return own(definition).start(definition, mode);
    }

    private static void requireNone(Optional<RunningVm> running) throws HypervisorException {
        if (running.isPresent()) {
            running.get().close();
            throw new HypervisorException(
                    Kind.REFUSED, story(running.get()) + ", and is defined for another hypervisor; stop it first");
        }
    }

    private static String story(RunningVm vm) {
        return "%s runs as %s under %s".formatted(vm.name(), vm.identity().label(), vm.hypervisor());
    }

    /** An instance beside the machine belongs to the driver that the definition names. */
    @Override
    public Optional<RunningVm> find(VmDefinition definition, Optional<String> instance) throws HypervisorException {
        Optional<RunningVm> foreign = instance.isPresent() ? Optional.empty() : foreign(definition);
        if (foreign.isEmpty()) {
            return own(definition).find(definition, instance);
        }
        if (own(definition).mayRun(definition.name())) {
            foreign.get().close();
            throw new HypervisorException(
                    Kind.UNKNOWN,
                    story(foreign.get()) + ", and under the hypervisor that it is defined for, too; end one of them");
        }
        LOG.warn("{}, and is defined for another hypervisor, which is what its next start takes", story(foreign.get()));
        return foreign;
    }

    private Optional<RunningVm> foreign(VmDefinition definition) throws HypervisorException {
        for (Hypervisor other : othersThan(definition.hypervisor())) {
            // Seldom, while a driver that is asked to find a machine may have to look at each process of the host.
            if (other.mayRun(definition.name())) {
                return other.find(definition);
            }
        }
        return Optional.empty();
    }

    @Override
    public Set<Name> running() {
        Set<Name> running = new HashSet<>();
        drivers.values().forEach(driver -> running.addAll(driver.running()));
        return Set.copyOf(running);
    }

    @Override
    public boolean mayRun(Name vm) {
        return drivers.values().stream().anyMatch(driver -> driver.mayRun(vm));
    }

    @Override
    public void kill(VmDefinition definition, Optional<String> instance) throws HypervisorException {
        HypervisorException failure = null;
        for (Hypervisor driver : drivers.values()) {
            failure = killed(driver, definition, instance, failure);
        }
        if (failure != null) {
            throw failure;
        }
    }

    private static @Nullable HypervisorException killed(
            Hypervisor driver,
            VmDefinition definition,
            Optional<String> instance,
            @Nullable HypervisorException failure) {
        try {
            driver.kill(definition, instance);
            return failure;
        } catch (HypervisorException e) {
            if (failure == null) {
                return e;
            }
            failure.addSuppressed(e);
            return failure;
        }
    }

    @Override
    public RunningVm takePlace(RunningVm instance, VmDefinition definition) throws HypervisorException {
        for (Hypervisor other : othersThan(instance.kind())) {
            if (other.mayRun(definition.name())) {
                throw new HypervisorException(
                        Kind.REFUSED,
                        "the old process of %s still runs, under another hypervisor; end it first"
                                .formatted(definition.name()));
            }
        }
        return driver(instance.kind()).takePlace(instance, definition);
    }

    @Override
    public boolean isBarred(VmDefinition definition) {
        return own(definition).isBarred(definition);
    }

    @Override
    public void permit(VmDefinition definition) throws HypervisorException {
        own(definition).permit(definition);
    }

    @Override
    public boolean ownsLayers(VmDefinition definition) {
        return own(definition).ownsLayers(definition);
    }

    /** Others than QEMU write none. */
    @Override
    public MemoryImages images() {
        return driver(HypervisorKind.QEMU).images();
    }
}
