package dev.holdfast.agent.hypervisor.libvirt;

import dev.holdfast.agent.hypervisor.Hypervisor;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.HypervisorKind;
import dev.holdfast.agent.hypervisor.ProcessIdentity;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.virsh.KeptVirsh;
import dev.holdfast.agent.virsh.Silence;
import dev.holdfast.agent.virsh.VirshException;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/** Finds domains of libvirt, which others start and end, and lets their disks be captured. Thread-safe. */
public final class LibvirtHypervisor implements Hypervisor {
    private static final String EMULATOR = "qemu";
    private static final String NO_SUCH_DOMAIN = "failed to get domain";

    private final LibvirtSettings settings;
    private final Supplier<String> marks;
    private final Silence silence;
    private final LongSupplier nanoClock;
    private final KeptVirsh virsh;

    /**
     * @param settings where libvirt is
     * @param marks letters and digits: never the same again, and nobody can guess them
     * @param nanoClock monotonic nanoseconds
     */
    public LibvirtHypervisor(LibvirtSettings settings, Supplier<String> marks, LongSupplier nanoClock) {
        this.silence = new Silence(nanoClock);
        this.nanoClock = nanoClock;
        this.settings = settings;
        this.marks = marks;
        this.virsh = kept(settings.bound());
    }

    private KeptVirsh kept(Duration bound) {
        return new KeptVirsh(settings.virsh(), bound, marks, silence);
    }

    /** What a virsh could not be asked, in the port's words. */
    static HypervisorException told(Name vm, VirshException e) {
        Kind kind = e.kind() == VirshException.Kind.REFUSED ? Kind.REFUSED : Kind.UNKNOWN;
        return new HypervisorException(kind, "%s is a domain of libvirt: %s".formatted(vm, e.getMessage()), e);
    }

    /** Its owner does what is not ours to do. */
    static HypervisorException notOurs(Name vm, String what) {
        return new HypervisorException(
                Kind.REFUSED,
                "%s is a domain of libvirt, and Holdfast does not %s it: ask who starts it, as VirtualDomain or virsh"
                        .formatted(vm, what));
    }

    /** Machines of other drivers are none of libvirt's, even if a domain is called so. */
    @Override
    public Optional<RunningVm> find(VmDefinition definition, Optional<String> instance) throws HypervisorException {
        if (definition.hypervisor() != HypervisorKind.LIBVIRT || instance.isPresent()) {
            return Optional.empty();
        }
        Name vm = definition.name();
        try {
            if (!runs(definition.domain())) {
                return Optional.empty();
            }
            Domain domain = Domain.parse(virsh.look("dumpxml", definition.domain()));
            if (!domain.name().equals(definition.domain()) && !domain.uuid().equals(definition.domain())) {
                throw new HypervisorException(
                        Kind.UNKNOWN,
                        "libvirt takes \"%s\" for the domain %s; write its UUID, %s, as the domain of %s"
                                .formatted(definition.domain(), domain.name(), domain.uuid(), vm));
            }
            ProcessIdentity process = process(domain.name())
                    .orElseThrow(() -> new HypervisorException(
                            Kind.UNKNOWN,
                            "libvirt says that %s runs, and %s names no QEMU that does; it starts, ends, or hangs"
                                    .formatted(vm, settings.states().resolve(domain.name() + ".pid"))));
            return Optional.of(new LibvirtVm(
                    definition, domain, process, versions(), new Connections(settings, this::kept, nanoClock)));
        } catch (IOException e) {
            throw new HypervisorException(
                    Kind.UNKNOWN, "%s is a domain of libvirt: %s".formatted(vm, e.getMessage()), e);
        }
    }

    /** @throws IOException nobody can tell */
    private boolean runs(String domain) throws IOException {
        try {
            return LibvirtVm.hasProcess(virsh.look("domstate", "--reason", domain));
        } catch (VirshException e) {
            boolean none = e.kind() == VirshException.Kind.REFUSED
                    && String.valueOf(e.getMessage()).contains(NO_SUCH_DOMAIN);
            if (!none || isThere(domain)) {
                throw e;
            }
            return false;
        }
    }

    /** virsh does not say why it got no domain, and a connection may have broken: only a list that lacks it makes that certain. */
    private boolean isThere(String domain) throws IOException {
        return process(domain).isPresent() || isListed(domain, "--name") || isListed(domain, "--uuid");
    }

    private boolean isListed(String domain, String by) throws VirshException {
        return virsh.look("list", "--all", by).lines().map(String::strip).anyMatch(domain::equals);
    }

    /** The QEMU of a domain; libvirtd does not tell it. */
    private Optional<ProcessIdentity> process(String domain) throws IOException {
        return ProcessIdentity.noted(settings.states().resolve(domain + ".pid"), EMULATOR);
    }

    /** As "libvirt 9.0.0, QEMU 7.2.22". */
    private String versions() throws VirshException {
        String said = virsh.look("version");
        return after(said, "Using library: ") + ", " + after(said, "Running hypervisor: ");
    }

    private static String after(String said, String label) {
        return said.lines()
                .filter(line -> line.startsWith(label))
                .map(line -> line.substring(label.length()))
                .findFirst()
                .orElse("?");
    }

    @Override
    public RunningVm start(VmDefinition definition, StartMode mode) throws HypervisorException {
        throw notOurs(definition.name(), "start");
    }

    @Override
    public void kill(VmDefinition definition, Optional<String> instance) throws HypervisorException {
        if (definition.hypervisor() == HypervisorKind.LIBVIRT) {
            throw notOurs(definition.name(), "end");
        }
    }

    @Override
    public RunningVm takePlace(RunningVm instance, VmDefinition definition) throws HypervisorException {
        throw notOurs(definition.name(), "replace");
    }

    /** Nothing is started by this driver; what is defined is found by its definition. */
    @Override
    public Set<Name> running() {
        return Set.of();
    }

    @Override
    public boolean isBarred(VmDefinition definition) {
        return false; // Who does not start it need not be kept from it.
    }

    @Override
    public void permit(VmDefinition definition) {}
}
