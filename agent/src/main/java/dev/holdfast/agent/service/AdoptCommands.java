package dev.holdfast.agent.service;

import dev.holdfast.agent.control.Arguments;
import dev.holdfast.agent.control.CommandTable;
import dev.holdfast.agent.control.ControlCommand;
import dev.holdfast.agent.control.ControlException;
import dev.holdfast.agent.control.ErrorCode;
import dev.holdfast.agent.control.reply.Adoption;
import dev.holdfast.agent.hypervisor.ForeignMachines;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorKind;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.agent.vm.VmRegistry;
import dev.holdfast.coordinator.protocol.Name;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** Says what the definition of a machine would be that somebody else has made. Writes nothing. Thread-safe. */
public final class AdoptCommands {
    private final ForeignMachines foreign;
    private final VmRegistry vms;
    private final Path definitions;

    /**
     * @param vms the machines that are defined already
     * @param definitions the directory of definitions
     */
    public AdoptCommands(ForeignMachines foreign, VmRegistry vms, Path definitions) {
        this.foreign = foreign;
        this.vms = vms;
        this.definitions = definitions;
    }

    /** Adds the handler. */
    public void register(CommandTable table) {
        table.register(ControlCommand.VM_ADOPT, (arguments, progress) -> adopt(arguments));
    }

    Adoption adopt(Arguments arguments) throws ControlException {
        String called = arguments
                .text("domain")
                .orElseThrow(() -> ControlException.of(ErrorCode.BAD_REQUEST, "which domain? name one"));
        try {
            ForeignMachines.Found found = foreign.look(called);
            Optional<Name> given = arguments.optionalName("name");
            Name name = given.isPresent() ? given.get() : nameLike(found.name());
            if (vms.find(name).isPresent()) {
                throw new ControlException(
                        ErrorCode.REFUSED,
                        "there is a machine " + name + " already",
                        "",
                        "call this one otherwise with --name, if it is another one");
            }
            for (ManagedVm vm : vms.all()) {
                refuseIfItsOwn(vm.definition(), called, found);
            }
            if (!found.obstacles().isEmpty()) {
                throw ControlException.of(
                        ErrorCode.REFUSED,
                        "%s cannot be looked after: %s".formatted(found.name(), String.join("; ", found.obstacles())));
            }
            return new Adoption(
                    definitions.resolve(name + ".toml").toString(),
                    definition(name, arguments.optionalName("group"), found),
                    found.remarks());
        } catch (HypervisorException e) {
            throw Failures.told(e);
        }
    }

    /** Two definitions of one domain, or of one disk, would be two machines that know nothing of each other. */
    private static void refuseIfItsOwn(VmDefinition vm, String called, ForeignMachines.Found found)
            throws ControlException {
        boolean same = vm.hypervisor() == HypervisorKind.LIBVIRT
                && List.of(called, found.name(), found.called()).contains(vm.domain());
        Set<Path> taken =
                vm.disks().stream().map(disk -> disk.path().normalize()).collect(Collectors.toSet());
        Optional<Path> disk = found.disks().stream()
                .map(VmDefinition.Disk::path)
                .filter(path -> taken.contains(path.normalize()))
                .findFirst();
        if (same || disk.isPresent()) {
            throw new ControlException(
                    ErrorCode.REFUSED,
                    "the machine %s has %s already"
                            .formatted(vm.name(), same ? "the domain " + found.name() : "the disk " + disk.get()),
                    "",
                    "'holdfast vm show %s' shows it; take its definition away if it is to be called otherwise"
                            .formatted(vm.name()));
        }
    }

    private static Name nameLike(String domain) throws ControlException {
        try {
            return new Name(domain);
        } catch (IllegalArgumentException e) {
            throw new ControlException(
                    ErrorCode.REFUSED,
                    "\"%s\" cannot be the name of a machine".formatted(domain.replaceAll("\\p{Cntrl}", "?")),
                    String.valueOf(e.getMessage()),
                    "give it one with --name");
        }
    }

    private static String definition(Name name, Optional<Name> group, ForeignMachines.Found found) {
        StringBuilder text = new StringBuilder();
        text.append("# It stays libvirt's: who starts it there, as VirtualDomain or virsh, starts and stops it.\n");
        line(text, "name", name.value());
        line(text, "hypervisor", "libvirt");
        group.ifPresent(of -> line(text, "group", of.value()));
        if (!found.called().equals(name.value())) {
            line(text, "domain", found.called());
        }
        for (VmDefinition.Disk disk : found.disks()) {
            text.append("\n[[disk]]\n");
            line(text, "id", disk.id());
            line(text, "path", disk.path().toString());
        }
        return text.toString();
    }

    private static void line(StringBuilder text, String key, String value) {
        String quoted = value.replace("\\", "\\\\").replace("\"", "\\\"");
        text.append(key).append(" = \"").append(quoted).append("\"\n");
    }
}
