package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.ProcessIdentity;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.replication.Standby;
import dev.holdfast.agent.hypervisor.replication.StandbyPlace;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * A QEMU that was started with {@code -S -incoming defer} and the receiving side of block replication.
 *
 * <p>Never stops replication without a failover: QEMU 7.2 does nothing after that and says nothing. Such a process is
 * thrown away.
 */
final class QemuStandby implements Standby {
    private final QemuHypervisor hypervisor;
    private final QemuVm vm;
    private final StandbyPlace place;
    private Optional<EpochRecord> record;
    private @Nullable EpochMemory memory;
    private boolean rolledBack;
    private boolean isTheMachine;

    private QemuStandby(QemuHypervisor hypervisor, QemuVm vm, StandbyPlace place, Optional<EpochRecord> record) {
        this.hypervisor = hypervisor;
        this.vm = vm;
        this.place = place;
        this.record = record;
    }

    static QemuStandby fresh(QemuHypervisor hypervisor, QemuVm vm, StandbyPlace place) throws HypervisorException {
        QemuStandby standby = new QemuStandby(hypervisor, vm, place, Optional.empty());
        new StandbyDoor(vm.monitor(), vm.definition(), place).open();
        return standby;
    }

    /** Takes over one that an agent before has left; what it was committing is committed. */
    static QemuStandby found(QemuHypervisor hypervisor, QemuVm vm, StandbyPlace place) throws HypervisorException {
        QemuStandby standby = new QemuStandby(hypervisor, vm, place, EpochRecord.read(place.directory()));
        if (standby.record.isPresent() && !standby.record.get().committed()) {
            standby.commitDisks(standby.record.get(), Monitor.QUICK);
        }
        return standby;
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
    public Path disks() {
        return place.disks();
    }

    @Override
    public void startFollowing() throws HypervisorException {
        monitor().call("xen-set-replication", Map.of("enable", true, "primary", false));
    }

    @Override
    public Path begin(long epoch) throws HypervisorException {
        if (record.isPresent() && (!record.get().committed() || record.get().epoch() >= epoch)) {
            throw new HypervisorException(
                    Kind.REFUSED,
                    "epoch " + epoch + " cannot begin: the standby is at "
                            + record.get().epoch());
        }
        if (memory != null) {
            memory.end();
        }
        // Never the one that is needed if this epoch comes to nothing.
        int slot = record.map(r -> 1 - r.slot()).orElse(0);
        memory = EpochMemory.await(place, epoch, slot);
        return memory.socket();
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
    public void prepare(long epoch, Duration patience) throws HypervisorException {
        if (record.isPresent() && record.get().epoch() == epoch) {
            return;
        }
        EpochMemory arrived = memory;
        if (arrived == null || arrived.epoch() != epoch) {
            throw new HypervisorException(Kind.REFUSED, "epoch " + epoch + " was not begun or was given up");
        }
        arrived.complete(patience);
        arrived.close();
        checkDisks();
        EpochRecord committing = new EpochRecord(false, epoch, arrived.slot());
        committing.write(place.directory());
        record = Optional.of(committing);
        memory = null;
    }

    /** Once the record says so there is no way back: until all disks have followed it is not known which epoch they are of. */
    private void commitDisks(EpochRecord committing, Duration patience) throws HypervisorException {
        try {
            monitor().call("xen-colo-do-checkpoint", Map.of(), patience);
            checkDisks();
        } catch (HypervisorException e) {
            Kind kind = e.kind() == Kind.REFUSED ? Kind.FAILED : e.kind();
            throw new HypervisorException(
                    kind,
                    "the disks of the standby have not followed to epoch " + committing.epoch() + ": " + e.getMessage(),
                    e);
        }
        EpochRecord committed = new EpochRecord(true, committing.epoch(), committing.slot());
        committed.write(place.directory());
        record = Optional.of(committed);
    }

    private void checkDisks() throws HypervisorException {
        if (monitor()
                .call("query-xen-replication-status")
                .path("error")
                .asText()
                .equals("true")) {
            throw new HypervisorException(
                    Kind.REFUSED,
                    "the standby could not write its disks or lost the connection to the primary; build another");
        }
    }

    @Override
    public void abandon(long epoch) throws HypervisorException {
        if (memory != null
                && memory.epoch() == epoch
                && (record.isEmpty() || record.get().epoch() != epoch)) {
            memory.end();
            memory = null;
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
        if (!rolledBack) {
            if (memory != null) {
                memory.close();
            }
            monitor().accepts("nbd-server-stop", Map.of());
            monitor().call("xen-set-replication", Map.of("enable", false, "primary", false, "failover", true));
            rolledBack = true;
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
        startRollBack();
        int slot = record.orElseThrow().slot();
        // The guest's own memory is allocated while it is loaded: a third time beside the two files.
        EpochMemory.forget(place, 1 - slot);
        new IncomingMemory(monitor()).load(EpochMemory.file(place, slot));
        RunningVm machine = hypervisor.takePlace(vm, vm.definition());
        isTheMachine = true;
        checkNotStopped();
        machine.resume();
        machine.relocation().announce();
        return machine;
    }

    /** A stop that comes meanwhile wins. */
    private void checkNotStopped() throws HypervisorException {
        if (hypervisor.isBarred(vm.definition())) {
            throw new HypervisorException(
                    Kind.REFUSED, vm.name() + " was stopped here meanwhile; its standby does not run instead");
        }
    }

    @Override
    public void discard() throws HypervisorException {
        if (memory != null) {
            memory.close();
        }
        vm.kill();
        vm.close();
        StandbyFiles.remove(place);
    }

    @Override
    public void close() {
        if (memory != null) {
            memory.close();
        }
        if (!isTheMachine) {
            vm.close();
        }
    }

    private Monitor monitor() {
        return vm.monitor();
    }
}
