package dev.holdfast.agent.hypervisor.xen;

import dev.holdfast.agent.hypervisor.Capture;
import dev.holdfast.agent.hypervisor.CapturePlan;
import dev.holdfast.agent.hypervisor.Control;
import dev.holdfast.agent.hypervisor.DiskState;
import dev.holdfast.agent.hypervisor.FreezeFacts;
import dev.holdfast.agent.hypervisor.GuestHardware;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.HypervisorKind;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.Surroundings;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.VmIdentity;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.hypervisor.block.CommitJob;
import dev.holdfast.agent.hypervisor.block.LayerNodes;
import dev.holdfast.agent.hypervisor.xen.XlDomain.Ended;
import dev.holdfast.agent.hypervisor.xen.XlDomain.Flag;
import dev.holdfast.coordinator.protocol.Name;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

/** A domain of Xen. One thread at a time; {@link #thaw} and {@link #close} from any. */
final class XenVm implements RunningVm {
    static final String NO_MEMORY =
            "the memory of a domain of Xen is not kept yet, and a revert boots it; use --disk-only";

    private static final Duration LET_RUN = Duration.ofSeconds(30);
    private static final long LOOK_NANOS = 200_000_000;

    private final VmDefinition definition;
    private final XenDirectory directory;
    private final DomainIdentity identity;
    private final XenSettings settings;
    private final LongSupplier nanoClock;

    XenVm(
            VmDefinition definition,
            XenDirectory directory,
            DomainIdentity identity,
            XenSettings settings,
            LongSupplier nanoClock) {
        this.definition = definition;
        this.directory = directory;
        this.identity = identity;
        this.settings = settings;
        this.nanoClock = nanoClock;
    }

    /** The same domain in the place of the machine itself. */
    XenVm renamed(XenDirectory place) throws HypervisorException {
        // Both are there until it is over: whoever is interrupted in between finds it under either name.
        directory.copyTo(place);
        settings.xl().rename(identity.id(), place.domain());
        directory.forget();
        return new XenVm(definition, place, identity, settings, nanoClock);
    }

    LongSupplier nanoClock() {
        return nanoClock;
    }

    QdiskMonitor qdisk() throws HypervisorException {
        return QdiskMonitor.connect(settings, definition, identity, nanoClock);
    }

    /** @throws HypervisorException GONE if it is */
    XlDomain look(Duration bound) throws HypervisorException {
        return identity.look(bound)
                .orElseThrow(() ->
                        new HypervisorException(Kind.GONE, "%s of %s has ended".formatted(identity.label(), name())));
    }

    @Override
    public Name name() {
        return definition.name();
    }

    @Override
    public VmIdentity identity() {
        return identity;
    }

    @Override
    public Control control() {
        return Control.domain(identity.id());
    }

    @Override
    public GuestHardware hardware() throws HypervisorException {
        return GuestHardware.still(definition);
    }

    @Override
    public HypervisorKind kind() {
        return HypervisorKind.XEN;
    }

    @Override
    public String hypervisor() {
        return "Xen";
    }

    /** Nothing is connected between two uses. */
    @Override
    public boolean isAlive() {
        return identity.isAlive();
    }

    @Override
    public VmStatus status() throws HypervisorException {
        return status(look(settings.xl().quick()));
    }

    static VmStatus status(XlDomain domain) {
        if (domain.is(Flag.CRASHED) || domain.is(Flag.SHUT_DOWN)) {
            return domain.ended().equals(Optional.of(Ended.SUSPEND)) ? VmStatus.CAPTURING : VmStatus.GUEST_ENDED;
        }
        return domain.is(Flag.PAUSED) ? VmStatus.PAUSED : VmStatus.RUNNING;
    }

    @Override
    public boolean hasShutDown() {
        try {
            return identity.look().flatMap(XlDomain::ended).equals(Optional.of(Ended.POWEROFF));
        } catch (HypervisorException e) {
            return false;
        }
    }

    @Override
    public List<DiskState> disks() throws HypervisorException {
        try (QdiskMonitor qdisk = qdisk()) {
            return qdisk.disks();
        }
    }

