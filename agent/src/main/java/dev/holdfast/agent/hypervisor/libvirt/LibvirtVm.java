package dev.holdfast.agent.hypervisor.libvirt;

import dev.holdfast.agent.hypervisor.Capture;
import dev.holdfast.agent.hypervisor.CapturePlan;
import dev.holdfast.agent.hypervisor.Control;
import dev.holdfast.agent.hypervisor.DiskState;
import dev.holdfast.agent.hypervisor.FreezeFacts;
import dev.holdfast.agent.hypervisor.GuestHardware;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.HypervisorKind;
import dev.holdfast.agent.hypervisor.ProcessIdentity;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.Surroundings;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.virsh.KeptVirsh;
import dev.holdfast.agent.virsh.VirshException;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A domain that runs, seen through a virsh of its own. It is looked at; what would change it is its owner's to do. */
final class LibvirtVm implements RunningVm {
    private static final String NOT_YET =
            "%s is a domain of libvirt, which Holdfast shows, and does not capture yet; take it out of its group";

    private final VmDefinition definition;
    private final String uuid;
    private final GuestHardware hardware;
    private final ProcessIdentity process;
    private final String versions;
    private final KeptVirsh virsh;

    LibvirtVm(VmDefinition definition, Domain domain, ProcessIdentity process, String versions, KeptVirsh virsh) {
        this.definition = definition;
        this.uuid = domain.uuid();
        this.hardware = domain.hardware();
        this.process = process;
        this.versions = versions;
        this.virsh = virsh;
    }

    /** Whether a state, as {@code domstate --reason} says it, is one of a domain that has a process. */
    static boolean hasProcess(String state) {
        return !state.startsWith("shut off");
    }

    @Override
    public Name name() {
        return definition.name();
    }

    @Override
    public ProcessIdentity identity() {
        return process;
    }

    @Override
    public Control control() {
        return new Control(Map.of("pid", process.pid(), "control", "libvirt", "domain", uuid));
    }

    @Override
    public GuestHardware hardware() {
        return hardware;
    }

    @Override
    public HypervisorKind kind() {
        return HypervisorKind.LIBVIRT;
    }

    @Override
    public String hypervisor() {
        return versions;
    }

    /** libvirtd may come and go; the domain is there as long as its process is. */
    @Override
    public boolean isAlive() {
        return process.isAlive();
    }

    private String look(String... words) throws HypervisorException {
        if (!process.isAlive()) {
            throw new HypervisorException(Kind.GONE, "%s of %s has ended".formatted(process.label(), name()));
        }
        try {
            return virsh.look(words);
        } catch (VirshException e) {
            throw LibvirtHypervisor.told(name(), e);
        }
    }

    @Override
    public VmStatus status() throws HypervisorException {
        String said = look("domstate", "--reason", uuid);
        String state = said.replaceFirst(" \\(.*", "");
        return switch (state) {
            case "running", "idle", "blocked", "in shutdown" -> VmStatus.RUNNING;
            case "paused" -> paused(said);
            case "crashed" -> VmStatus.GUEST_ENDED;
            case "pmsuspended" -> VmStatus.PAUSED;
            case "shut off" -> throw new HypervisorException(Kind.GONE, name() + " has ended");
            default ->
                throw new HypervisorException(
                        Kind.UNKNOWN, "libvirt says of %s: \"%s\", which was not expected".formatted(name(), said));
        };
    }

    private static VmStatus paused(String said) {
        if (said.contains("(I/O error)")) {
            return VmStatus.IO_ERROR;
        }
        if (said.contains("(crashed)")) {
            return VmStatus.GUEST_ENDED;
        }
        // What libvirt does with it at the moment lets it run again by itself.
        boolean busy = said.matches(".*\\((migrating|saving|dumping|creating snapshot|starting up|post-copy)\\)");
        return busy ? VmStatus.CAPTURING : VmStatus.PAUSED;
    }

    @Override
    public List<DiskState> disks() throws HypervisorException {
        List<DiskState> states = new ArrayList<>();
        Map<String, Long> sizes = DiskSizes.parse(look("domblkinfo", uuid, "--all"));
        for (Domain.Disk disk : domain().disks()) {
            if (!disk.files().isEmpty()) {
                states.add(new DiskState(disk.target(), disk.files(), sizes.getOrDefault(disk.target(), 0L)));
            }
        }
        return states;
    }

    private Domain domain() throws HypervisorException {
        try {
            return Domain.parse(look("dumpxml", uuid));
        } catch (IOException e) {
            throw new HypervisorException(Kind.UNKNOWN, name() + ": " + e.getMessage(), e);
        }
    }

    @Override
    public Surroundings surroundings(boolean memory) {
        return new Surroundings(List.of(NOT_YET.formatted(name())), List.of());
    }

    @Override
    public Capture newCapture(CapturePlan plan) throws HypervisorException {
        throw new HypervisorException(Kind.REFUSED, NOT_YET.formatted(name()));
    }

    @Override
    public FreezeFacts pause() throws HypervisorException {
        throw LibvirtHypervisor.notOurs(name(), "pause");
    }

    @Override
    public void resume() throws HypervisorException {
        throw LibvirtHypervisor.notOurs(name(), "resume");
    }

    @Override
    public void thaw(Duration bound) throws HypervisorException {
        resume();
    }

    @Override
    public boolean shutdown(Duration patience) throws HypervisorException {
        throw LibvirtHypervisor.notOurs(name(), "stop");
    }

    @Override
    public void quit() throws HypervisorException {
        throw LibvirtHypervisor.notOurs(name(), "end");
    }

    @Override
    public void kill() throws HypervisorException {
        quit();
    }

    @Override
    public void mergeIntermediate(String diskId, Path top, Path base, Progress progress) throws HypervisorException {
        throw LibvirtHypervisor.notOurs(name(), "merge layers of");
    }

    @Override
    public boolean mergesLayers() {
        return false;
    }

    @Override
    public void close() {
        virsh.close();
    }
}
