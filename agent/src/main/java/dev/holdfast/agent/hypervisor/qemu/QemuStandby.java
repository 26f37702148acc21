package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.ProcessIdentity;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.hypervisor.replication.EpochContent;
import dev.holdfast.agent.hypervisor.replication.MemoryIntake;
import dev.holdfast.agent.hypervisor.replication.Standby;
import dev.holdfast.agent.hypervisor.replication.StandbyPlace;
import dev.holdfast.agent.image.MemoryKeys;
import dev.holdfast.agent.qmp.QmpCommand;
import dev.holdfast.agent.qmp.QmpException;
import dev.holdfast.agent.qmp.QmpFuture;
import dev.holdfast.agent.qmp.QmpValue;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A QEMU that was started with {@code -S}, and {@code -incoming defer} if it takes memory, and the receiving side of block
 * replication.
 *
 * <p>Never stops replication without a failover: QEMU 7.2 does nothing after that and says nothing. Such a process is
 * thrown away.
 */
final class QemuStandby implements Standby {
    private static final Logger LOG = LoggerFactory.getLogger(QemuStandby.class);
    private static final Duration SOON = Duration.ofSeconds(2);

    private final QemuHypervisor hypervisor;
    private final QemuVm vm;
    private final StandbyPlace place;
    private final EpochContent content;
    private Optional<EpochRecord> record;
    private volatile @Nullable EpochArrival arriving;
    private volatile EpochSteps steps;
    /** The epoch for which it was found that the disks follow. */
    private volatile long checked;

    private boolean rollingBack;
    private boolean rolledBack;
    private boolean isTheMachine;

    private QemuStandby(
            QemuHypervisor hypervisor,
            QemuVm vm,
            StandbyPlace place,
            EpochContent content,
            Optional<EpochRecord> record) {
        this.hypervisor = hypervisor;
        this.vm = vm;
        this.place = place;
        this.content = content;
        this.record = record;
        this.steps = new EpochSteps(vm.monitor().nanoClock());
    }

    static QemuStandby fresh(QemuHypervisor hypervisor, QemuVm vm, StandbyPlace place, EpochContent content)
            throws HypervisorException {
        QemuStandby standby = new QemuStandby(hypervisor, vm, place, content, Optional.empty());
        new StandbyDoor(vm.monitor(), vm.definition(), place).open(content == EpochContent.MEMORY_AND_DISKS);
        return standby;
    }

    /** Takes over one that an agent before has left. One whose note is damaged has committed nothing. */
    static QemuStandby found(QemuHypervisor hypervisor, QemuVm vm, StandbyPlace place) throws HypervisorException {
        Optional<EpochRecord> record = Optional.empty();
        try {
            record = EpochRecord.read(place.directory());
        } catch (HypervisorException e) {
            if (e.kind() != Kind.FAILED) {
                throw e;
            }
            LOG.warn("{}", e.getMessage());
        }
        return new QemuStandby(hypervisor, vm, place, content(vm, record), record);
    }

    /** What it was started for, whatever the definition says now. */
    private static EpochContent content(QemuVm vm, Optional<EpochRecord> record) throws HypervisorException {
        boolean memory = record.isPresent() ? record.get().slot().isPresent() : vm.status() == VmStatus.LOADING;
        return memory ? EpochContent.MEMORY_AND_DISKS : EpochContent.DISKS;
    }

    @Override
    public EpochContent content() {
        return content;
    }

    @Override
    public ProcessIdentity identity() {
        return vm.identity();
    }

    @Override
    public OptionalLong committed() {
        return record.filter(EpochRecord::committed)
                .map(r -> OptionalLong.of(r.epoch()))
                .orElse(OptionalLong.empty());
    }

    @Override
    public OptionalLong committing() {
        return record.filter(r -> !r.committed())
                .map(r -> OptionalLong.of(r.epoch()))
                .orElse(OptionalLong.empty());
    }

    @Override
    public Path disks() {
        return place.disks();
    }

    @Override
    public void startFollowing() throws HypervisorException {
        monitor().call("xen-set-replication", Map.of("enable", true, "primary", false));
    }

