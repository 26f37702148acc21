package dev.holdfast.agent.replication;

import dev.holdfast.agent.hypervisor.HypervisorException;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A round that has the machine gives way to a wish for another role. One that has not stopped the guest yet does for each wish. A demote
 * ends also one that is writing memory: pacemaker has the process killed when it has waited for long enough, and the standby would go on
 * from before the checkpoint.
 */
final class GivingBack {
    private static final Logger LOG = LoggerFactory.getLogger(GivingBack.class);

    private final Parking parking;
    private final Consumer<Wish> rounds;
    private final Guest guest;
    private final Executor asking;
    private boolean ended;

    /**
     * @param rounds gives up those that give way to such a wish
     * @param asking for what blocks
     */
    GivingBack(Parking parking, Consumer<Wish> rounds, Guest guest, Executor asking) {
        this.parking = parking;
        this.rounds = rounds;
        this.guest = guest;
        this.asking = asking;
    }

    void before(Wish wish) {
        if (!parking.isParked()) {
            return;
        }
        if (wish == Wish.DEMOTE) {
            parking.want();
        }
        rounds.accept(wish);
    }

    /** Called all the time, on the machine's thread. A round that has stopped the guest gives way when it has let it run. */
    void look() {
        if (!parking.isWanted()) {
            ended = false;
        } else if (!parking.isVoided()) {
            rounds.accept(Wish.DEMOTE);
        } else if (!ended) {
            ended = true;
            asking.execute(this::endCapture);
        }
    }

    /** QEMU sends one stream at a time, and the last epoch is the next. */
    private void endCapture() {
        if (!parking.isVoided()) {
            // The round has ended meanwhile; what is on its way now may be the last epoch.
            return;
        }
        try {
            guest.endCapture();
        } catch (HypervisorException e) {
            LOG.warn(
                    "{} is to be demoted when the memory of a checkpoint that was given up is written: {}",
                    guest.name(),
                    e.getMessage());
        }
    }
}
