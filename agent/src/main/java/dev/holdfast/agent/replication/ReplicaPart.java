package dev.holdfast.agent.replication;

import dev.holdfast.agent.hypervisor.ThawFacts;
import dev.holdfast.agent.journal.RoundJournal;
import dev.holdfast.agent.round.VmPart;
import dev.holdfast.coordinator.port.Snapshotter.PhaseException;
import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.RoundOptions;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.VmReport;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A replicated machine's part in a round. In a checkpoint its epochs are parked until its memory is written. Before a revert stops
 * it, its standby does not count any more; it gets another one when the round is over.
 */
public final class ReplicaPart implements VmPart {
    /** What the part reports when memory is written and only read again. */
    private static final String HASHING = "hashing";

    private final RoundSpec spec;
    private final Name operation;
    private final VmPart part;
    private final Machine machine;
    private final Chain chain;
    private boolean parked;
    private volatile boolean captured;

    /** The machine's chain on this node. */
    public interface Chain {
        /** Whether it holds a checkpoint. */
        boolean has(Name checkpoint) throws PhaseException;

        /** Notes that neither side of a revert is to run. */
        void endRevert() throws PhaseException;
    }

    /** The machine on this node. */
    interface Machine {
        Name name();

        Parking parking();

        /** Whether this node's copy is the one that runs, by the store; fails if that does not answer. */
        CompletableFuture<Boolean> isRecorded();
    }

    /** @param part of the machine as one that is not replicated */
    public ReplicaPart(RoundSpec spec, VmPart part, ReplicatedMachine machine, Chain chain) {
        this(spec, part, (Machine) machine, chain);
    }

    ReplicaPart(RoundSpec spec, VmPart part, Machine machine, Chain chain) {
        this.spec = spec;
        this.operation = RoundJournal.operation(spec.id());
        this.part = part;
        this.machine = machine;
        this.chain = chain;
    }

    private Parking parking() {
        return machine.parking();
    }

    private <T> T await(CompletableFuture<T> ready, String what) throws PhaseException {
        Duration patience = spec.options().prepareTimeout().dividedBy(2);
        try {
            return ready.get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw new PhaseException(Refusal.failed("%s: %s"
                    .formatted(machine.name(), String.valueOf(e.getCause().getMessage()))));
        } catch (TimeoutException e) {
            parking().giveUp(operation);
            throw new PhaseException(Refusal.timedOut(
                    "%s is replicated, and %s within %d s: %s; 'holdfast vm replication %s' shows how it is"
                            .formatted(
                                    machine.name(),
                                    what,
                                    patience.toSeconds(),
                                    parking().obstacle().orElse("what is under way with its standby has not ended"),
                                    machine.name())));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new PhaseException(Refusal.failed("the agent ends"));
        }
    }

    /** At the end of an epoch the guest stands still, and that is nobody's pause. */
    private void park() throws PhaseException {
        if (parked || spec.kind() != RoundKind.CHECKPOINT) {
            return;
        }
        RoundOptions options = spec.options();
        Duration bound = options.prepareTimeout().plus(options.deadline()).plus(options.drainTimeout());
        await(parking().park(operation, bound), "its epochs were not parked");
        parked = true;
    }

    /** Why a round with these options is not for a replicated machine. */
    public static Optional<String> unfit(Name vm, RoundOptions options) {
        return options.paused()
                ? Optional.of(vm + " is replicated, and its first epoch would let it run; revert without --paused")
                : Optional.empty();
    }

    /** @throws PhaseException a revert goes back to what another node has */
    public static void requireCheckpoint(RoundSpec spec, Name vm, Chain chain) throws PhaseException {
        if (spec.kind() == RoundKind.REVERT && !chain.has(spec.checkpoint())) {
            throw new PhaseException(Refusal.preflight(
                    ("%1$s is replicated, and its part of %2$s is on the node it ran on when that was taken, which is not this one;"
                                    + " switch it over to that node first ('holdfast checkpoint show' names the node, then"
                                    + " 'holdfast vm switchover %1$s')")
                            .formatted(vm, spec.checkpoint())));
        }
    }

    @Override
    public boolean wasPaused() throws PhaseException {
        park();
        return part.wasPaused();
    }

    @Override
    public void prepare() throws PhaseException {
        park();
        Optional<String> unfit = unfit(machine.name(), spec.options());
        if (unfit.isPresent()) {
            throw new PhaseException(Refusal.preflight(unfit.get()));
        }
        requireCheckpoint(spec, machine.name(), chain);
        part.prepare();
        if (spec.kind() == RoundKind.REVERT) {
            await(parking().standAlone(operation), "its standby was not taken off");
        }
    }

    @Override
    public boolean freezesByItself() {
        return part.freezesByItself();
    }

    @Override
    public boolean approach() throws PhaseException {
        return part.approach();
    }

    @Override
    public void freeze() throws PhaseException {
        part.freeze();
    }

    @Override
    public void capture() throws PhaseException {
        part.capture();
    }

    @Override
    public ThawFacts proveAndThaw() throws PhaseException {
        ThawFacts facts = part.proveAndThaw();
        captured = true;
        return facts;
    }

    /** QEMU sends one stream at a time, so the next epoch waits for this one. */
    @Override
    public VmReport drain(String quiesce, Progress progress) throws PhaseException {
        VmReport report = part.drain(quiesce, (phase, done, total) -> {
            if (phase.equals(HASHING)) {
                parking().end(operation);
            }
            progress.at(phase, done, total);
        });
        parking().end(operation);
        return report;
    }

    @Override
    public VmReport loadBeside(Progress progress) throws PhaseException {
        return part.loadBeside(progress);
    }

    @Override
    public boolean runs() throws PhaseException {
        return part.runs();
    }

    @Override
    public boolean thaw() {
        parking().giveUp(operation);
        boolean runs = part.thaw();
        if (captured) {
            parking().voided(operation);
        }
        return runs;
    }

    @Override
    public void carryOut(Decision decision) throws PhaseException {
        boolean runs = decision == Decision.COMMITTED && spec.kind() == RoundKind.REVERT;
        if (runs && !await(machine.isRecorded(), "the store did not answer")) {
            // It was given up meanwhile: whoever goes on from these disks, it is not for this round to say.
            chain.endRevert();
        }
        part.carryOut(decision);
    }
}
