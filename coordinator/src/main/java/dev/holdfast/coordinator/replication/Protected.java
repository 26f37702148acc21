package dev.holdfast.coordinator.replication;

import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.replication.ReplicaEffect.ArmLag;
import dev.holdfast.coordinator.replication.ReplicaEffect.Hold;
import dev.holdfast.coordinator.replication.ReplicaEffect.ReadRecord;
import dev.holdfast.coordinator.replication.ReplicaEffect.RunOn;
import dev.holdfast.coordinator.replication.ReplicaEffect.SendEpoch;
import dev.holdfast.coordinator.replication.ReplicationRecord.Stored;
import java.util.Optional;

/**
 * A primary with a standby that is in the set, or may be.
 *
 * @param peer the standby's copy
 * @param epoch the last one that the standby has committed
 * @param phase what the guest does
 * @param ink whether the record is known to say so
 */
public record Protected(Life lead, Copy peer, long epoch, Phase phase, Ink ink) implements Leading {

    /** What the guest does in the epoch after the last one that was committed. */
    enum Phase {
        RUNNING,
        /** It has run for as long as it may without the standby. */
        HELD,
        /** The epoch is on its way, or was given up. The guest runs but for the end of it, under the bound of the one before. */
        SENDING
    }

    /** Whether the guest stands still because the bound has passed, and no epoch is on its way. */
    public boolean isHeld() {
        return phase == Phase.HELD;
    }

    /** Whether the guest runs as far as the rules know, and no epoch is on its way. */
    public boolean runs() {
        return phase == Phase.RUNNING;
    }

    @Override
    public Optional<Copy> member() {
        return Optional.of(peer);
    }

    private Protected with(Life life, Ink now) {
        return new Protected(life, peer, epoch, phase, now);
    }

    private Protected in(Phase now) {
        return new Protected(lead, peer, epoch, now, ink);
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onEpochDue(ReplicaEvent.EpochDue event) {
        return phase == Phase.SENDING
                ? Step.rejected(this, "an epoch is on its way")
                : Step.to(in(Phase.SENDING), new SendEpoch(peer, epoch + 1));
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onStandbyAt(ReplicaEvent.StandbyAt event) {
        if (!event.peer().equals(peer) || phase != Phase.SENDING) {
            return Step.rejected(this, "nothing is on its way to " + event.peer());
        }
        if (event.epoch() == epoch + 1) {
            Protected next = new Protected(lead, peer, epoch + 1, Phase.RUNNING, ink);
            return Step.to(next, new ArmLag(epoch + 1), new RunOn());
        }
        return event.epoch() == epoch
                ? Step.to(this, new SendEpoch(peer, epoch + 1))
                : Step.rejected(this, "an old answer");
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onLagPassed(ReplicaEvent.LagPassed event) {
        if (phase == Phase.HELD || event.epoch() != epoch) {
            return Step.rejected(this, "an old bound");
        }
        // An epoch that is given up must not let it run again.
        return Step.to(phase == Phase.SENDING ? this : in(Phase.HELD), new Hold());
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onBoundRenewed(ReplicaEvent.BoundRenewed event) {
        return phase == Phase.HELD ? Step.to(in(Phase.RUNNING), new RunOn()) : Step.rejected(this, "it is not held");
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onStandbyLost(ReplicaEvent.StandbyLost event) {
        return event.peer().equals(peer)
                ? Shrinking.begin(lead, peer, epoch, phase != Phase.RUNNING, ink)
                : Step.rejected(this, "another standby");
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onSwitchoverAsked(ReplicaEvent.SwitchoverAsked event) {
        return ink == Ink.WRITTEN ? handOver(true) : Step.to(this, new ReplicaEffect.Refuse(Reason.BUSY));
    }

    /** With its last epoch, so that nothing is lost; without, if the record does not say yet that the standby may go on. */
    @Override
    public Step<ReplicaState, ReplicaEffect> onDemoteAsked(ReplicaEvent.DemoteAsked event) {
        return ink == Ink.WRITTEN ? handOver(false) : Leaving.demote(lead, member(), ink, false);
    }

    private Step<ReplicaState, ReplicaEffect> handOver(boolean canReturn) {
        return Leaving.handOver(lead, peer, epoch, phase == Phase.SENDING, canReturn);
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onRecordWritten(ReplicaEvent.RecordWritten event) {
        return ink == Ink.WRITING
                ? Step.to(with(lead.at(event.version()), Ink.WRITTEN))
                : Step.rejected(this, "nothing was written");
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onRecordRefused(ReplicaEvent.RecordRefused event) {
        return again();
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onRecordUnknown(ReplicaEvent.RecordUnknown event) {
        return again();
    }

    private Step<ReplicaState, ReplicaEffect> again() {
        return ink == Ink.WRITING
                ? Step.to(with(lead, Ink.READING), new ReadRecord())
                : Step.rejected(this, "nothing was written");
    }

    /** The standby is at the last epoch, so the record may say so at any time; what it says without is made up for. */
    @Override
    public Step<ReplicaState, ReplicaEffect> recorded(Stored stored) {
        if (ink == Ink.WRITING) {
            return Step.rejected(this, "the answer to the write will tell");
        }
        Life read = lead.of(stored);
        return stored.record().inSync().contains(peer)
                ? Step.to(with(read, Ink.WRITTEN))
                : Step.to(with(read, Ink.WRITING), read.write(peer));
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onStoreSilent(ReplicaEvent.StoreSilent event) {
        return ink == Ink.READING ? Step.to(with(lead, Ink.SILENT)) : Step.rejected(this, "nothing was asked");
    }

    @Override
    public Step<ReplicaState, ReplicaEffect> onRetry(ReplicaEvent.Retry event) {
        return ink == Ink.SILENT
                ? Step.to(with(lead, Ink.READING), new ReadRecord())
                : Step.rejected(this, "nothing is left to do");
    }

    @Override
    public void checkInvariants() {
        if (epoch < 1 || peer.node().equals(lead.self().node()) || ink == Ink.EARLIER) {
            throw new IllegalStateException("not how a primary is protected: " + this);
        }
    }
}