    @Override
    public Surroundings surroundings(boolean memory) {
        return new Surroundings(memory ? List.of(name() + ": " + NO_MEMORY) : List.of(), List.of());
    }

    @Override
    public Capture newCapture(CapturePlan plan) {
        return new XenCapture(this, plan);
    }

    @Override
    public FreezeFacts pause() throws HypervisorException {
        boolean early = status() == VmStatus.PAUSED;
        if (!early) {
            stop(settings.xl().quick());
        }
        return new FreezeFacts(nanoClock.getAsLong(), 0, early);
    }

    /** One pause more, whoever else has paused it. */
    void stop(Duration bound) throws HypervisorException {
        settings.xl().within(bound).pause(identity.id());
    }

    /**
     * Undoes one pause. It runs then, unless somebody else has paused it as well.
     *
     * @param bound for all of it
     * @return false if it was not paused
     */
    boolean undoStop(Duration bound) throws HypervisorException {
        long start = nanoClock.getAsLong();
        try {
            settings.xl().within(bound).unpause(identity.id());
            return true;
        } catch (HypervisorException e) {
            long left = Math.max(0, bound.toNanos() - (nanoClock.getAsLong() - start));
            if (e.kind() == Kind.FAILED && status(look(Duration.ofNanos(left))) == VmStatus.RUNNING) {
                return false;
            }
            throw e;
        }
    }

    /** Undoes each pause, whosesoever it is. */
    @Override
    public void resume() throws HypervisorException {
        long start = nanoClock.getAsLong();
        while (status() == VmStatus.PAUSED) {
            if (nanoClock.getAsLong() - start > LET_RUN.toNanos()) {
                throw new HypervisorException(
                        Kind.FAILED,
                        "%s is paused by somebody again and again; find out who does it".formatted(name()));
            }
            undoStop(settings.xl().quick());
        }
    }

    /** Pauses are counted: one of a capture is undone, and one of a person stays. */
    @Override
    public void thaw(Duration bound) throws HypervisorException {
        undoStop(bound);
    }

    @Override
    public boolean shutdown(Duration patience) throws HypervisorException {
        long start = nanoClock.getAsLong();
        settings.xl().shutdown(identity.id());
        while (identity.look()
                .filter(domain -> status(domain) != VmStatus.GUEST_ENDED)
                .isPresent()) {
            if (nanoClock.getAsLong() - start > patience.toNanos()) {
                return false;
            }
            LockSupport.parkNanos(LOOK_NANOS);
        }
        kill();
        return true;
    }

    @Override
    public void quit() throws HypervisorException {
        kill();
    }

    @Override
    public void kill() throws HypervisorException {
        if (identity.look().isPresent()) {
            settings.xl().destroy(identity.id());
        }
        directory.forget();
    }

    @Override
    public void mergeIntermediate(String diskId, Path top, Path base, Progress progress) throws HypervisorException {
        try (QdiskMonitor qdisk = qdisk()) {
            if (qdisk.disks().stream()
                    .anyMatch(disk -> disk.id().equals(diskId) && disk.active().equals(top))) {
                throw new HypervisorException(Kind.REFUSED, top + " is the active layer of disk " + diskId);
            }
            LayerNodes nodes = new LayerNodes(qdisk.blocks());
            CommitJob job = new CommitJob(qdisk.blocks(), definition, diskId);
            job.start(Map.of(
                    "device", qdisk.activeNodes().get(diskId), "top-node", nodes.of(top), "base-node", nodes.of(base)));
            job.awaitEnd(progress);
            tidy(qdisk);
        }
    }

    /** Clears what an agent that was interrupted left behind. */
    void tidy() throws HypervisorException {
        try (QdiskMonitor qdisk = qdisk()) {
            tidy(qdisk);
        }
    }

    private static void tidy(QdiskMonitor qdisk) throws HypervisorException {
        CommitJob.clearLeftovers(qdisk.blocks());
        new LayerNodes(qdisk.blocks()).closeAllBut(qdisk.disks());
    }

    @Override
    public void close() {
        // Nothing is kept open.
    }
}
