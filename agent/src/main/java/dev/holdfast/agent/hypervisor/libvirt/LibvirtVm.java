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
import java.util.OptionalLong;

/** A domain that runs, seen through a virsh of its own. It is looked at and captured; what would change it is its owner's to do. */
final class LibvirtVm implements RunningVm {
    /** libvirt waits 30 s for its lock on a domain. */
    private static final Duration LONGEST_ORDER = Duration.ofSeconds(31);

    private final VmDefinition definition;
    private final String uuid;
    private final GuestHardware hardware;
    private final ProcessIdentity process;
    private final String versions;
    private final Connections connections;
    private final KeptVirsh virsh;
    /** Until when an order to stop may yet be obeyed, by the monotonic clock; nothing if there is none. */
    private volatile OptionalLong stopsUntil = OptionalLong.empty();
    /** When it was found, by the monotonic clock: the orders of an agent that is dead were given before. */
    private final long foundAt;

    LibvirtVm(
            VmDefinition definition, Domain domain, ProcessIdentity process, String versions, Connections connections) {
        this.definition = definition;
        this.uuid = domain.uuid();
        this.hardware = domain.hardware();
        this.process = process;
        this.versions = versions;
        this.connections = connections;
        this.virsh = connections.virsh().apply(connections.settings().bound());
        this.foundAt = connections.nanoClock().getAsLong();
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
        return Control.virsh(process, uuid, connections.settings().virsh());
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

    /** Its UUID. */
    String uuid() {
        return uuid;
    }

    private String look(String... words) throws HypervisorException {
        return look(virsh, words);
    }

    /** Asks over one virsh or another. */
    String look(KeptVirsh over, String... words) throws HypervisorException {
        if (!process.isAlive()) {
            throw new HypervisorException(Kind.GONE, "%s of %s has ended".formatted(process.label(), name()));
        }
        try {
            return over.look(words);
        } catch (VirshException e) {
            throw LibvirtHypervisor.told(name(), e);
        }
    }

    @Override
    public VmStatus status() throws HypervisorException {
        return status(virsh);
    }

    /** As {@link #status()}, over one virsh or another. */
    VmStatus status(KeptVirsh over) throws HypervisorException {
        String said = look(over, "domstate", "--reason", uuid);
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
    public Surroundings surroundings(boolean memory) throws HypervisorException {
        List<String> obstacles = new ArrayList<>();
        if (memory) {
            obstacles.add(
                    "the memory of %s, a domain of libvirt, cannot be kept yet; use --disk-only".formatted(name()));
        }
        if (status() != VmStatus.RUNNING) {
            obstacles.add("%s does not run freely, and whoever holds it might let it run at any time; let it run"
                    .formatted(name()));
        }
        if (!look("domjobinfo", uuid).contains("None")) {
            obstacles.add("libvirt has a job under way on %s (virsh domjobinfo %s); wait for its end"
                    .formatted(name(), uuid));
        }
        for (Domain.Disk disk : domain().disks()) {
            if (!disk.flags().isEmpty()) {
                obstacles.add("disk %s of %s is <%s/>, of which nothing can be kept: leave that out"
                        .formatted(disk.target(), name(), disk.flags().get(0)));
            }
        }
        return new Surroundings(obstacles, List.of());
    }

    @Override
    public Capture newCapture(CapturePlan plan) {
        return new LibvirtCapture(this, plan, connections);
    }

    @Override
    public FreezeFacts pause() throws HypervisorException {
        throw LibvirtHypervisor.notOurs(name(), "pause");
    }

    /** Lets run what a capture has stopped: whoever asks for it knows that it was one of ours. */
    @Override
    public void resume() throws HypervisorException {
        thaw(connections.settings().bound());
    }

    /** One that stood still has obeyed the only order that there was. */
    @Override
    public boolean release() throws HypervisorException {
        if (RunningVm.super.release()) {
            return true;
        }
        requireNoOrder();
        if (connections.nanoClock().getAsLong() - foundAt < LONGEST_ORDER.toNanos()) {
            throw new HypervisorException(
                    Kind.UNKNOWN,
                    "%s runs, and libvirt may yet obey an order to stop it that an earlier agent gave; %d s after this agent began it is certain"
                            .formatted(name(), LONGEST_ORDER.toSeconds()));
        }
        return false;
    }

    /**
     * An order to stop goes out; if its answer does not come, nobody knows for a while whether it is obeyed.
     *
     * @return until when an earlier one may be, for {@link #stopUnheard}
     */
    OptionalLong orderToStop() {
        OptionalLong earlier = stopsUntil;
        stopsUntil = OptionalLong.of(connections.nanoClock().getAsLong() + LONGEST_ORDER.toNanos());
        return earlier;
    }

    /** Nobody has heard the order, or it was refused: what an earlier one may still do is as before. */
    void stopUnheard(OptionalLong earlier) {
        stopsUntil = earlier;
    }

    /** The answer has come. */
    void stopAnswered() {
        stopsUntil = OptionalLong.empty();
    }

    /** Over a virsh of its own, since another thread may wait for an answer of the others. */
    @Override
    public void thaw(Duration bound) throws HypervisorException {
        Duration most = connections.settings().bound();
        try (KeptVirsh own = connections.virsh().apply(bound.compareTo(most) < 0 ? bound : most)) {
            if (status(own) == VmStatus.PAUSED) {
                own.tell("resume", uuid);
                stopAnswered();
            }
        } catch (VirshException e) {
            throw LibvirtHypervisor.told(name(), e);
        }
        requireNoOrder();
    }

    private void requireNoOrder() throws HypervisorException {
        OptionalLong until = stopsUntil;
        if (until.isPresent() && connections.nanoClock().getAsLong() - until.getAsLong() < 0) {
            throw new HypervisorException(
                    Kind.UNKNOWN,
                    "libvirt has not answered the order to stop %s, and may yet obey it; whoever watches over it lets it run then"
                            .formatted(name()));
        }
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
    public void close() {
        virsh.close();
    }
}
