package dev.holdfast.agent.replication;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.replication.EpochContent;
import dev.holdfast.agent.hypervisor.replication.Replication;
import dev.holdfast.agent.hypervisor.replication.Standby;
import dev.holdfast.agent.hypervisor.replication.StandbyPlace;
import dev.holdfast.agent.tunnel.Threshold;
import dev.holdfast.coordinator.replication.Copy;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A standby of this node: its process and the door that its primary comes through. The machine's thread, but for {@link #beat}. */
final class StandbySide {
    private static final Logger LOG = LoggerFactory.getLogger(StandbySide.class);
    private static final Duration COMMIT = Duration.ofSeconds(10);
    private static final Duration REST = Duration.ofSeconds(15);
    private static final Duration LONG_AGO = Duration.ofDays(365);
    private static final int TRIES = 3;

    private final VmDefinition machine;
    private final StandbyPlace place;
    private final Replication replication;
    private final ReplicaFiles files;
    private final Threshold threshold;
    private final EpochContent content;
    private final InstantSource clock;
    private final LongSupplier nanoClock;
    private volatile @Nullable Standby standby;
    private volatile @Nullable StandbyDoorway doorway;
    private long committed;
    private long committedAt;
    private long preparedAt;

    /**
     * What it works with.
     *
     * @param threshold of this node, where its door is
     * @param content what the epochs of a new standby consist of
     */
    record Tools(
            Replication replication,
            ReplicaFiles files,
            Threshold threshold,
            EpochContent content,
            InstantSource clock,
            LongSupplier nanoClock) {}

    StandbySide(VmDefinition machine, StandbyPlace place, Tools tools) {
        this.machine = machine;
        this.place = place;
        this.replication = tools.replication();
        this.files = tools.files();
        this.threshold = tools.threshold();
        this.content = tools.content();
        this.clock = tools.clock();
        this.nanoClock = tools.nanoClock();
    }

    Optional<StandbyDoorway> doorway() {
        return Optional.ofNullable(doorway);
    }

    /** The process, if there is one that was found or made. */
    Optional<Standby> standby() {
        return Optional.ofNullable(standby);
    }

    boolean isAlive() {
        Standby known = standby;
        return known != null && known.identity().isAlive();
    }

    /** Looks for what an agent before this one has left. */
    Optional<Standby> find() throws HypervisorException {
        Standby known = standby;
        if (known == null) {
            known = replication.findStandby(machine, place).orElse(null);
            standby = known;
        }
        return Optional.ofNullable(known);
    }

    /** Begins a copy: a process whose disks wait to be overwritten, then what was there is of no worth any more, and the door opens. */
    void make(Copy copy, long generation, StandbyDoorway.Orders orders) throws HypervisorException, IOException {
        drop();
        standby = replication.startStandby(machine, place, content);
        files.write(files.disks().map(DisksNote::worthless).orElseGet(() -> new DisksNote(copy.id(), 0, false, false)));
        // Its directory was made anew.
        files.write(new ReplicaFiles.CopyNote(copy.id(), generation));
        committed = 0;
        open(orders);
    }

    /** Lets the primary in. */
    void open(StandbyDoorway.Orders orders) throws IOException {
        if (doorway == null) {
            doorway = StandbyDoorway.open(place, orders, epoch -> required().intake(epoch), threshold);
        }
    }

    private void shut() {
        StandbyDoorway open = doorway;
        doorway = null;
        if (open != null) {
            open.close();
        }
    }

    private Standby required() throws HypervisorException {
        Standby known = standby;
        if (known == null) {
            throw new HypervisorException(Kind.REFUSED, "there is no standby of " + machine.name() + " here");
        }
        return known;
    }

    void follow() throws HypervisorException {
        required().startFollowing();
    }

    /** Whether memory has to come before an epoch is complete. */
    boolean takesMemory() throws HypervisorException {
        return required().content() == EpochContent.MEMORY_AND_DISKS;
    }

    void begin(long epoch) throws HypervisorException {
        required().begin(epoch);
    }

    /** Looks whether the disks follow, so that {@link #prepare} need not; what is wrong is found there once more. Any thread. */
    void checkEarly(long epoch) {
        try {
            required().check(epoch);
        } catch (HypervisorException e) {
            LOG.debug("epoch {}: {}", epoch, e.getMessage());
        }
    }

