package dev.holdfast.agent.replication;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.VmDefinition;
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
    private static final Duration LONG_AGO = Duration.ofDays(365);
    private static final int TRIES = 3;

    private final VmDefinition machine;
    private final StandbyPlace place;
    private final Replication replication;
    private final ReplicaFiles files;
    private final Threshold threshold;
    private final InstantSource clock;
    private final LongSupplier nanoClock;
    private volatile @Nullable Standby standby;
    private volatile @Nullable StandbyDoorway doorway;
    private long begun;
    private long committed;
    private long committedAt;

    /**
     * What it works with.
     *
     * @param threshold of this node, where its door is
     */
    record Tools(
            Replication replication,
            ReplicaFiles files,
            Threshold threshold,
            InstantSource clock,
            LongSupplier nanoClock) {}

    StandbySide(VmDefinition machine, StandbyPlace place, Tools tools) {
        this.machine = machine;
        this.place = place;
        this.replication = tools.replication();
        this.files = tools.files();
        this.threshold = tools.threshold();
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

    /** Begins a copy: a process whose disks wait to be overwritten. What was there goes. */
    void make(Copy copy, long generation, StandbyDoorway.Orders orders) throws HypervisorException, IOException {
        drop();
        standby = replication.startStandby(machine, place);
        // Its directory was made anew.
        files.write(new ReplicaFiles.CopyNote(copy.id(), generation));
        committed = 0;
        open(orders);
    }

    /** Lets the primary in. */
    void open(StandbyDoorway.Orders orders) throws IOException {
        if (doorway == null) {
            doorway = StandbyDoorway.open(place, orders, threshold);
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

    void begin(long epoch) throws HypervisorException {
        required().begin(epoch);
        begun = epoch;
    }

    void abandon(long epoch) throws HypervisorException {
        required().abandon(epoch);
    }

    /** Nothing that was sent before becomes complete any more. */
    void dropArriving() throws HypervisorException {
        Standby known = standby;
        if (known != null && begun > 0) {
            known.abandon(begun);
        }
    }

    void beat(Duration patience) throws HypervisorException {
        required().beat(patience);
    }

    /** Notes that an epoch's commit begins: there is no way back. */
    void prepare(long epoch) throws HypervisorException {
        required().prepare(epoch, COMMIT);
    }

    /** Brings the disks to the epoch. */
    void commit(long epoch) throws HypervisorException {
        for (int left = TRIES; ; left--) {
            try {
                required().commit(epoch, COMMIT);
                committed = epoch;
                committedAt = nanoClock.getAsLong();
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
        if (epoch == 0) {
            return LONG_AGO;
        }
        try {
            // An agent before this one saw it; what it wrote then has a date.
            Duration age =
                    Duration.between(Files.getLastModifiedTime(place.record()).toInstant(), clock.instant());
            return age.isNegative() ? Duration.ZERO : age;
        } catch (IOException e) {
            LOG.warn("when the last epoch was committed is not known: {}", e.toString());
            return LONG_AGO;
        }
    }

    /** The standby has become the machine: nobody comes in any more. */
    void becameMachine() {
        shut();
        standby = null;
    }

    Standby forFailOver() throws HypervisorException {
        shut();
        return find().orElseThrow(
                        () -> new HypervisorException(Kind.GONE, "the standby of " + machine.name() + " is gone"));
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
        begun = 0;
        committed = 0;
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
