package dev.holdfast.agent.hypervisor.libvirt;

import dev.holdfast.agent.hypervisor.CapturePlan;
import dev.holdfast.agent.hypervisor.FreezeFacts;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.InterruptibleCapture;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.ThawFacts;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.hypervisor.block.DisksOnlyCapture;
import dev.holdfast.agent.virsh.KeptVirsh;
import dev.holdfast.agent.virsh.VirshEvents;
import dev.holdfast.agent.virsh.VirshException;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * Holds a domain still while others clone its disks. That it stood still is told by libvirt's events: between its stop and our resume there is
 * no other resume. One thread; {@link #cutShort} and {@link #isStoppedByOthers} from any.
 */
final class LibvirtCapture extends InterruptibleCapture implements DisksOnlyCapture {
    private static final String SUSPENDED = "Suspended";
    private static final String RESUMED = "Resumed";
    /** libvirtd tells at once; a machine with much to do is slower. */
    private static final Duration EVENT = Duration.ofSeconds(2);
    /** How far behind another one an event may be that libvirtd had to tell when it answered. The guest runs meanwhile. */
    private static final Duration BEHIND = Duration.ofMillis(250);

    private final LibvirtVm vm;
    private final CapturePlan plan;
    private final Connections connections;
    private Optional<KeptVirsh> virsh = Optional.empty();
    private volatile Optional<VirshEvents> events = Optional.empty();
    /** How many events came before that of our own stop. */
    private int before;

    private volatile boolean mayHaveFrozen;
    private boolean thawed;

    LibvirtCapture(LibvirtVm vm, CapturePlan plan, Connections connections) {
        super(vm.name());
        this.vm = vm;
        this.plan = plan;
        this.connections = connections;
    }

    @Override
    public void prepare() throws HypervisorException {
        if (plan.method() != CaptureMethod.DISK_ONLY) {
            throw new HypervisorException(
                    Kind.REFUSED, "the memory of %s cannot be kept yet; use --disk-only".formatted(vm.name()));
        }
        try {
            events = Optional.of(VirshEvents.open(connections.settings().virsh(), vm.uuid()));
            listener().awaitBegin();
        } catch (VirshException e) {
            throw LibvirtHypervisor.told(vm.name(), e);
        }
        virsh = Optional.of(
                connections.virsh().apply(shorter(connections.settings().bound(), plan.deadline())));
        VmStatus status = vm.status(kept());
        if (status != VmStatus.RUNNING) {
            throw new HypervisorException(
                    Kind.REFUSED, "%s is %s, and not ours to stop; let it run".formatted(vm.name(), status));
        }
    }

    private KeptVirsh kept() {
        return virsh.orElseThrow(() -> new IllegalStateException("the capture was not prepared"));
    }

    private VirshEvents listener() {
        return events.orElseThrow(() -> new IllegalStateException("the capture was not prepared"));
    }

    /** Whoever pauses it before us is heard, if he does so after the capture began. */
    @Override
    public boolean isStoppedByOthers() {
        return !mayHaveFrozen && events.isPresent() && isStopped(events.get().heard());
    }

    private static boolean isStopped(List<VirshEvents.Event> heard) {
        return !heard.isEmpty() && heard.get(heard.size() - 1).what().equals(SUSPENDED);
    }

    @Override
    public boolean approach(Progress progress) throws HypervisorException {
        checkNotCutShort();
        return false;
    }

    @Override
    public FreezeFacts freeze() throws HypervisorException {
        checkNotCutShort();
        List<VirshEvents.Event> heard = listener().heard();
        if (isStopped(heard)) {
            throw new HypervisorException(
                    Kind.FAILED, "somebody else has stopped " + vm.name() + "; let it run, and try again");
        }
        before = heard.size();
        mayHaveFrozen = true;
        OptionalLong earlier = vm.orderToStop();
        try {
            kept().tell("suspend", vm.uuid());
            vm.stopAnswered();
            if (!listener().await(SUSPENDED, before, shorter(EVENT, plan.deadline()))) {
                throw new HypervisorException(
                        Kind.FAILED,
                        "libvirt did not tell that %s has stopped, so that nobody could tell that it stays so; try again"
                                .formatted(vm.name()));
            }
        } catch (VirshException e) {
            if (e.kind() == VirshException.Kind.REFUSED || e.kind() == VirshException.Kind.ABSENT) {
                vm.stopUnheard(earlier);
            }
            throw failed(e);
        }
        checkNotCutShort();
        long wallMicros = listener().heard().get(before).wallMicros();
        return new FreezeFacts(connections.nanoClock().getAsLong(), wallMicros, false);
    }

    /** What others clone now is of this moment: libvirt's stop has flushed it. */
    @Override
    public void capture() throws HypervisorException {
        checkNotCutShort();
    }

    @Override
    public ThawFacts proveAndThaw() throws HypervisorException {
        checkNotCutShort();
        VmStatus status = vm.status(kept());
        boolean ours = status == VmStatus.PAUSED;
        long runs;
        try {
            int asked = listener().heard().size();
            if (ours) {
                kept().tell("resume", vm.uuid());
            }
            ours = ours && listener().await(RESUMED, asked, shorter(EVENT, plan.deadline()));
            runs = connections.nanoClock().getAsLong();
            if (ours) {
                // What came may be of somebody else's resume, that was on its way when we asked: then ours comes behind
                // it.
                listener().await(RESUMED, listener().heard().size(), BEHIND);
            }
        } catch (VirshException e) {
            throw failed(e);
        }
        thawed = true;
        List<VirshEvents.Event> since = listener().heard();
        long resumes = since.subList(before, since.size()).stream()
                .filter(event -> event.what().equals(RESUMED))
                .count();
        long wallMicros = ours ? since.get(since.size() - 1).wallMicros() : 0;
        return new ThawFacts(
                status,
                (int) (ours ? resumes - 1 : resumes),
                vm.isAlive(),
                ours && listener().isOpen(),
                runs,
                wallMicros);
    }

    private HypervisorException failed(VirshException e) {
        HypervisorException told = LibvirtHypervisor.told(vm.name(), e);
        return told.kind() == Kind.REFUSED ? new HypervisorException(Kind.FAILED, told.getMessage(), e) : told;
    }

    private static Duration shorter(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
    }

    @Override
    protected void letRunAtOnce(Duration bound) throws HypervisorException {
        if (mayHaveFrozen) {
            vm.thaw(bound);
        }
    }

    @Override
    protected void letRunAgain() throws HypervisorException {
        if (mayHaveFrozen && !thawed) {
            vm.thaw(plan.deadline());
            thawed = true;
        }
    }

    @Override
    protected void discard(boolean mayHaveCut) {
        close();
    }

    @Override
    public void close() {
        events.ifPresent(VirshEvents::close);
        virsh.ifPresent(KeptVirsh::close);
    }
}
