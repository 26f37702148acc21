package dev.holdfast.coordinator.engine;

import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.port.UnreadableEntryException;
import dev.holdfast.coordinator.protocol.JournalEntry;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.message.GroupMessage;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent;
import java.io.IOException;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Starts what a participant asks for. One object per round; used by the engine's thread only. */
final class ParticipantEffects implements ParticipantEffect.Visitor {

    private static final Logger LOG = LoggerFactory.getLogger(ParticipantEffects.class);

    private static final long MOMENT_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

    /** A call to the store that may not get through. */
    private interface StoreCall {
        void run() throws StoreUnreachableException;
    }

    private final Name self;
    private final RoundSpec spec;
    private final EnginePorts ports;
    private final Lanes lanes;
    /** Whether the chains are being looked at: that is asked for every few seconds, and a look may hang for an hour. */
    private final AtomicBoolean asking = new AtomicBoolean();

    ParticipantEffects(Name self, RoundSpec spec, EnginePorts ports, Lanes lanes) {
        this.self = self;
        this.spec = spec;
        this.ports = ports;
        this.lanes = lanes;
    }

    private RoundId round() {
        return spec.id();
    }

    private void post(ParticipantEvent event) {
        lanes.toParticipant(round(), event);
    }

    private void phase(Phases.Phase phase) {
        lanes.phases().start(round(), phase);
    }

    private void tell(String phase) {
        ports.channel().send(ports.channel().present(), progress(phase, 0, 0));
    }

    private GroupMessage progress(String phase, long done, long total) {
        return new GroupMessage.Progress(round(), spec.epoch(), self, phase, done, total);
    }

    private void tell(RoundId id, String phase, long done, long total) {
        lanes.channelSend(progress(phase, done, total));
    }

    @Override
    public void writeJournal(ParticipantEffect.WriteJournal effect) {
        JournalEntry entry = effect.entry();
        lanes.journal(() -> {
            try {
                ports.journal().write(entry);
                post(new ParticipantEvent.Journaled());
            } catch (UnreadableEntryException e) {
                LOG.warn("round {}: waiting for the decision: {}", round(), e.getMessage());
                post(new ParticipantEvent.EntryUnreadable("node " + self + ": " + e.getMessage()));
            } catch (IOException e) {
                LOG.warn("round {}: cannot write the journal", round(), e);
                post(new ParticipantEvent.JournalFailed(
                        "node " + self + " cannot write its journal: " + e.getMessage()));
            }
        });
    }

    @Override
    public void closeJournal(ParticipantEffect.CloseJournal effect) {
        lanes.journal(() -> {
            try {
                ports.journal().remove(round());
                post(new ParticipantEvent.JournalClosed());
            } catch (IOException e) {
                LOG.warn("round {}: cannot remove its journal entry; trying again", round(), e);
                post(new ParticipantEvent.JournalFailed(
                        "node " + self + " cannot write its journal: " + e.getMessage()));
            }
        });
    }

    @Override
    public void prepare(ParticipantEffect.Prepare effect) {
        phase(() -> {
            ports.snapshotter().prepare(spec);
            return new ParticipantEvent.Prepared();
        });
    }

    @Override
    public void freeze(ParticipantEffect.Freeze effect) {
        phase(() -> {
            ports.snapshotter().freeze(spec);
            return new ParticipantEvent.VmsFrozen();
        });
    }

    @Override
    public void capture(ParticipantEffect.Capture effect) {
        phase(() -> {
            ports.snapshotter().capture(round());
            return new ParticipantEvent.Captured();
        });
    }

    @Override
    public void proveAndThaw(ParticipantEffect.ProveAndThaw effect) {
        phase(() -> new ParticipantEvent.ThawAnswered(ports.snapshotter().proveAndThaw(round())));
    }

    @Override
    public void thawNow(ParticipantEffect.ThawNow effect) {
        lanes.phases().thaw(() -> ports.snapshotter().thawNow(round()));
    }

    @Override
    public void drain(ParticipantEffect.Drain effect) {
        phase(() -> {
            // Other members may stand still for a moment longer, and whoever hears of this has work with it.
            LockSupport.parkNanos(MOMENT_NANOS);
            tell("thawed");
            return new ParticipantEvent.Drained(ports.snapshotter().drain(round(), this::tell));
        });
    }

    @Override
    public void loadBeside(ParticipantEffect.LoadBeside effect) {
        phase(() -> new ParticipantEvent.Loaded(ports.snapshotter().loadBeside(round(), this::tell)));
    }

    @Override
    public void releaseGuard(ParticipantEffect.ReleaseGuard effect) {
        phase(() -> new ParticipantEvent.GuardReleased(ports.snapshotter().releaseGuard(spec)));
    }

    @Override
    public void carryOut(ParticipantEffect.CarryOut effect) {
        phase(() -> {
            ports.snapshotter().carryOut(spec, effect.decision());
            return new ParticipantEvent.CarriedOut();
        });
    }

    @Override
    public void forget(ParticipantEffect.Forget effect) {
        if (!asking.compareAndSet(false, true)) {
            return;
        }
        phase(() -> {
            try {
                ports.snapshotter().forget(spec);
                return new ParticipantEvent.NothingWaits();
            } finally {
                asking.set(false);
            }
        });
    }

    @Override
    public void sayReady(ParticipantEffect.SayReady effect) {
        tell("ready");
        store(() -> ports.log().sayReady(round(), self));
    }

    @Override
    public void castVote(ParticipantEffect.CastVote effect) {
        store(() -> ports.log().castVote(round(), self, effect.vote()));
    }

    @Override
    public void acknowledge(ParticipantEffect.Acknowledge effect) {
        store(() -> ports.log().acknowledge(round(), self));
    }

    private void store(StoreCall call) {
        lanes.store(() -> {
            try {
                call.run();
            } catch (StoreUnreachableException e) {
                LOG.warn(
                        "round {}: the store did not take this node's word: {}; trying again", round(), e.getMessage());
                ports.timers().after(Lanes.STORE_RETRY, () -> post(new ParticipantEvent.StoreBack()));
            }
        });
    }

    @Override
    public void tellFrozen(ParticipantEffect.TellFrozen effect) {
        ports.channel().send(others(), new GroupMessage.Frozen(round(), spec.epoch(), self));
    }

    @Override
    public void tellVoid(ParticipantEffect.TellVoid effect) {
        ports.channel().send(others(), new GroupMessage.VoidRound(round(), spec.epoch(), self, effect.because()));
    }

    @Override
    public void startTimer(ParticipantEffect.StartTimer effect) {
        ports.timers().after(effect.after(), () -> post(new ParticipantEvent.TimerPassed(effect.timer())));
    }

    private Set<Name> others() {
        Set<Name> others = new TreeSet<>(spec.members().nodes());
        others.remove(self);
        return others;
    }
}