    @Override
    public Optional<Path> begin(long epoch) throws HypervisorException {
        if (record.isPresent() && (!record.get().committed() || record.get().epoch() >= epoch)) {
            throw new HypervisorException(
                    Kind.REFUSED,
                    "epoch " + epoch + " cannot begin: the standby is at "
                            + record.get().epoch());
        }
        if (arriving != null) {
            arriving.stop();
        }
        EpochArrival next = switch (content) {
            case MEMORY_AND_DISKS -> EpochMemory.await(place, epoch, freeSlot());
            case DISKS -> new EpochOfDisks(epoch);
        };
        arriving = next;
        return next.socket();
    }

    /** Never the one that is needed if an epoch that begins comes to nothing. */
    private int freeSlot() {
        OptionalInt needed = record.map(EpochRecord::slot).orElse(OptionalInt.empty());
        return 1 - needed.orElse(1);
    }

    @Override
    public void commit(long epoch, Duration patience) throws HypervisorException {
        long start = monitor().nanoClock().getAsLong();
        prepare(epoch, patience);
        if (!record.orElseThrow().committed()) {
            commitDisks(record.orElseThrow(), monitor().left(start, patience));
        }
    }

    @Override
    public MemoryIntake intake(long epoch) throws HypervisorException {
        return begun(epoch).claim();
    }

    @Override
    public void check(long epoch) throws HypervisorException {
        steps = new EpochSteps(monitor().nanoClock());
        checkNeverRan();
        checkDisks(monitor().call("query-xen-replication-status"));
        checked = epoch;
        steps.mark("checked");
    }

    @Override
    public void prepare(long epoch, Duration patience) throws HypervisorException {
        if (record.isPresent() && record.get().epoch() == epoch) {
            return;
        }
        EpochArrival arrived = begun(epoch);
        arrived.complete(patience);
        arrived.close();
        if (checked != epoch) {
            check(epoch);
        }
        steps.mark("arrived");
        EpochRecord committing = new EpochRecord(false, epoch, arrived.slot());
        committing.write(place.directory());
        steps.mark("noted");
        record = Optional.of(committing);
        arriving = null;
    }

    private EpochArrival begun(long epoch) throws HypervisorException {
        EpochArrival known = arriving;
        if (known == null || known.epoch() != epoch) {
            throw new HypervisorException(Kind.REFUSED, "epoch " + epoch + " was not begun or was given up");
        }
        return known;
    }

    /** One that waits for memory cannot run before; one that could boot must not have, or its disks are its own. */
    private void checkNeverRan() throws HypervisorException {
        if (content == EpochContent.DISKS && vm.status() != VmStatus.PAUSED) {
            throw new HypervisorException(
                    Kind.REFUSED,
                    "somebody has let the standby of " + vm.name()
                            + " run, so its disks are of no epoch; build another");
        }
    }

    /** Once the record says so there is no way back: until all disks have followed it is not known which epoch they are of. */
    private void commitDisks(EpochRecord committing, Duration patience) throws HypervisorException {
        try {
            List<QmpFuture> answers = monitor()
                    .client()
                    .send(QmpCommand.of("xen-colo-do-checkpoint"), QmpCommand.of("query-xen-replication-status"));
            monitor().await(answers.get(0), patience);
            steps.mark("disks");
            checkDisks(monitor().await(answers.get(1), Monitor.QUICK).value());
        } catch (QmpException e) {
            throw unfollowed(committing, monitor().translate(e));
        } catch (HypervisorException e) {
            throw unfollowed(committing, e);
        }
        EpochRecord committed = new EpochRecord(true, committing.epoch(), committing.slot());
        committed.write(place.directory());
        steps.mark("committed");
        LOG.debug("{}: epoch {}: {}", vm.name(), committed.epoch(), steps);
        record = Optional.of(committed);
    }

    private static HypervisorException unfollowed(EpochRecord committing, HypervisorException why) {
        return new HypervisorException(
                why.kind() == Kind.REFUSED ? Kind.FAILED : why.kind(),
                "the disks of the standby have not followed to epoch " + committing.epoch() + ": " + why.getMessage(),
                why);
    }

    private static void checkDisks(QmpValue status) throws HypervisorException {
        if (status.path("error").asText().equals("true")) {
            throw new HypervisorException(
                    Kind.REFUSED,
                    "the standby could not write its disks or lost the connection to the primary; build another");
        }
    }

    @Override
    public void abandon(long epoch) throws HypervisorException {
        if (arriving != null
                && arriving.epoch() == epoch
                && (record.isEmpty() || record.get().epoch() != epoch)) {
            arriving.stop();
            arriving = null;
        }
    }

    @Override
    public void beat(Duration patience) throws HypervisorException {
        monitor().call("query-status", Map.of(), patience);
    }

