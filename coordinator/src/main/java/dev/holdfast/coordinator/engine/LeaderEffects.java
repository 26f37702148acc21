package dev.holdfast.coordinator.engine;

import dev.holdfast.coordinator.port.DecisionLog.Written;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.leader.LeaderEffect;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent;
import dev.holdfast.coordinator.protocol.leader.Outcome;
import dev.holdfast.coordinator.protocol.message.GroupMessage;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Starts what the leader's half of a round asks for. One object per round; used by the engine's thread only. */
final class LeaderEffects implements LeaderEffect.Visitor {

    private static final Logger LOG = LoggerFactory.getLogger(LeaderEffects.class);

    private final RoundSpec spec;
    private final Epoch reign;
    private final EnginePorts ports;
    private final Lanes lanes;
    private final Consumer<Outcome> reply;

    LeaderEffects(RoundSpec spec, Epoch reign, EnginePorts ports, Lanes lanes, Consumer<Outcome> reply) {
        this.spec = spec;
        this.reign = reign;
        this.ports = ports;
        this.lanes = lanes;
        this.reply = reply;
    }

    private RoundId round() {
        return spec.id();
    }

    private void post(LeaderEvent event) {
        lanes.toLeader(round(), event);
    }

    @Override
    public void open(LeaderEffect.Open effect) {
        ask(() -> opened(ports.log().open(spec)));
    }

    private static LeaderEvent opened(Written written) {
        if (written instanceof Written.Done done) {
            return new LeaderEvent.Opened(done.version());
        }
        return other(written);
    }

    @Override
    public void tellFreeze(LeaderEffect.TellFreeze effect) {
        ports.channel()
                .send(
                        spec.members().nodes(),
                        new GroupMessage.Freeze(round(), spec.epoch(), Appointment.next(ports.channel())));
    }

    @Override
    public void writeDecision(LeaderEffect.WriteDecision effect) {
        ask(() -> decided(
                effect.version(),
                ports.log()
                        .decide(spec, effect.decision(), effect.version(), reign, effect.reports(), effect.because())));
    }

    private static LeaderEvent decided(int version, Written written) {
        if (written instanceof Written.Done) {
            return new LeaderEvent.DecisionWritten();
        }
        if (written instanceof Written.Refused refused) {
            return new LeaderEvent.CommitRefused(version, refused.because());
        }
        return other(written);
    }

    @Override
    public void touch(LeaderEffect.Touch effect) {
        ask(() -> other(ports.log().touch(round(), reign)));
    }

    /** Who waits for an answer gets one, also if the call breaks: nobody knows then what came of it. */
    private void ask(Supplier<LeaderEvent> call) {
        lanes.store(() -> {
            LeaderEvent answer;
            try {
                answer = call.get();
            } catch (RuntimeException e) {
                LOG.error("a call of the store broke in round {}", round(), e);
                answer = new LeaderEvent.OutcomeUnknown();
            }
            post(answer);
        });
    }

    private static LeaderEvent other(Written written) {
        if (written instanceof Written.Refused refused) {
            return new LeaderEvent.OpenRefused(refused.because());
        }
        if (written instanceof Written.Conflict conflict) {
            return new LeaderEvent.RecordIs(conflict.state(), conflict.version());
        }
        if (written instanceof Written.StaleEpoch) {
            return new LeaderEvent.Deposed();
        }
        return new LeaderEvent.OutcomeUnknown();
    }

    /** Idempotent, so it is repeated until it gets through or another reign begins, which then repeats it. */
    @Override
    public void close(LeaderEffect.Close effect) {
        lanes.store(() -> {
            if (ports.log().close(spec, reign) instanceof Written.Unknown) {
                ports.timers().after(Lanes.STORE_RETRY, () -> close(effect));
            }
        });
    }

    @Override
    public void reply(LeaderEffect.Reply effect) {
        reply.accept(effect.outcome());
    }

    @Override
    public void startTimer(LeaderEffect.StartTimer effect) {
        ports.timers().after(effect.after(), () -> post(new LeaderEvent.TimerPassed(effect.timer())));
    }
}
