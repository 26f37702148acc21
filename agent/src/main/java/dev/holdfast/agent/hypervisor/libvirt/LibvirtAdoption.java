package dev.holdfast.agent.hypervisor.libvirt;

import dev.holdfast.agent.hypervisor.ForeignMachines;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.virsh.KeptVirsh;
import dev.holdfast.agent.virsh.Silence;
import dev.holdfast.agent.virsh.VirshException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/** Domains of libvirt, and what of them Holdfast could look after. Thread-safe. */
public final class LibvirtAdoption implements ForeignMachines {
    private final LibvirtSettings settings;
    private final Supplier<String> marks;
    private final LongSupplier nanoClock;

    /**
     * @param settings where libvirt is
     * @param marks letters and digits: never the same again, and nobody can guess them
     * @param nanoClock monotonic nanoseconds
     */
    public LibvirtAdoption(LibvirtSettings settings, Supplier<String> marks, LongSupplier nanoClock) {
        this.nanoClock = nanoClock;
        this.settings = settings;
        this.marks = marks;
    }

    @Override
    public Found look(String called) throws HypervisorException {
        try (KeptVirsh virsh = new KeptVirsh(settings.virsh(), settings.bound(), marks, new Silence(nanoClock))) {
            Domain domain = Domain.parse(virsh.look("dumpxml", called));
            List<VmDefinition.Disk> disks = new ArrayList<>();
            List<String> obstacles = new ArrayList<>();
            for (Domain.Disk disk : domain.disks()) {
                Optional<String> obstacle = obstacle(disk);
                if (obstacle.isPresent()) {
                    obstacles.add("disk %s %s".formatted(disk.target(), obstacle.get()));
                } else {
                    disks.add(new VmDefinition.Disk(disk.target(), path(disk, virsh)));
                }
            }
            if (domain.disks().isEmpty()) {
                obstacles.add("it has no disks, and so nothing that could be kept of it");
            }
            List<String> remarks = domain.keepsNoMemory().stream()
                    .map(what -> "its memory cannot be kept, because it has " + what)
                    .toList();
            return new Found(domain.name(), nameFor(domain), disks, obstacles, remarks);
        } catch (VirshException e) {
            Kind kind = e.kind() == VirshException.Kind.REFUSED ? Kind.REFUSED : Kind.UNKNOWN;
            throw new HypervisorException(kind, e.getMessage() + "; 'virsh list --all' shows what there is", e);
        } catch (IOException | IllegalArgumentException e) {
            throw new HypervisorException(Kind.REFUSED, called + ": " + e.getMessage(), e);
        }
    }

    /** A number would be taken for an id, and what is not ASCII for something to be done to a line. */
    private static String nameFor(Domain domain) {
        boolean plain = domain.name().matches("[ -~]+") && !domain.name().matches("[0-9]+");
        return plain ? domain.name() : domain.uuid();
    }

    /** Why a disk cannot be looked after. */
    private static Optional<String> obstacle(Domain.Disk disk) {
        if (disk.device().equals("lun")) {
            return Optional.of("is passed through (device='lun'): attach it as device='disk'");
        }
        if (!disk.flags().isEmpty()) {
            return Optional.of("is <%s/>, of which nothing can be kept: leave that out"
                    .formatted(disk.flags().get(0)));
        }
        boolean local = disk.volume().isPresent() || !disk.files().isEmpty();
        if (!local) {
            return Optional.of("is of the type '%s' and has no path on this host: move it to a file or a volume"
                    .formatted(disk.type()));
        }
        return Optional.empty();
    }

    private static Path path(Domain.Disk disk, KeptVirsh virsh) throws VirshException {
        if (disk.files().isEmpty()) {
            Domain.Volume volume = disk.volume().orElseThrow();
            return Path.of(virsh.look("vol-path", volume.name(), "--pool", volume.pool()));
        }
        return disk.files().get(0);
    }
}