    @Override
    public void rollBack(Duration bound) throws HypervisorException {
        startRollBack();
        awaitRolledBack(vm, bound);
        rolledBack = true;
    }

    /** The job that does it is in no list of jobs. */
    static void awaitRolledBack(QemuVm vm, Duration bound) throws HypervisorException {
        Monitor monitor = vm.monitor();
        long start = monitor.nanoClock().getAsLong();
        while (CopyNodes.read(monitor).isRollingBack(vm.definition())) {
            if (monitor.left(start, bound).isZero()) {
                throw new HypervisorException(
                        Kind.UNKNOWN,
                        "the disks of " + vm.name()
                                + " are not back at the last epoch yet; its process must not end before");
            }
            Pause.millis(2);
        }
    }

    private void startRollBack() throws HypervisorException {
        if (!rollingBack) {
            if (arriving != null) {
                arriving.close();
            }
            monitor().accepts("nbd-server-stop", Map.of());
            monitor().call("xen-set-replication", Map.of("enable", false, "primary", false, "failover", true));
            rollingBack = true;
        }
    }

    @Override
    public RunningVm failOver(long epoch) throws HypervisorException {
        if (committed().isEmpty() || committed().getAsLong() != epoch) {
            throw new HypervisorException(
                    Kind.REFUSED,
                    "the standby of " + vm.name() + " has not committed epoch " + epoch + ", its last one is "
                            + record.map(r -> (r.committed() ? "" : "(not for sure) ") + r.epoch())
                                    .orElse("none"));
        }
        checkNotStopped();
        checkNeverRan();
        // What a person has to mend on this node is found while the copy is still one.
        vm.connectNetwork();
        // If the memory does not load, QEMU 7.2 exits; the disks are to be whole by then. It takes milliseconds.
        try {
            rollBack(SOON);
        } catch (HypervisorException e) {
            if (e.kind() != Kind.UNKNOWN) {
                throw e;
            }
            LOG.warn("{}: its disks are brought back beside the running guest: {}", vm.name(), e.getMessage());
        }
        // An attempt before this one may have come to nothing later.
        OptionalInt slot = record.orElseThrow().slot();
        if (slot.isPresent() && monitor().status() == VmStatus.LOADING) {
            // The memory of the guest itself is allocated while it is loaded: a third time beside the two files.
            EpochMemory.forget(place, 1 - slot.getAsInt());
            load(EpochMemory.file(place, slot.getAsInt()));
        }
        checkNotStopped();
        RunningVm machine = hypervisor.takePlace(vm, vm.definition());
        isTheMachine = true;
        return machine;
    }

    private void load(Path file) throws HypervisorException {
        try {
            new IncomingMemory(monitor(), MemoryKeys.NONE).load(file);
        } catch (HypervisorException e) {
            // Whether it ends decides what is left.
            vm.awaitEnd(SOON);
            throw e;
        }
    }

    @Override
    public boolean isRolledBack() {
        return rolledBack;
    }

    /** A stop that comes meanwhile wins. */
    private void checkNotStopped() throws HypervisorException {
        if (hypervisor.isBarred(vm.definition())) {
            throw new HypervisorException(
                    Kind.REFUSED, vm.name() + " was stopped here meanwhile; its standby does not run instead");
        }
    }

    @Override
    public void rest(Duration bound) throws HypervisorException {
        EpochRecord last = record.filter(EpochRecord::committed)
                .orElseThrow(() -> new HypervisorException(
                        Kind.REFUSED, "the standby of " + vm.name() + " has committed no epoch that it could rest at"));
        rollBack(bound);
        checkDisks(monitor().call("query-xen-replication-status"));
        boolean inOrder = vm.quitInOrder();
        vm.close();
        if (!inOrder) {
            throw new HypervisorException(
                    Kind.FAILED, "the standby of " + vm.name() + " does not end, so its disks may not be whole");
        }
        StandbyFiles.keepMemory(place, vm.definition(), last);
    }

    @Override
    public void discard() throws HypervisorException {
        if (arriving != null) {
            arriving.close();
        }
        vm.kill();
        vm.close();
        StandbyFiles.remove(place);
    }

    @Override
    public void close() {
        if (arriving != null) {
            arriving.close();
        }
        if (!isTheMachine) {
            vm.close();
        }
    }

    private Monitor monitor() {
        return vm.monitor();
    }
}