    void abandon(long epoch) throws HypervisorException {
        required().abandon(epoch);
    }

    void beat(Duration patience) throws HypervisorException {
        required().beat(patience);
    }

    /** Notes that an epoch's commit begins: there is no way back. */
    void prepare(long epoch) throws HypervisorException {
        preparedAt = nanoClock.getAsLong();
        required().prepare(epoch, COMMIT);
    }

    /** Brings the disks to the epoch. */
    void commit(long epoch) throws HypervisorException {
        for (int left = TRIES; ; left--) {
            try {
                required().commit(epoch, COMMIT);
                committed = epoch;
                committedAt = preparedAt;
                return;
            } catch (HypervisorException e) {
                if (left == 0 || e.kind() == Kind.GONE) {
                    throw e;
                }
                LOG.warn("the commit of epoch {} is tried again: {}", epoch, e.getMessage());
            }
        }
    }

    /** How long ago the last epoch was committed. */
    Duration sinceCommit(long epoch) {
        if (epoch == 0) {
            return LONG_AGO;
        }
        if (committed == epoch) {
            return Duration.ofNanos(nanoClock.getAsLong() - committedAt);
        }
        try {
            // An agent before this one saw it; what it wrote then has a date.
            Duration age =
                    Duration.between(Files.getLastModifiedTime(place.record()).toInstant(), clock.instant());
            // A clock that was put back says nothing.
            return age.isNegative() ? LONG_AGO : age;
        } catch (IOException e) {
            LOG.warn("when the last epoch was committed is not known: {}", e.toString());
            return LONG_AGO;
        }
    }

    /**
     * The guest goes on from the epoch that is committed here; if it was there already, it runs.
     *
     * @return whether its disks are at the epoch already, though not on lasting storage alone
     */
    boolean become(Guest guest, long epoch) throws HypervisorException, IOException {
        Optional<Replication.AtRest> rest = atRest();
        if (guest.process().isPresent()) {
            guest.run();
            return false;
        }
        if (rest.isPresent()) {
            // Without the id of the copy its memory is not taken for one that has never run.
            guest.wake(rest.get().memory(), this::takenUp);
            LOG.info("the guest goes on from epoch {}, at which its standby was stopped", epoch);
            return false;
        }
        shut();
        Standby copy = find().orElseThrow(
                        () -> new HypervisorException(Kind.GONE, "the standby of " + machine.name() + " is gone"));
        guest.failOver(copy, epoch);
        standby = null;
        LOG.info("the guest goes on from epoch {}", epoch);
        return copy.isRolledBack();
    }

    private void takenUp() throws IOException {
        Optional<DisksNote> disks = files.disks();
        if (disks.isPresent()) {
            files.write(disks.get().led(disks.get().generation()));
        }
        files.forgetCopy();
    }

    /**
     * It did not go on, and its process has ended: its disks are what counts.
     *
     * @return whether they are whole
     */
    boolean leavesDisks(DisksNote note) throws HypervisorException, IOException {
        Standby known = standby;
        if (known == null || known.identity().isAlive() || !known.isRolledBack()) {
            return false;
        }
        files.write(note);
        known.close();
        standby = null;
        freeMemory();
        return true;
    }

    /** Throws the copy away; its id first. */
    void drop() throws HypervisorException, IOException {
        files.forgetCopy();
        shut();
        Optional<Standby> known = find();
        if (known.isPresent()) {
            known.get().discard();
        } else {
            replication.clear(place);
        }
        standby = null;
        committed = 0;
    }

    /** Ends the process. Its disks are at the last committed epoch then, and the memory of that is kept. */
    void rest() throws HypervisorException {
        shut();
        required().rest(REST);
        standby = null;
    }

    /** What a standby that was stopped has left here. */
    Optional<Replication.AtRest> atRest() throws HypervisorException {
        return standby != null ? Optional.empty() : replication.atRest(machine, place);
    }

    /** The memory of one that was stopped is not needed any more; its disks stay. */
    void freeMemory() throws HypervisorException, IOException {
        files.forgetCopy();
        replication.clear(place);
    }

    /** The agent ends; the process stays. */
    void close() {
        shut();
        Standby known = standby;
        if (known != null) {
            known.close();
        }
    }
}
