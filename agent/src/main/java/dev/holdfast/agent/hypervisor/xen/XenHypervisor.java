package dev.holdfast.agent.hypervisor.xen;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.OwnHypervisor;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.hypervisor.xen.XlDomain.Flag;
import dev.holdfast.coordinator.protocol.Name;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * Builds and finds domains of Xen. They are nobody's child, and outlive the agent. A host that is not Xen's first domain has none: there
 * is no configuration of any in its run directory, so that xl is not asked. Thread-safe.
 */
public final class XenHypervisor extends OwnHypervisor {
    private final XenSettings settings;
    private final LongSupplier nanoClock;

    /** @param nanoClock monotonic nanoseconds */
    XenHypervisor(XenSettings settings, LongSupplier nanoClock) {
        super(settings.runDirectory());
        this.settings = settings;
        this.nanoClock = nanoClock;
    }

    /** With the installed tools. */
    public static XenHypervisor installed(Path runDirectory, LongSupplier nanoClock) {
        Xl xl = new Xl("xl", Duration.ofSeconds(10), Duration.ofSeconds(60));
        return new XenHypervisor(new XenSettings(xl, Path.of("/run/xen"), runDirectory), nanoClock);
    }

    @Override
    public RunningVm start(VmDefinition definition, StartMode mode) throws HypervisorException {
        XlConfiguration.check(definition, mode);
        XenDirectory directory = directory(definition.name(), mode.instance());
        Optional<XlDomain> old = any(directory);
        if (old.isPresent()) {
            throw new HypervisorException(
                    Kind.REFUSED,
                    "%s runs already as domain %d"
                            .formatted(directory.domain(), old.get().id()));
        }
        runDirectory().checkNotBarred(definition.name(), mode);
        VmDefinition onLayers = XlConfiguration.onLayers(definition);
        directory.write(XlConfiguration.of(onLayers, directory.domain(), directory.uuid()));
        try {
            settings.xl().createPaused(directory.configuration());
            // That took a while, in which it may have been stopped.
            runDirectory().checkNotBarred(definition.name(), mode);
            XenVm vm = found(definition, directory)
                    .orElseThrow(() -> new HypervisorException(
                            Kind.GONE, directory.domain() + " was ended by somebody right after it was built"));
            if (mode.running()) {
                vm.resume();
            }
            return vm;
        } catch (HypervisorException e) {
            throw ended(directory, e);
        }
    }

    /** Nothing is left of a start that failed, and so nothing of it is unknown; but if it could not be ended, all is. */
    private HypervisorException ended(XenDirectory directory, HypervisorException because) {
        Kind kind = because.kind() == Kind.UNKNOWN ? Kind.FAILED : because.kind();
        try {
            end(directory);
        } catch (HypervisorException e) {
            because.addSuppressed(e);
            kind = Kind.UNKNOWN;
        }
        return new HypervisorException(
                kind, "%s does not start: %s".formatted(directory.domain(), because.getMessage()), because);
    }

    /** Says so of one that was ended behind our back, until somebody looks for it. */
    @Override
    public boolean mayRun(Name vm) {
        return directory(vm, Optional.empty()).mayRun();
    }

    /** One whose guest has ended is ended too: so a reboot is a new start, by whoever starts the machine. */
    @Override
    public Optional<RunningVm> find(VmDefinition definition, Optional<String> instance) throws HypervisorException {
        XenDirectory directory = directory(definition.name(), instance);
        if (!directory.mayRun()) {
            return Optional.empty();
        }
        Optional<XenVm> vm = found(definition, directory);
        if (vm.isEmpty()) {
            directory.forget();
            return Optional.empty();
        }
        VmStatus status = vm.get().status();
        if (status == VmStatus.GUEST_ENDED) {
            // Its domain has the disks open until somebody destroys it.
            vm.get().kill();
            return Optional.empty();
        }
        if (status == VmStatus.RUNNING || status == VmStatus.PAUSED) {
            vm.get().tidy();
        }
        return Optional.of(vm.get());
    }

    private Optional<XenVm> found(VmDefinition definition, XenDirectory directory) throws HypervisorException {
        return domain(directory)
                .map(domain -> new XenVm(
                        definition,
                        directory,
                        new DomainIdentity(domain.id(), domain.uuid(), settings.xl()),
                        settings,
                        nanoClock));
    }

    /** @throws HypervisorException UNKNOWN also if the domain of that name is not ours */
    private Optional<XlDomain> domain(XenDirectory directory) throws HypervisorException {
        Optional<XlDomain> domain = any(directory).filter(found -> !found.is(Flag.DYING));
        if (domain.isPresent() && !directory.owns(domain.get())) {
            throw new HypervisorException(
                    Kind.UNKNOWN,
                    "domain %d is called %s, and was not started by Holdfast; end it, or give it another name (xl rename)"
                            .formatted(domain.get().id(), directory.domain()));
        }
        return domain;
    }

    /** One of that name; or ours that has no name, because its xl was killed before it gave it one. */
    private Optional<XlDomain> any(XenDirectory directory) throws HypervisorException {
        Optional<XlDomain> named = settings.xl().find(directory.domain());
        if (named.isPresent()) {
            return named;
        }
        String uuid = directory.uuid().toString();
        return settings.xl().list().stream()
                .filter(domain -> domain.name().isEmpty() && domain.uuid().equals(uuid))
                .findFirst();
    }

    @Override
    public void kill(VmDefinition definition, Optional<String> instance) throws HypervisorException {
        XenDirectory directory = directory(definition.name(), instance);
        if (directory.mayRun()) {
            end(directory);
        }
    }

    private void end(XenDirectory directory) throws HypervisorException {
        Optional<XlDomain> domain = domain(directory);
        if (domain.isPresent()) {
            settings.xl().destroy(domain.get().id());
        }
        directory.forget();
    }

    @Override
    public RunningVm takePlace(RunningVm instance, VmDefinition definition) throws HypervisorException {
        if (!(instance instanceof XenVm vm)) {
            throw new IllegalArgumentException("not a machine of this driver");
        }
        XenDirectory place = directory(definition.name(), Optional.empty());
        if (domain(place).isPresent()) {
            throw new HypervisorException(
                    Kind.REFUSED, "the old domain of " + definition.name() + " is still there; end it first");
        }
        return vm.renamed(place);
    }

    private XenDirectory directory(Name vm, Optional<String> instance) {
        return XenDirectory.of(runDirectory(), vm, instance);
    }
}
