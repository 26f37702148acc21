package dev.holdfast.agent.replication;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.replication.StandbyPlace;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Candidacy;
import dev.holdfast.coordinator.replication.Copy;
import dev.holdfast.coordinator.replication.CopyFacts;
import dev.holdfast.coordinator.replication.Leaving;
import dev.holdfast.coordinator.replication.Life;
import dev.holdfast.coordinator.replication.Proof;
import dev.holdfast.coordinator.replication.Reason;
import dev.holdfast.coordinator.replication.ReplicaEffect;
import dev.holdfast.coordinator.replication.ReplicaEvent;
import dev.holdfast.coordinator.replication.ReplicaHands;
import dev.holdfast.coordinator.replication.ReplicaState;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Carries out the effects of one machine's rules. On the machine's thread. */
final class MachineHands implements ReplicaHands<NotYetException> {
    private static final Logger LOG = LoggerFactory.getLogger(MachineHands.class);

    /**
     * What a machine's hands work with.
     *
     * @param guest the machine itself
     * @param primary its standby elsewhere
     * @param standby its standby here
     * @param files what it keeps
     * @param record of it in the store
     * @param fencing who proves that a node is gone
     * @param lag how far the guest may go
     * @param peers the other nodes
     */
    record Tools(
            ReplicaPlan plan,
            Guest guest,
            PrimarySide primary,
            StandbySide standby,
            ReplicaFiles files,
            RecordBook record,
            Fencing fencing,
            LagBound lag,
            PeerCalls peers) {}

    /** What the machine is told beside its events. */
    interface Front {
        ReplicaState state();

        void done();

        void refuse(Reason reason);

        /** The machine does not start although it was promoted. */
        void failed(String why);

        /** A copy was begun, or could not be: the text says why. */
        void made(Copy copy, Optional<String> failure);

        void acknowledge(long epoch);

        /** The copy of this node does not exist any more. */
        void dropped();

        /** Its disks as they have to be for a copy to be written over them. */
        void prepareDisks() throws IOException;

        StandbyDoorway.Orders orders();
    }

    private final Tools tools;
    private final Front front;
    private final Executor worker;
    private final Consumer<ReplicaEvent> events;
    private final StandbyHands copy;
    private final GoingOn goingOn;
    private final Settling settling;
    private final WishedEnd end;
    private volatile boolean expected;

    MachineHands(Tools tools, Front front, SerialThread thread, Executor worker, Consumer<ReplicaEvent> events) {
        this.tools = tools;
        this.front = front;
        this.worker = worker;
        this.events = events;
        this.settling =
                new Settling(tools.guest(), new StandbyPlace(tools.plan().place()), thread, worker, events);
        this.end = new WishedEnd(thread, tools.guest(), this::isHeld);
        this.goingOn = new GoingOn(tools, front, events);
        this.copy = new StandbyHands(tools.standby(), tools.files(), front, events);
    }

    /** Whether there has to be a process of the machine itself. */
    boolean expectsGuest() {
        return expected;
    }

    /** An agent before this one has left a process. */
    void expectGuest() {
        expected = true;
    }

    /** The process is gone: whether somebody has wanted that. */
    boolean guestIsGone() {
        expected = false;
        tools.primary().letGo();
        return end.isAsked() || tools.guest().isNotedShutDown();
    }

    /** Somebody wants the guest to shut down. */
    WishedEnd wishedEnd() {
        return end;
    }

    /** Whether the guest stands still for want of its standby. */
    boolean isHeld() {
        return tools.primary().isHeld();
    }

    private interface Writing {
        void run() throws IOException;
    }

    private static void write(Writing writing) throws NotYetException {
        try {
            writing.run();
        } catch (IOException e) {
            throw new NotYetException(e);
        }
    }

    private Life life() {
        return front.state().life().orElseThrow(() -> new IllegalStateException("no life is led"));
    }

    @Override
    public void readRecord(ReplicaEffect.ReadRecord effect) {
        tools.record().read(events);
    }

    @Override
    public void writeRecord(ReplicaEffect.WriteRecord effect) {
        tools.record().write(effect.version(), effect.next(), events);
    }

    @Override
    public void askProof(ReplicaEffect.AskProof effect) {
        Name node = effect.node();
        long epoch = front.state() instanceof Candidacy candidacy
                ? candidacy.candidate().copy().map(CopyFacts::epoch).orElse(0L)
                : 0;
        worker.execute(() -> {
            Proof proof = tools.fencing().proof(node);
            LOG.info("what is known of node {}: {}", node, proof);
            events.accept(new ReplicaEvent.ProofGiven(proof, tools.standby().sinceCommit(epoch)));
        });
    }

    @Override
    public void done(ReplicaEffect.Done effect) {
        front.done();
    }

    @Override
    public void refuse(ReplicaEffect.Refuse effect) {
        front.refuse(effect.reason());
    }

    @Override
    public void noteLife(ReplicaEffect.NoteLife effect) throws NotYetException {
        Life life = life();
        write(() -> {
            tools.files().write(LifeNote.of(life.copy().id(), effect.generation(), effect.peer(), false));
            keepDisks(life, effect.generation());
        });
    }

