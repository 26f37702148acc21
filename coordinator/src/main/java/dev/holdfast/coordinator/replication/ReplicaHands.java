package dev.holdfast.coordinator.replication;

/**
 * Carries effects out, one after the other; each may come twice. What throws was not done, and is tried again.
 *
 * @param <X> says that it is not done yet
 */
public interface ReplicaHands<X extends Exception> {

    /** Carries out {@link ReplicaEffect.ReadRecord}. */
    void readRecord(ReplicaEffect.ReadRecord effect) throws X;

    /** Carries out {@link ReplicaEffect.WriteRecord}. */
    void writeRecord(ReplicaEffect.WriteRecord effect) throws X;

    /** Carries out {@link ReplicaEffect.AskProof}. */
    void askProof(ReplicaEffect.AskProof effect) throws X;

    /** Carries out {@link ReplicaEffect.Done}. */
    void done(ReplicaEffect.Done effect) throws X;

    /** Carries out {@link ReplicaEffect.Refuse}. */
    void refuse(ReplicaEffect.Refuse effect) throws X;

    /** Carries out {@link ReplicaEffect.NoteLife}. */
    void noteLife(ReplicaEffect.NoteLife effect) throws X;

    /** Carries out {@link ReplicaEffect.NoteStrayed}. */
    void noteStrayed(ReplicaEffect.NoteStrayed effect) throws X;

    /** Carries out {@link ReplicaEffect.NoteLeaving}. */
    void noteLeaving(ReplicaEffect.NoteLeaving effect) throws X;

    /** Carries out {@link ReplicaEffect.ForgetLife}. */
    void forgetLife(ReplicaEffect.ForgetLife effect) throws X;

    /** Carries out {@link ReplicaEffect.RunCold}. */
    void runCold(ReplicaEffect.RunCold effect) throws X;

    /** Carries out {@link ReplicaEffect.FailOver}. */
    void failOver(ReplicaEffect.FailOver effect) throws X;

    /** Carries out {@link ReplicaEffect.KeepCopy}. */
    void keepCopy(ReplicaEffect.KeepCopy effect) throws X;

    /** Carries out {@link ReplicaEffect.RunOn}. */
    void runOn(ReplicaEffect.RunOn effect) throws X;

    /** Carries out {@link ReplicaEffect.Hold}. */
    void hold(ReplicaEffect.Hold effect) throws X;

    /** Carries out {@link ReplicaEffect.ArmLag}. */
    void armLag(ReplicaEffect.ArmLag effect) throws X;

    /** Carries out {@link ReplicaEffect.DisarmLag}. */
    void disarmLag(ReplicaEffect.DisarmLag effect) throws X;

    /** Carries out {@link ReplicaEffect.FreeOutput}. */
    void freeOutput(ReplicaEffect.FreeOutput effect) throws X;

    /** Carries out {@link ReplicaEffect.Seed}. */
    void seed(ReplicaEffect.Seed effect) throws X;

    /** Carries out {@link ReplicaEffect.SendEpoch}. */
    void sendEpoch(ReplicaEffect.SendEpoch effect) throws X;

    /** Carries out {@link ReplicaEffect.Detach}. */
    void detach(ReplicaEffect.Detach effect) throws X;

    /** Carries out {@link ReplicaEffect.VoidPeer}. */
    void voidPeer(ReplicaEffect.VoidPeer effect) throws X;

    /** Carries out {@link ReplicaEffect.KillGuest}. */
    void killGuest(ReplicaEffect.KillGuest effect) throws X;

    /** Carries out {@link ReplicaEffect.MakeCopy}. */
    void makeCopy(ReplicaEffect.MakeCopy effect) throws X;

    /** Carries out {@link ReplicaEffect.DropCopy}. */
    void dropCopy(ReplicaEffect.DropCopy effect) throws X;

    /** Carries out {@link ReplicaEffect.RestCopy}. */
    void restCopy(ReplicaEffect.RestCopy effect) throws X;

    /** Carries out {@link ReplicaEffect.FreeMemory}. */
    void freeMemory(ReplicaEffect.FreeMemory effect) throws X;

    /** Carries out {@link ReplicaEffect.NoteCommit}. */
    void noteCommit(ReplicaEffect.NoteCommit effect) throws X;

    /** Carries out {@link ReplicaEffect.CommitDisks}. */
    void commitDisks(ReplicaEffect.CommitDisks effect) throws X;

    /** Carries out {@link ReplicaEffect.Acknowledge}. */
    void acknowledge(ReplicaEffect.Acknowledge effect) throws X;
}