    /** Disks that led a life do not claim that they never did. */
    private void keepDisks(Life life, long generation) throws IOException {
        Optional<DisksNote> note =
                tools.files().disks().filter(n -> n.copy().equals(life.copy().id()));
        if (life.settled() && note.isPresent() && note.get().generation() != generation) {
            boolean rests = tools.files()
                    .copy()
                    .filter(mine -> mine.copy().equals(life.copy().id()))
                    .isPresent();
            tools.files()
                    .write(rests ? note.get().claimed(generation) : note.get().led(generation));
        }
    }

    @Override
    public void noteStrayed(ReplicaEffect.NoteStrayed effect) throws NotYetException {
        write(() -> {
            Optional<DisksNote> note = tools.files().disks();
            if (note.isPresent()) {
                tools.files().write(note.get().strayed(effect.strayed()));
            }
        });
    }

    @Override
    public void noteLeaving(ReplicaEffect.NoteLeaving effect) throws NotYetException {
        Life life = life();
        write(() -> tools.files().write(LifeNote.of(life.copy().id(), life.generation(), effect.peer(), true)));
    }

    @Override
    public void forgetLife(ReplicaEffect.ForgetLife effect) throws NotYetException {
        tools.primary().dropLink();
        tools.lag().forget();
        write(() -> tools.files().forgetLife());
        end.forget();
    }

    private void begin() {
        expected = true;
        end.forget();
    }

    @Override
    public void runCold(ReplicaEffect.RunCold effect) {
        begin();
        try {
            tools.guest().startCold();
        } catch (HypervisorException e) {
            LOG.error("the machine was promoted and does not start: {}", e.getMessage());
            front.failed(String.valueOf(e.getMessage()));
        }
    }

    @Override
    public void failOver(ReplicaEffect.FailOver effect) {
        begin();
        GoingOn.End result = goingOn.from(effect.epoch(), life());
        expected = result != GoingOn.End.WAITS;
        if (result == GoingOn.End.RUNS) {
            settleLater(Duration.ZERO);
        }
    }

    /** Beside the running guest. */
    void settleLater(Duration delay) {
        settling.later(delay);
    }

    @Override
    public void keepCopy(ReplicaEffect.KeepCopy effect) throws NotYetException {
        Life life = life();
        write(() -> tools.files().write(new DisksNote(effect.copy().id(), life.generation(), true, false)));
    }

    @Override
    public void runOn(ReplicaEffect.RunOn effect) throws NotYetException {
        try {
            tools.primary().letGo();
            tools.guest().run();
        } catch (HypervisorException e) {
            if (!tools.guest().isEnding()) {
                throw new NotYetException(e);
            }
        }
    }

    @Override
    public void hold(ReplicaEffect.Hold effect) throws NotYetException {
        tools.primary().hold();
    }

    @Override
    public void armLag(ReplicaEffect.ArmLag effect) throws NotYetException {
        Duration since = tools.primary().since(effect.epoch()).orElse(Duration.ZERO);
        tools.lag().arm(effect.epoch(), tools.primary().farthest().minus(since));
    }

    @Override
    public void disarmLag(ReplicaEffect.DisarmLag effect) throws NotYetException {
        tools.lag().disarm();
    }

    @Override
    public void freeOutput(ReplicaEffect.FreeOutput effect) throws NotYetException {
        if (tools.plan().policy().outputCommit()) {
            tools.primary().detach();
        }
    }

    @Override
    public void seed(ReplicaEffect.Seed effect) {
        tools.primary().seed(effect.peer(), effect.generation());
    }

    @Override
    public void sendEpoch(ReplicaEffect.SendEpoch effect) {
        tools.primary().send(effect.peer(), effect.epoch(), front.state() instanceof Leaving);
    }

    @Override
    public void detach(ReplicaEffect.Detach effect) throws NotYetException {
        tools.primary().detach();
    }

    @Override
    public void voidPeer(ReplicaEffect.VoidPeer effect) {
        tools.peers().tellVoid(effect.peer());
    }

    @Override
    public void killGuest(ReplicaEffect.KillGuest effect) throws NotYetException {
        expected = false;
        try {
            tools.guest().end();
        } catch (HypervisorException e) {
            if (!tools.guest().isGone()) {
                throw new NotYetException(e);
            }
        }
    }

    @Override
    public void makeCopy(ReplicaEffect.MakeCopy effect) {
        copy.makeCopy(effect);
    }

    @Override
    public void dropCopy(ReplicaEffect.DropCopy effect) throws NotYetException {
        copy.dropCopy(effect);
    }

    @Override
    public void restCopy(ReplicaEffect.RestCopy effect) {
        copy.restCopy(effect);
    }

    @Override
    public void freeMemory(ReplicaEffect.FreeMemory effect) throws NotYetException {
        copy.freeMemory(effect);
    }

    @Override
    public void noteCommit(ReplicaEffect.NoteCommit effect) {
        copy.noteCommit(effect);
    }

    @Override
    public void commitDisks(ReplicaEffect.CommitDisks effect) {
        copy.commitDisks(effect);
    }

    @Override
    public void acknowledge(ReplicaEffect.Acknowledge effect) {
        copy.acknowledge(effect);
    }
}
